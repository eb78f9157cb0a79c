package riskd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

var firstDay = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func onDay(n int) time.Time { return firstDay.Add(time.Duration(n) * 24 * time.Hour) }

// learner teaches a profile.
type learner struct {
	riskd.Profile
	agent riskd.Agent
}

func (l *learner) event(asn uint32, device string) *riskd.Event {
	e := validEvent()
	e.User.ID, e.Device = "ada", riskd.Device{ID: device}
	e.Client.IP = netip.AddrFrom4([4]byte{10, byte(asn >> 8), byte(asn), 1})
	e.Place = riskd.Place{ASN: asn, Country: "FR"}
	return &e
}

func (l *learner) learn(e *riskd.Event, at time.Time) {
	l.Learn(&riskd.Lesson{}, e, l.agent, at, true)
}

// settled has three sessions at home on the laptop.
func settled() *learner {
	l := &learner{agent: riskd.Agent{Family: "Firefox", OS: "Linux"}}
	for day := range riskd.YoungProfile {
		l.learn(l.event(64496, "laptop"), onDay(day))
	}
	return l
}

func (l *learner) knows(asn uint32, own bool, at time.Time) bool {
	return l.Contexts.Settled(riskd.ContextOf(l.event(asn, "")), own, at).ASN
}

func (l *learner) has(device string, at time.Time) bool {
	id, _, _ := l.HasDevice(riskd.MarkOf(&riskd.Device{ID: device}), l.agent, at)
	return id
}

func TestWhatIsThereFromTheStartIsTheUsersOwn(t *testing.T) {
	l := settled()
	if !l.knows(64496, false, onDay(3)) || !l.has("laptop", onDay(3)) {
		t.Errorf("after three sessions: %+v", l.Contexts[0])
	}
}

func TestANewNetworkSettles(t *testing.T) {
	tests := map[string]struct {
		days, span int
		device     string
		want       bool
	}{
		"day after day for long":       {12, 48, "laptop", true},
		"five days in six weeks":       {5, 45, "laptop", true},
		"four days in six weeks":       {4, 45, "laptop", false},
		"every day, but for a month":   {30, 30, "laptop", false},
		"with a machine as new as it":  {30, 60, "stranger", false},
		"without any machine of hers":  {30, 60, "", false},
		"once, and long ago (the gap)": {1, 90, "laptop", false},
	}
	for name, test := range tests {
		l := settled()
		for i := range test.days {
			l.learn(l.event(64511, test.device), onDay(10+i*test.span/max(test.days-1, 1)))
		}
		if got := l.knows(64511, false, onDay(10+test.span)); got != test.want {
			t.Errorf("%s: settled %t, want %t: %+v", name, got, test.want, l.Contexts[:2])
		}
	}
}

// On a machine of hers a network counts that such a machine was in on an earlier day.
func TestAMachineVouchesForWhereItWas(t *testing.T) {
	l := settled()
	l.learn(l.event(64511, "laptop"), onDay(10))
	if l.knows(64511, true, onDay(10)) {
		t.Error("known on the same day")
	}
	if !l.knows(64511, true, onDay(11)) || l.knows(64511, false, onDay(11)) {
		t.Error("on the next day it's known to her machine, and to no other")
	}
	l.learn(l.event(64512, "stranger"), onDay(12))
	if l.knows(64512, true, onDay(13)) {
		t.Error("a network is vouched for that only a stranger was in")
	}
}

func TestAProofSettlesAtOnce(t *testing.T) {
	l := settled()
	e := l.event(64511, "phone")
	l.Take(&riskd.Lesson{Proof: riskd.Proof{Context: riskd.ContextOf(e), Device: riskd.MarkOf(&e.Device), Agent: l.agent}}, e, onDay(10))
	if !l.knows(64511, false, onDay(10)) || !l.has("phone", onDay(10)) {
		t.Errorf("after the proof: %+v %+v", l.Contexts[:2], l.Devices[:2])
	}
}

// However many strange places are visited, they push out each other, not what is
// the user's own.
func TestStrangersDontPushOutWhatIsSettled(t *testing.T) {
	l := settled()
	for i := range 100 {
		l.learn(l.event(65000+uint32(i), fmt.Sprint("d", i)), onDay(4).Add(time.Duration(i)*time.Minute))
	}
	if !l.knows(64496, false, onDay(5)) || !l.has("laptop", onDay(5)) {
		t.Errorf("home or laptop is forgotten: %+v", l.Contexts)
	}
}

func TestADayTeachesSoMuchAndNoMore(t *testing.T) {
	l := settled()
	before := l.Requests
	e := l.event(64496, "laptop")
	for range 1000 {
		l.Learn(&riskd.Lesson{Gap: 10 * time.Second, Moved: true, Move: riskd.MoveKnown}, e, l.agent, onDay(5), false)
	}
	if n := l.Requests - before; n != riskd.HabitsPerDay || l.Pace.N != riskd.HabitsPerDay || l.Kinds[riskd.KindRead] > uint16(before+riskd.HabitsPerDay) {
		t.Errorf("a thousand requests of a day taught %d, pace %d, kinds %v", n, l.Pace.N, l.Kinds)
	}
	if l.Moves[riskd.MoveKnown] != 0 {
		t.Error("moves excuse others on the same day")
	}
	l.Learn(&riskd.Lesson{}, e, l.agent, onDay(6), true)
	if l.Moves[riskd.MoveKnown] != 1 {
		t.Errorf("moves of a day count %d times on the next", l.Moves[riskd.MoveKnown])
	}
}

func TestLiveSessions(t *testing.T) {
	l := settled()
	for i := range 6 {
		e := l.event(64496, "laptop")
		e.Session.ID = riskd.SessionID{byte(i + 1)}
		l.Take(&riskd.Lesson{Live: true}, e, onDay(5).Add(time.Duration(i)*time.Minute))
		l.Take(&riskd.Lesson{Live: true}, e, onDay(5).Add(time.Duration(i)*time.Minute+time.Second))
	}
	var seen []uint64
	for _, s := range l.Live {
		seen = append(seen, s.Session)
	}
	if len(seen) != 4 || seen[0] != 5 || seen[1] != 6 || seen[2] != 3 || seen[3] != 4 {
		t.Errorf("the last four sessions are remembered as %v", seen)
	}
}

func TestTold(t *testing.T) {
	var p riskd.Profile
	for i, kind := range []string{"password_change", "mfa_added", "role_change", "logout", "mfa_reset"} {
		p.Tell(kind, onDay(i))
	}
	kinds := map[string]bool{}
	for _, told := range p.Told {
		kinds[riskd.IdentityTypes()[told.Type-1]] = true
	}
	if kinds["password_change"] || !kinds["mfa_reset"] || len(kinds) != 4 {
		t.Errorf("told: %v", kinds)
	}
}

func TestSketch(t *testing.T) {
	var s riskd.Sketch
	name := func(i int) string { return fmt.Sprintf("/orders/%d", i) }
	for i := range 60 {
		s.See(name(i), onDay(0), false)
		s.See(name(i), onDay(0).Add(time.Hour), false)
	}
	if !s.Empty() {
		t.Error("names are known after one day")
	}
	for i := range 60 {
		s.See(name(i), onDay(1), false)
	}
	s.See("/proved", onDay(1), true)
	wrong := 0
	for i := range 1060 {
		switch knows := s.Knows(name(i)); {
		case i < 60 && !knows:
			t.Errorf("%s isn't known", name(i))
		case i >= 60 && knows:
			wrong++
		}
	}
	if wrong > 80 || !s.Knows("/proved") {
		t.Errorf("%d of 1000 names that were never there are known; proved: %t", wrong, s.Knows("/proved"))
	}
	for i := range 5000 { // however much comes, it never knows everything
		s.See(name(i), onDay(2), true)
	}
	unknown := 0
	for i := range 1000 {
		if !s.Knows(fmt.Sprint("never", i)) {
			unknown++
		}
	}
	if unknown < 500 {
		t.Errorf("only %d of 1000 names are unknown", unknown)
	}
}

func TestMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var m riskd.Moments
	for range 5000 {
		m.Add(3 + 0.5*r.NormFloat64())
	}
	if math.Abs(float64(m.Mean)-3) > 0.1 || math.Abs(math.Sqrt(float64(m.Var))-0.5) > 0.1 {
		t.Errorf("mean %g, variance %g", m.Mean, m.Var)
	}
	for range 5000 { // habits change
		m.Add(5 + 0.5*r.NormFloat64())
	}
	if math.Abs(float64(m.Mean)-5) > 0.1 {
		t.Errorf("mean %g after a change", m.Mean)
	}
}

func TestAttributes(t *testing.T) {
	of := func(a map[string]string) riskd.Attributes { return riskd.AttributesOf(&riskd.Device{Attributes: a}) }
	base := map[string]string{"screen": "1920x1080", "timezone": "Europe/Paris", "gpu": "Apple M1", "plugins": "3", "touch": "0"}
	a := of(base)
	for range 50 { // maps have no order
		if of(base) != a {
			t.Fatal("the same attributes differ")
		}
	}
	differ := func(b riskd.Attributes) (n int) {
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
		return n
	}
	base["gpu"] = "Apple M2"
	if n := differ(of(base)); n != 1 {
		t.Errorf("another GPU changes %d attributes", n)
	}
	base["plugins"] = "4"
	if n := differ(of(base)); n != 2 {
		t.Errorf("another GPU and plugin change %d attributes", n)
	}
	if of(nil) != (riskd.Attributes{}) {
		t.Error("no attributes are some")
	}
}

func TestStackOf(t *testing.T) {
	tests := map[string]string{
		"t13d1516h2_8daaf6156771_e5627efa2ab1": "1315_8daaf6156771",
		"q13d0312h3_55b375c5d22e_06cda9e17597": "",                  // QUIC has other ciphers
		"t13d1515h2_8daaf6156771_000000000000": "1315_8daaf6156771", // resumed
		"t13d190900_9dc949149365_97f8aa674fd9": "1319_9dc949149365",
		"":                                     "",
		"t13d":                                 "",
		"nonsense, but long enough to be one of these": "",
	}
	for in, want := range tests {
		if got := riskd.StackOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
