package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is an event of a made-up trace.
type told struct {
	ID      string `json:"id"`
	Time    string `json:"time"`
	Session struct {
		ID  string   `json:"id"`
		AMR []string `json:"amr"`
	} `json:"session"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Device struct {
		ID          string            `json:"id"`
		Fingerprint string            `json:"fingerprint"`
		Attributes  map[string]string `json:"attributes"`
	} `json:"device"`
	Client struct {
		IP        string `json:"ip"`
		UserAgent string `json:"user_agent"`
		JA4       string `json:"ja4"`
		Language  string `json:"language"`
	} `json:"client"`
	Request struct {
		Method string `json:"method"`
		Route  string `json:"route"`
		Object string `json:"object,omitempty"`
		Status int    `json:"status"`
		Bytes  int    `json:"bytes"`
	} `json:"request"`
	Place struct {
		Country string `json:"country"`
		ASN     int    `json:"asn"`
		Network string `json:"network"`
	} `json:"place"`
	Environment string `json:"environment,omitempty"`

	at     time.Time
	layout string
	label  string
}

// tale is how a trace is made up. Attacks are honest requests that the labels call
// attacks, but for what is planted.
type tale struct {
	seed     uint64
	users    int                                  // default: taleUsers
	families []string                             // default: F1, F2, F11
	plant    func(e, before *told, family string) // what gives an attack's event away
	chooses  func(user, session int) bool         // which sessions F2 comes to
}

const (
	taleUsers    = 240
	taleSessions = 14
)

// gapsAndShares are the times between sessions, and how often one has a new address.
var gapsAndShares = []struct {
	least, most time.Duration
	share       float64
}{{2 * time.Hour, 20 * time.Hour, 0.22}, {26 * time.Hour, 150 * time.Hour, 0.35}, {170 * time.Hour, 700 * time.Hour, 0.54}}

func (s *tale) write(t *testing.T) (trace, labels string) {
	t.Helper()
	if s.families == nil {
		s.families = []string{"F1", "F2", "F11"}
	}
	r := rand.New(rand.NewPCG(s.seed, 6))
	var all []*told
	for u := range cmp.Or(s.users, taleUsers) {
		all = append(all, s.user(r, u)...)
	}
	slices.SortStableFunc(all, func(a, b *told) int { return a.at.Compare(b.at) })
	var lines, marks strings.Builder
	for i, e := range all {
		if e.ID += fmt.Sprint(i); e.label != "" {
			marks.WriteString(strings.Replace(e.label, "EVENT", e.ID, 1))
		}
		e.Time = e.at.Format(e.layout)
		out, err := json.Marshal(map[string]*told{"decision": e})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(out, '\n'))
	}
	marks.WriteString(`{"user":"u001","archetype":"plain"}` + "\n" + `{"event":"e0","cause":"trip"}` + "\n")
	dir := t.TempDir()
	trace, labels = filepath.Join(dir, "trace.ndjson"), filepath.Join(dir, "labels.ndjson")
	for name, text := range map[string]string{trace: lines.String(), labels: marks.String()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return trace, labels
}

// user is all that one user does, and that attackers do as him.
func (s *tale) user(r *rand.Rand, u int) (all []*told) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(20 * 24 * time.Hour))))
	host, seen := 1+r.IntN(250), map[int]bool{}
	for session := range taleSessions {
		if session > 0 {
			g := gapsAndShares[min(r.IntN(4), 2)]
			at = at.Add(g.least + time.Duration(r.Int64N(int64(g.most-g.least))))
			if r.Float64() < g.share {
				for host = 1 + r.IntN(250); seen[host]; host = 1 + r.IntN(250) {
				}
			}
		}
		seen[host] = true
		family := ""
		if session >= 4 && r.IntN(18) < 2+len(s.families)/3 {
			family = s.families[r.IntN(len(s.families))]
		}
		if s.chooses != nil && family != "F1" {
			if family = ""; session >= 4 && s.chooses(u, session) && r.IntN(3) > 0 {
				family = "F2"
			}
		}
		name := fmt.Sprintf("s%08x", r.Uint32())
		for n := range 3 + r.IntN(5) {
			at = at.Add(time.Duration(1000+r.IntN(90_000)) * time.Millisecond)
			e := honest(r, u, host, name, at)
			if family != "" && n >= 2 {
				e.label = fmt.Sprintf(`{"event":"EVENT","attack":"a%d-%d","family":%q}`+"\n", u, session, family)
				if s.plant != nil {
					s.plant(e, all[len(all)-1], family)
				}
			}
			all = append(all, e)
		}
	}
	return all
}

func honest(r *rand.Rand, u, host int, session string, at time.Time) *told {
	e := &told{ID: "e", at: at, layout: "2006-01-02T15:04:05.000Z"}
	network, machine := u%12, u%10
	e.Session.ID, e.User.ID = session, fmt.Sprintf("u%03d", u)
	e.Device.ID, e.Device.Fingerprint = fmt.Sprintf("d%06x", u*7919), fmt.Sprintf("f%06x", u*104729)
	e.Device.Attributes = map[string]string{"platform": [...]string{"Win32", "MacIntel"}[machine%2], "screen": "1920x1080"}
	e.Client.IP = fmt.Sprintf("10.%d.%d.%d", network, u%4, host)
	e.Client.UserAgent = fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 120+machine)
	e.Client.JA4, e.Client.Language = "t13d1516h2_8daaf6152771_b186095e22b6", [...]string{"nb-NO", "en-US", "sv-SE"}[network%3]
	e.Request.Method, e.Request.Route, e.Request.Status, e.Request.Bytes = "GET", [...]string{"/orders", "/orders/{id}"}[r.IntN(2)], 200, 200+r.IntN(9000)
	e.Session.AMR = []string{"pwd", [...]string{"otp", "hwk"}[u%2]}
	if e.Request.Route != "/orders" {
		e.Request.Object = fmt.Sprintf("orders/%d", r.IntN(20_000))
	}
	e.Place.Country, e.Place.ASN, e.Place.Network = [...]string{"NO", "US", "SE"}[network%3], 64500+network, "residential"
	return e
}

// Labels that are drawn at random are told from the rest by nothing.
func TestAuditPassesACleanTrace(t *testing.T) {
	t.Parallel()
	trace, labels := (&tale{seed: 1}).write(t)
	if out, err := detection(t, "audit", trace, labels); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// planted are families that differ from users in one thing each, and what has to be
// found.
var planted = []struct {
	family, told, value string
	plant               func(e, before *told)
}{
	{"P1", "is told by time of day", "second=0", func(e, _ *told) {
		e.at = e.at.Truncate(time.Minute).Add(time.Minute + 123*time.Millisecond)
	}},
	{"P2", "has another distribution of hour", `"2"`, func(e, _ *told) {
		e.at = e.at.Truncate(24 * time.Hour).Add(26*time.Hour + e.at.Sub(e.at.Truncate(time.Hour)))
	}},
	{"P3", "is told by rarity of context", "users of the network=0", func(e, _ *told) { e.Place.ASN = 65000 }},
	{"P4", "is told by rarity of context", "users of the browser=0", func(e, _ *told) { e.Client.UserAgent += " Edg/1" }},
	{"P5", "is told by order in the file", "gap to the line above=none", func(e, before *told) { e.at = before.at }},
	{"P6", "is told by order in the file", "digits of the second=0", func(e, _ *told) { e.layout = time.RFC3339 }},
	{"P7", "is told by event id", "event id is of=0-9g-z", func(e, _ *told) { e.ID = "x" }},
	{"P8", "is told by session id", "A-Z", func(e, _ *told) { e.Session.ID = strings.ToUpper(e.Session.ID) }},
	{"P9", "is told by device and cookie", "device id is long=9", func(e, _ *told) { e.Device.ID += "00" }},
	{"P10", "is told by fields present", "order of members=", func(e, _ *told) { delete(e.Device.Attributes, "screen") }},
	{"P11", "is told by fields present", "has=/decision/environment", func(e, _ *told) { e.Environment = "production" }},
	{"P12", "is told by size of answer", "last digit of bytes=1", func(e, _ *told) { e.Request.Bytes = 4321 }},
	{"P13", "has another distribution of version", "Chrome 99", func(e, _ *told) {
		e.Client.UserAgent = strings.Replace(e.Client.UserAgent, "Chrome/12", "Chrome/99", 1)
	}},
	{"P14", "has another distribution of language", `"en-US" (100.0 % of the attackers`, func(e, _ *told) { e.Client.Language = "en-US" }},
	{"P15", "is told by object", "number of the object=", func(e, _ *told) {
		if e.Request.Object != "" {
			e.Request.Object = "orders/17"
		}
	}},
	{"P16", "is told by authentication", "amr=pwd (100.0 %", func(e, _ *told) { e.Session.AMR = e.Session.AMR[:1] }},
	{"P17", "", "", func(*told, *told) {}},
}

// Each thing that gives attackers away is found, with the family and the value; where
// there is none, nothing is.
func TestAuditFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	s := &tale{seed: 9, plant: func(e, before *told, family string) {
		for _, p := range planted {
			if p.family == family {
				p.plant(e, before)
			}
		}
	}}
	for _, p := range planted {
		s.families = append(s.families, p.family)
	}
	trace, labels := s.write(t)
	out, err := detection(t, "audit", trace, labels)
	if err == nil {
		t.Fatalf("nothing is found\n%s", out)
	}
	found := map[string][]string{}
	for line := range strings.Lines(err.Error()) {
		_, after, _ := strings.Cut(line, "family ")
		family, rest, _ := strings.Cut(after, " ")
		found[family] = append(found[family], rest)
	}
	for _, p := range planted {
		met := slices.ContainsFunc(found[p.family], func(line string) bool { return strings.HasPrefix(line, p.told) && strings.Contains(line, p.value) })
		if met != (p.told != "") {
			t.Errorf("%s %s %s: found %q", p.family, p.told, p.value, found[p.family])
		}
	}
}

// So is what lies in the choice of victims.
func TestAuditFindsHowVictimsAreChosen(t *testing.T) {
	t.Parallel()
	for want, chooses := range map[string]func(user, session int) bool{
		"family F2 is told by session index: ": func(_, session int) bool { return session >= 12 },
		"family F2 is told by user id: ":       func(user, _ int) bool { return user%10 == 3 },
	} {
		trace, labels := (&tale{seed: 9, chooses: chooses}).write(t)
		out, err := detection(t, "audit", trace, labels)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s isn't found, but %v\n%s", want, err, out)
		}
	}
}

// What a family consists of is shown, and no finding.
func TestAuditExcusesWhatAFamilyIs(t *testing.T) {
	t.Parallel()
	night := &tale{seed: 4, plant: func(e, _ *told, family string) {
		if family == "F11" {
			e.at = e.at.Truncate(24 * time.Hour).Add(27*time.Hour + 59*time.Millisecond)
		}
	}}
	trace, labels := night.write(t)
	out, err := detection(t, "audit", trace, labels)
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"%*", "  F11, time of day: it comes between 01:30 and 04:30"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q isn't in\n%s", want, out)
		}
	}
}

// Sign-ins that aren't like real ones are found.
func TestGates(t *testing.T) {
	t.Parallel()
	g, err := newGates(1)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for day := range 20 {
		for u := range 50 {
			e := &heard{at: at.Add(time.Duration(day) * 48 * time.Hour)}
			e.User.ID, e.Client.IP = fmt.Sprint(u), fmt.Sprintf("10.0.%d.1", u)
			g.login(e)
		}
	}
	var out strings.Builder
	faults := g.print(&out)
	if len(faults) == 0 || !strings.HasPrefix(faults[0].Error(), "sign-ins after a gap of 1-7 d come from a new address in 0.000 of cases; real ones in 0.351") {
		t.Errorf("found %v", faults)
	}
	if last := faults[len(faults)-1].Error(); last != "the smoothed login score tells targeted attackers with AUC 1.000; on real sign-ins it is 0.665 ± 0.15" {
		t.Errorf("found at last %s", last)
	}
	if !strings.Contains(out.String(), "950        0.000     0.351 !") {
		t.Error(out.String())
	}
	few, _ := newGates(1)
	if faults := few.print(&out); len(faults) != 1 {
		t.Errorf("of nothing: %v", faults)
	}
}

func TestAuditIsAskedRightly(t *testing.T) {
	t.Parallel()
	trace, labels := (&tale{users: 12}).write(t)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("{\"decision\":{}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"two files":                 {"audit", trace},
		"broken:1: time: must be":   {"audit", broken, labels},
		"broken:1: is no label":     {"audit", trace, trace},
		"the labels name no attack": {"audit", trace, broken},
		"no such file or directory": {"audit", trace, labels + "x"},
	} {
		_, err := detection(t, args...)
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "broken:1: is no label")) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// A trace with so few attacks that nothing can be judged doesn't pass.
func TestAuditNeedsAttacks(t *testing.T) {
	t.Parallel()
	trace, labels := (&tale{seed: 3, users: 48}).write(t)
	few := filepath.Join(t.TempDir(), "few")
	data, err := os.ReadFile(labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(few, []byte(strings.Join(strings.SplitAfter(string(data), "\n")[:40], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := detection(t, "audit", trace, few); err == nil || !strings.Contains(err.Error(), "no family has 30 attacks") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The rank of weighed users is that of as many users.
func TestRank(t *testing.T) {
	t.Parallel()
	users := []weighed{{2, 1}, {4, 2}, {5, 1}, {3, 1}}
	// The attackers 9, 4 and 1 are above 5 + (2 + 2/2) + 0 of 5 users.
	auc, recall := rank([]float64{9, 4, 1}, users)
	if math.Abs(auc-8.0/15) > 1e-12 || recall != 1.0/3 {
		t.Errorf("AUC %v, recall %v", auc, recall)
	}
	if auc, recall := rank(nil, users); auc != 0.5 || recall != 0 {
		t.Errorf("of nobody: AUC %v, recall %v", auc, recall)
	}
	if p := binomialTail(3, 10, 0.5); math.Abs(p-0.9453125) > 1e-9 { // 1 − (1+10+45)/1024
		t.Errorf("tail is %v", p)
	}
}
