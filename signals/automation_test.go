package signals_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// visit is a request and how long after the one before it comes.
type visit struct {
	gap           time.Duration
	method, route string
}

// surf plays visits, and adds up what automation makes of them.
func surf(w *walk, visits []visit) (total float64, last fact) {
	for _, v := range visits {
		w.Now, w.Gap = w.Now.Add(v.gap), v.gap
		last = w.asks(v.method, v.route).read("automation")
		total += last.Nats
		w.Session.SeenAt, w.First = w.Now, false
	}
	return total, last
}

var work = []visit{
	{0, "GET", "/orders"},
	{0, "GET", "/orders/{id}"},
	{0, "POST", "/orders/{id}/notes"},
	{0, "GET", "/customers/{id}"},
	{0, "GET", "/search"},
	{0, "PATCH", "/orders/{id}"},
}

// script goes through the work at a pace with jitter.
func script(r *rand.Rand, n int, pace time.Duration, jitter float64) (visits []visit) {
	for range n {
		v := work[r.IntN(len(work))]
		v.gap = time.Duration(float64(pace) * (1 + jitter*r.NormFloat64()))
		visits = append(visits, v)
	}
	return visits
}

// person goes through the work by hand: gaps of a lognormal distribution, pages of
// some calls each.
func person(r *rand.Rand, n int, sigma float64) (visits []visit) {
	for range n {
		v := work[r.IntN(len(work))]
		v.gap = time.Duration(10e9 * math.Exp(sigma*r.NormFloat64()))
		visits = append(visits, v)
		for range r.IntN(4) {
			visits = append(visits, visit{time.Duration(r.IntN(300)) * time.Millisecond, "GET", "/widgets/{id}"})
		}
	}
	return visits
}

func each(n int, gap time.Duration, routes ...string) (visits []visit) {
	for i := range n {
		visits = append(visits, visit{gap, "GET", routes[i%len(routes)]})
	}
	return visits
}

// A script is seen with its seventh request or soon after, and counts to its bound.
func TestScriptsAreRegular(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]time.Duration{"three seconds": 3 * time.Second, "one": time.Second, "a minute": time.Minute} {
		r, late := rand.New(rand.NewPCG(7, uint64(pace))), 0
		for range 60 {
			w := newWalk(t)
			if total, _ := surf(w, script(r, 12, pace, 0.08)); total < 4.2 {
				late++
			}
			if total, last := surf(w, script(r, 60, pace, 0.08)); total > 8.4 || last.Value != 1 {
				t.Errorf("%s: %v nats, value %v", name, total, last.Value)
			}
		}
		if late > 3 {
			t.Errorf("%s: %d of 60 scripts aren't seen within 12 requests", name, late)
		}
	}
}

// A run's evidence is for all of its gaps, at once when they are enough.
func TestAutomationCountsTheRun(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	var got []float64
	for i := range 16 {
		total, _ := surf(w, []visit{{3 * time.Second, "GET", work[i%5].route}})
		got = append(got, total)
	}
	for i, nats := range got {
		want := map[bool]float64{true: 0.7}[i > 6 && i < 13]
		if i == 6 {
			want = 4.2
		}
		if !near(nats, want) {
			t.Errorf("request %d: %v nats, want %v of %v", i+1, nats, want, got)
		}
	}
}

// People aren't regular, nor is what a page does by itself.
func TestAutomationOnAnOrdinaryDay(t *testing.T) {
	t.Parallel()
	r, total := rand.New(rand.NewPCG(1, 2)), 0.0
	for range 100 {
		nats, _ := surf(newWalk(t), person(r, 150, 1.2))
		total += nats
	}
	if total > 5 {
		t.Errorf("100 sessions of people come to %v nats", total)
	}
	for name, visits := range map[string][]visit{
		"a page that polls":         each(200, 5*time.Second, "/notifications"),
		"one that polls two things": each(200, 2*time.Second, "/notifications", "/orders"),
		"a draft that saves itself": each(200, 10*time.Second, "/drafts/{id}"),
		"every ten minutes":         each(50, 10*time.Minute, "/a", "/b", "/c", "/d"),
		"a page of many calls":      each(200, 30*time.Millisecond, "/a", "/b", "/c", "/d"),
	} {
		if nats, f := surf(newWalk(t), visits); nats != 0 || f.Value != 0 {
			t.Errorf("%s comes to %v nats: %v", name, nats, f.numbers)
		}
	}
	if nats, _ := surf(newWalk(t), each(1000, 10*time.Second, "/board/1", "/board/2", "/board/3", "/board/4")); nats > 8.5 {
		t.Errorf("a wallboard comes to %v nats", nats)
	}
}

// Somebody who works like clockwork is taken for a script now and then, within the
// bound.
func TestAutomationLikeClockwork(t *testing.T) {
	t.Parallel()
	r, hits := rand.New(rand.NewPCG(1, 2)), 0
	for range 100 {
		nats, _ := surf(newWalk(t), person(r, 150, 0.5))
		if nats > 0 {
			hits++
		}
		if nats > 8.5 {
			t.Errorf("comes to %v nats", nats)
		}
	}
	if hits < 20 || hits > 60 {
		t.Errorf("%d of 100 are taken for scripts", hits)
	}
}

// Somebody's clicks, then a page that polls while he is at lunch.
func TestAutomationForgetsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	surf(w, person(rand.New(rand.NewPCG(3, 4)), 50, 1.2))
	if nats, _ := surf(w, each(300, 5*time.Second, "/notifications")); nats != 0 {
		t.Errorf("comes to %v nats", nats)
	}
}

func TestAutomationLeavesOut(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*riskd.Request){
		"assets":     func(r *riskd.Request) { r.Class = riskd.ClassOpen },
		"background": func(r *riskd.Request) { r.Activity = riskd.Background },
	} {
		w := newWalk(t)
		change(&w.Event.Request)
		if nats, f := surf(w, each(50, 3*time.Second, "/a", "/b", "/c", "/d")); nats != 0 || f.numbers["gaps"] != 0 {
			t.Errorf("%s: %v nats, %v", name, nats, f.numbers)
		}
	}
	w := newWalk(t) // what comes late is no gap
	surf(w, each(5, 3*time.Second, "/a", "/b", "/c"))
	before := w.read("automation").numbers["gaps"]
	w.Now = w.Now.Add(-time.Minute)
	if f := w.read("automation"); f.numbers["gaps"] != before {
		t.Errorf("%v gaps, then %v", before, f.numbers["gaps"])
	}
	w.Now = w.Now.Add(10 * time.Minute)
	if f := w.read("automation"); f.numbers["gaps"] != 0 || f.numbers["mean_gap_s"] != 0 {
		t.Errorf("a pause leaves %v", f.numbers)
	}
}

func TestAutomationByProgram(t *testing.T) {
	t.Parallel()
	const headless = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/145.0.0.0 Safari/537.36"
	for name, c := range map[string]struct {
		agent, device, known string
		young, login         bool
		word                 string
		value, nats          float64
	}{
		"a browser":                  {agent: chrome145, login: true, word: "browser"},
		"a program at a login":       {agent: "python-requests/2.32", login: true, word: "program", value: 2, nats: 1.5},
		"without a window":           {agent: headless, login: true, word: "program", value: 2, nats: 1.5},
		"which device_change judges": {agent: "curl/8.5.0", device: "other", login: true, word: "program", value: 2},
		"of a new user":              {agent: "curl/8.5.0", young: true, login: true, word: "program", value: 2},
		"of somebody who has one":    {agent: "curl/8.5.0", known: "okhttp/4.12", login: true, word: "program", value: 2},
		"within a session":           {agent: "Go-http-client/2.0", word: "program", value: 2},
		"an application":             {agent: "AcmeMobile/3.1 (iPhone; iOS 19)", login: true, word: "browser"},
		"no agent":                   {agent: "", word: "absent", nats: 1},
		"none at a login":            {agent: "", login: true, word: "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			if c.known != "" {
				w.agent(c.known)
				w.Profile.Devices[1] = riskd.DeviceSeen{Tenure: riskd.Tenure{Proved: true}, Agent: w.Agent, Count: 5}
			}
			if c.young {
				w.Profile.Sessions = 1
			}
			if c.login {
				w.login(time.Hour)
			}
			f := w.device(c.device, "").agent(c.agent).read("automation")
			if want(t, f, c.value, c.nats); f.texts["agent"] != c.word {
				t.Errorf("agent is %q", f.texts["agent"])
			}
			w.goOn(time.Second)
			want(t, w.read("automation"), c.value, 0)
		})
	}
}

// Whoever goes through the objects of one route goes through different things; a page
// that polls one object doesn't.
func TestAutomationTellsObjects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		objects int
		nats    float64
	}{"one": {1, 0}, "many": {30, 8.4}} {
		w, total := newWalk(t), 0.0
		for i := range 30 {
			w.Event.Request.Object = uint64(1 + i%c.objects)
			nats, _ := surf(w, each(1, 3*time.Second, "/customers/{id}"))
			total += nats
		}
		if !near(total, c.nats) {
			t.Errorf("%s: %v nats, want %v", name, total, c.nats)
		}
	}
}

// A program that was tried once in no session of the user's own excuses nothing.
func TestAutomationBySomebodysProgram(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour).device("", "").agent("curl/8.5.0")
	w.Profile.Devices[1] = riskd.DeviceSeen{Agent: w.Agent, Count: 5, At: noon.Unix()}
	want(t, w.read("automation"), 2, 1.5)
}

// A client that doesn't say what it is signs in: there is nothing that it has stopped
// saying.
func TestAutomationAbsentAtALogin(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Session.User = ""
	want(t, w.agent("").read("automation"), 0, 0)
}
