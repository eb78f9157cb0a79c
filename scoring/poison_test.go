package scoring_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// features are what a request shows of who sends it; somebody who poisons a profile
// brings in his own, one after the other.
type features struct {
	network, device, fingerprint, agent, stack, hour, work bool // true: the attacker's
}

var (
	allTheirs = features{true, true, true, true, true, true, true}
	turns     = map[string]func(*features){
		"network": func(f *features) { f.network = true }, "device": func(f *features) { f.device = true },
		"fingerprint": func(f *features) { f.fingerprint = true }, "agent": func(f *features) { f.agent = true },
		"stack": func(f *features) { f.stack = true }, "hour": func(f *features) { f.hour = true },
		"work": func(f *features) { f.work = true },
	}
)

// biography is a user's, in a small company, with an engine that sees it.
type biography struct {
	t      *testing.T
	engine *scoring.Engine
	record *riskd.Record
	abroad bool // where the attacker is
	next   int
}

func newBiography(t *testing.T, abroad bool) *biography {
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &biography{t: t, abroad: abroad}
	o := realEngine(t).Options
	o.Memory = store
	o.Record = func(r *riskd.Record) { c := *r; l.record = &c }
	if l.engine, err = scoring.New(o); err != nil {
		t.Fatal(err)
	}
	return l
}

var lifeBegins = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func (l *biography) at(day, hour int) time.Time {
	return lifeBegins.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour)
}

// event makes the i-th request of a session, by the user's features and the other's.
func (l *biography) event(user, session string, i int, f features) *riskd.Event {
	e := &riskd.Event{User: riskd.User{ID: user, Roles: []string{"user"}}}
	copy(e.Session.ID[:], session)
	e.Device = riskd.Device{ID: "dev-" + user, Fingerprint: "fp-" + user}
	e.Client = riskd.Client{
		IP: netip.MustParseAddr("203.0.113.7"), Language: "fr",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
		JA4:       "t13d1516h2_8daaf6156771_e5627efa2ab1",
	}
	e.Place = riskd.Place{Country: "FR", ASN: 64500, Network: riskd.NetworkResidential, Located: true, Lat: 48.85, Lon: 2.35, RadiusKM: 10}
	if f.network {
		e.Client.IP = netip.MustParseAddr("198.51.100.9")
		e.Place.ASN, e.Place.Lat, e.Place.Lon = 64990, 45.76, 4.84
		if l.abroad {
			e.Place.Country, e.Place.Lat, e.Place.Lon = "US", 40.71, -74.0
		}
	}
	if f.device {
		e.Device.ID = "dev-other"
	}
	if f.fingerprint {
		e.Device.Fingerprint = "fp-other"
	}
	if f.agent {
		e.Client.UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	}
	if f.stack {
		e.Client.JA4 = "t13d190900_9dc949149365_97f8aa674fd9"
	}
	e.Request = riskd.Request{Method: http.MethodGet, Route: fmt.Sprint("/orders/", i%5), Status: 200, Bytes: int64(5000 + 700*(i%7))}
	if i%8 == 7 {
		e.Request.Method = http.MethodPost
	}
	if f.work && i%2 == 1 {
		l.export(e)
	}
	return e
}

func (l *biography) export(e *riskd.Event) {
	e.Request = riskd.Request{Method: http.MethodGet, Route: "/orders/export", Class: riskd.ClassSensitive, Status: 200, Bytes: 800_000}
	e.Privilege = riskd.Privilege{Level: 2, Action: "export"}
}

func (l *biography) decide(e *riskd.Event, now, began time.Time) riskd.Decision {
	e.Session.StartedAt, e.Session.AuthTime, e.Session.ACR, e.Session.AMR = began, began, "aal1", []string{"pwd"}
	return l.engine.Decide(context.Background(), e, now)
}

// play plays a session, which ends when it isn't allowed any more.
func (l *biography) play(user string, f features, began time.Time, requests int, gap time.Duration) {
	l.next++
	session := fmt.Sprint("s", l.next)
	for i := range requests {
		e := l.event(user, session, i, f)
		pause := gap * time.Duration(4+(i*7)%9) / 8
		if d := l.decide(e, began.Add(time.Duration(i)*gap+pause), began); d.Outcome != riskd.Allow {
			return
		}
	}
}

// honest lets the company work for some days.
func (l *biography) honest(from, days int) {
	for day := from; day < from+days; day++ {
		l.day(day)
	}
}

func (l *biography) day(day int) {
	for i := range 6 {
		l.play(fmt.Sprint("colleague-", i), features{}, l.at(day, 8), 3, 20*time.Second)
	}
	l.play("ada", features{}, l.at(day, 9), 25, 15*time.Second)
	l.play("ada", features{}, l.at(day, 14), 15, 15*time.Second)
}

// risk is what a hijack comes to: the evidence of its requests before any cap of
// groups, that of its sums and of its alarms, and the score.
type risk struct{ found, nats, score float64 }

// hijack takes a session of ada's over, which began at the user's own.
func (l *biography) hijack(day int, f features) (r risk) {
	l.next++
	began := l.at(day, 9)
	if f.hour {
		began = l.at(day, 3)
	}
	session := fmt.Sprint("s", l.next)
	for i := range 3 {
		l.decide(l.event("ada", session, i, features{hour: f.hour}), began.Add(time.Duration(i)*15*time.Second), began)
	}
	for i := range 10 {
		d := l.decide(l.event("ada", session, i, f), began.Add(time.Minute+time.Duration(i)*4*time.Second), began)
		if d.Source != riskd.SourceFresh {
			break
		}
		found := 0.0
		for _, reason := range l.record.Weighing.Request {
			found += reason.Found
		}
		n := l.record.Nats
		r.found += found
		r.nats = max(r.nats, n.Identity+n.Behaviour, n.Request)
		r.score = max(r.score, float64(d.Score))
	}
	return r
}

const honestDays = 30

// keeps holds a risk to a share of what it was.
func (r risk) keeps(t *testing.T, share float64, before risk) {
	t.Helper()
	t.Logf("nats %.2f, of %.2f; found %.2f, of %.2f; score %g, of %g", r.nats, before.nats, r.found, before.found, r.score, before.score)
	if r.nats < share*before.nats || r.found < share*before.found || r.score < share*before.score {
		t.Errorf("the hijack is worth %+v, and was %+v: less than %g of it", r, before, share)
	}
}

// Whoever lets one feature a day become his own, for thirty days, isn't taken for
// the user afterwards.
func TestDriftIsNotLearned(t *testing.T) {
	t.Parallel()
	orders := map[string][]string{
		"network first": {"network", "device", "fingerprint", "agent", "stack", "hour", "work"},
		"machine first": {"device", "fingerprint", "agent", "stack", "network", "hour", "work"},
		"work first":    {"work", "hour", "stack", "agent", "fingerprint", "device", "network"},
		"browser first": {"stack", "agent", "hour", "network", "work", "fingerprint", "device"},
	}
	for where, abroad := range map[string]bool{"abroad": true, "same country": false} {
		base := newBiography(t, abroad)
		base.honest(0, honestDays)
		before := base.hijack(honestDays, allTheirs)
		if before.score < riskd.StepUpScore {
			t.Fatalf("%s: a hijack on the first day scores %g", where, before.score)
		}
		for name, order := range orders {
			for _, kept := range []bool{true, false} { // what was turned stays so; or one at a time
				t.Run(fmt.Sprintf("%s, %s, kept %t", where, name, kept), func(t *testing.T) {
					t.Parallel()
					l := newBiography(t, abroad)
					l.honest(0, honestDays)
					var f features
					for i := range 30 {
						day := honestDays + i
						l.day(day)
						if !kept {
							f = features{}
						}
						turns[order[i%len(order)]](&f)
						hour := 16
						if f.hour {
							hour = 3
						}
						l.play("ada", f, l.at(day, hour), 20, 8*time.Second)
					}
					l.hijack(honestDays+30, allTheirs).keeps(t, 0.8, before)
				})
			}
		}
	}
}

// A thousand requests that look like the user's move what the same attack comes to
// by a twentieth at most, in one session or in many.
func TestMimicryMovesLittle(t *testing.T) {
	t.Parallel()
	for where, abroad := range map[string]bool{"abroad": true, "same country": false} {
		base := newBiography(t, abroad)
		base.honest(0, honestDays+1)
		for _, f := range []features{allTheirs, {device: true, fingerprint: true, work: true}, {network: true, stack: true, work: true}} {
			before := base.copy(t, honestDays+1).hijack(honestDays+1, f)
			for name, mimic := range map[string]func(l *biography){
				"one session":              func(l *biography) { l.mimic(honestDays, 1000, 0) },
				"one session with exports": func(l *biography) { l.mimic(honestDays, 1000, 17) },
				"a hundred a day for ten days": func(l *biography) {
					for day := honestDays - 9; day <= honestDays; day++ {
						l.mimic(day, 100, 17)
					}
				},
			} {
				t.Run(fmt.Sprint(where, ", ", name, ", ", f), func(t *testing.T) {
					l := newBiography(t, abroad)
					l.honest(0, honestDays+1)
					mimic(l)
					l.hijack(honestDays+1, f).keeps(t, 0.95, before)
				})
			}
		}
	}
}

// copy is another biography that went the same way.
func (l *biography) copy(t *testing.T, days int) *biography {
	c := newBiography(t, l.abroad)
	c.honest(0, days)
	return c
}

// mimic asks for so many pages as the user does, each so manyth an export.
func (l *biography) mimic(day, requests, export int) {
	l.next++
	session, began := fmt.Sprint("m", l.next), l.at(day, 17)
	for i := range requests {
		e := l.event("ada", session, i, features{})
		if export > 0 && i%export == export-1 {
			l.export(e)
		}
		l.decide(e, began.Add(time.Duration(i)*15*time.Second), began)
	}
}

// Whoever is new has no habits: signals that need one say so, in the decision too,
// and the rest goes on.
func TestColdStart(t *testing.T) {
	t.Parallel()
	l := newBiography(t, true)
	l.honest(0, 5) // the colleagues
	began := l.at(6, 9)
	var d riskd.Decision
	for i := range 4 {
		d = l.decide(l.event("new", "cold", i, features{}), began.Add(time.Duration(i)*15*time.Second), began)
		if d.Outcome != riskd.Allow || d.Score >= riskd.StepUpScore/2 {
			t.Fatalf("request %d: %s at %d points: %s", i, d.Outcome, d.Score, d.AdminText)
		}
	}
	for _, name := range []string{"privilege_burst", "privilege_novelty", "route_novelty", "slow_exfiltration", "pace_change"} {
		if !slices.Contains(d.Missing, name) {
			t.Errorf("%s isn't named as missing: %v", name, d.Missing)
		}
	}
	for name, turn := range map[string]func(i int, e *riskd.Event){
		"power that is refused": func(_ int, e *riskd.Event) {
			e.Request.Class, e.Request.Status, e.Privilege = riskd.ClassAdmin, http.StatusForbidden, riskd.Privilege{Level: 7, Action: "x"}
		},
		"another machine elsewhere": func(_ int, e *riskd.Event) {
			*e = *l.event("new", "cold", 0, allTheirs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newBiography(t, true)
			l.honest(0, 5)
			worst := 0
			for i := range 8 {
				e := l.event("new", "cold", i, features{})
				if i > 2 {
					turn(i, e)
				}
				copy(e.Session.ID[:], "cold")
				worst = max(worst, l.decide(e, began.Add(time.Duration(i)*15*time.Second), began).Score)
			}
			if worst < riskd.StepUpScore {
				t.Errorf("scores %d", worst)
			}
		})
	}
}
