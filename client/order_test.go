package client

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"pgregory.net/rapid"
)

// TestOrderOfArrivalDoesntMatter plays decisions and notices in any order in which
// they may come in, and holds the cache to what a lease is: it is there as long as
// nothing about it with a higher number than its own was applied, and not a moment
// longer.
func TestOrderOfArrivalDoesntMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &Client{o: Options{now: time.Now}, notices: newNotices(), cache: newCache(64 * 64), acking: make(chan struct{}, 1)}
		now := momentOf(time.Now())
		var told []streamEvent
		names := rapid.SampledFrom([]string{"", "a", "b"})
		epochs := map[name]uint64{} // of the last decision on each session
		events := map[name]*Event{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if number := c.applied() + 1; rapid.Bool().Draw(t, "a notice") {
				in := streamEvent{Epoch: number, Effect: "distrust", Tenant: names.Draw(t, "of tenant")}
				event := rapid.SampledFrom([]string{"order", "order", "order", "session", "lifted", "all", "new"}).Draw(t, "event")
				in.Target = rapid.SampledFrom([]string{"session", "user", "device", "tenant", "predicate"}).Draw(t, "target")
				in.User, in.Device = names.Draw(t, "over user"), names.Draw(t, "over device")
				in.Sessions = []string{"s_" + names.Draw(t, "session")}
				if event != "order" {
					in.Target = event
				}
				c.apply(event, &in)
				c.notices.applied.Store(number)
				told = append(told, in)
			} else {
				e := &Event{Tenant: names.Draw(t, "tenant"), Session: Session{ID: "id"}, User: User{ID: names.Draw(t, "user")}, Device: Device{ID: names.Draw(t, "device")}}
				e.Session.ID += fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "id"))
				// It knows of some of what was told, or of more.
				epoch := uint64(rapid.IntRange(0, int(c.applied())+2).Draw(t, "epoch"))
				d := Decision{Outcome: riskd.Allow, Source: "fresh", Session: "s_" + e.Session.ID[2:], lease: time.Hour, epoch: epoch}
				if e.Session.ID == "id0" {
					d.Session = "s_a"
				}
				n := name{e.Tenant, e.Session.ID}
				if before, ok := epochs[n]; !ok || before <= epoch {
					epochs[n], events[n] = epoch, e
				}
				c.cache.remember(e, &d, now, 0, true)
			}
			for n, e := range events {
				ref := "s_" + e.Session.ID[2:]
				if e.Session.ID == "id0" {
					ref = "s_a"
				}
				over := false
				for i := range told {
					over = over || told[i].Epoch > epochs[n] && concerns(&told[i], e, ref)
				}
				if _, ok := c.cache.find(e, now, c.notices); ok == over {
					t.Fatalf("lease of %+v knowing %d: there is one: %t; told %+v", e, epochs[n], ok, told)
				}
			}
		}
	})
}

// concerns is what a notice is about, told plainly.
func concerns(in *streamEvent, e *Event, ref string) bool {
	sameTenant := in.Tenant == e.Tenant
	switch in.Target {
	case "session":
		return in.Sessions[0] == ref
	case "user":
		return sameTenant && (in.User == "" || e.User.ID == "" || in.User == e.User.ID)
	case "device":
		return sameTenant && (in.Device == "" || e.Device.ID == "" || in.Device == e.Device.ID)
	case "tenant", "predicate":
		return sameTenant
	case "lifted":
		return false
	}
	return true
}

// What is forgotten for want of room ends leases rather than letting them go on.
func TestWhatIsForgottenEndsLeases(t *testing.T) {
	t.Parallel()
	n := newNotices()
	n.latest.limit = 4
	e := &Event{User: User{ID: "u"}, Device: Device{ID: "d"}}
	for i := uint64(1); i <= 5; i++ {
		n.concern(subject{aSession, "", fmt.Sprint("s_", i)}, i)
		n.applied.Store(i)
	}
	if len(n.latest.m) != 4 || !n.overtakes(e, "s_9", 0) || n.overtakes(e, "s_9", 1) || !n.overtakes(e, "s_3", 2) {
		t.Errorf("%+v, floor %d", n.latest.m, n.floor)
	}
}

func TestMomentsGoByBothClocks(t *testing.T) {
	t.Parallel()
	m := momentOf(time.Now())
	for name, c := range map[string]struct {
		steady, wall time.Duration
		within       bool
	}{
		"soon":              {time.Second, time.Second, true},
		"late":              {6 * time.Second, 6 * time.Second, false},
		"slept":             {time.Second, time.Hour, false},
		"the clock is back": {6 * time.Second, -time.Hour, false},
	} {
		if now := (moment{m.steady + c.steady, m.wall + c.wall}); now.within(5*time.Second, m) != c.within {
			t.Errorf("%s: %t", name, !c.within)
		}
	}
	if m.within(time.Hour, moment{}) {
		t.Error("never was a moment ago")
	}
}

// BenchmarkLease is a decision that a lease makes, told of included.
func BenchmarkLease(b *testing.B) {
	c, err := New(Options{URL: "http://127.0.0.1:1", ReportEvery: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	now := momentOf(time.Now())
	c.heard.Store(&now)
	e := Event{Session: Session{ID: "s1"}, User: User{ID: "ada"}, Device: Device{ID: "d1"}, Peer: Peer{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"}}
	c.cache.remember(&e, &Decision{Outcome: riskd.Allow, Source: "fresh", Session: "s_1", lease: time.Hour}, now, 0, true)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 { // as if riskd had been told
			c.told.drop(c.told.waiting())
		}
		if d := c.Decide(b.Context(), e); d.Source != SourceLease {
			now = momentOf(time.Now())
			c.heard.Store(&now)
		}
	}
}
