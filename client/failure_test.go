package client_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

// What each class gets when riskd is down, hangs, or refuses.
func TestFailures(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, h *house, o *client.Options){
		"down":  func(t *testing.T, _ *house, o *client.Options) { o.URL, o.NoLeases = nowhere(t), true },
		"hangs": func(_ *testing.T, h *house, o *client.Options) { o.Deadline = 20 * time.Millisecond; h.hang() },
		"fails": func(_ *testing.T, h *house, _ *client.Options) {
			var broken http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
			h.fault.handler.Store(&broken)
		},
		"answers something else": func(_ *testing.T, h *house, _ *client.Options) {
			var other http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"decision":"sure"}`)) })
			h.fault.handler.Store(&other)
		},
	}
	for way, fails := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			for mode, standard := range map[riskd.Failure]riskd.Outcome{riskd.FailStepUp: riskd.StepUpNeeded, riskd.FailLast: riskd.StepUpNeeded, riskd.FailAllow: riskd.Allow} {
				h := newHouse(t)
				c := h.newClient(func(o *client.Options) { o.OnFailure = mode; fails(t, h, o) })
				for class, want := range map[riskd.Class]riskd.Outcome{
					riskd.ClassOpen: riskd.Allow, riskd.ClassStandard: standard, riskd.ClassSensitive: riskd.StepUpNeeded, riskd.ClassAdmin: riskd.StepUpNeeded,
				} {
					e := event("s1")
					e.Request.Class = class
					if d := c.Decide(t.Context(), e); d.Outcome != want || d.Source != client.SourceFailure || len(d.Degraded) != 1 {
						t.Errorf("%s, %s: %+v", class, mode, d)
					}
				}
			}
		})
	}
}

// hang has decisions wait for ever, as far as a test goes.
func (h *house) hang() {
	hangs := func(r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-h.t.Context().Done():
		}
	}
	h.fault.before.Store(&hangs)
}

// An event that riskd refuses passes nowhere: whoever can spoil one could choose
// what he gets.
func TestRefusedEventsDontPass(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(func(o *client.Options) { o.OnFailure = riskd.FailAllow })
	e := event("s1")
	e.Peer.IP, e.Request.Class = "nonsense", riskd.ClassOpen
	if d := c.Decide(t.Context(), e); d.Outcome != riskd.StepUpNeeded || d.Degraded[0] != client.Refused {
		t.Errorf("got %+v", d)
	}
}

// What is known to be over is over, riskd or not; what began afterwards isn't.
func TestKnownOrdersHoldWithoutRiskd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/v1/revocations", `{"target":{"user":"bob"}}`) // before anybody follows
	c := h.client(func(o *client.Options) { o.OnFailure = riskd.FailAllow })
	for _, id := range []string{"s1", "s2", "s3"} {
		h.lease(c, event(id))
	}
	h.order(`{"target":{"session_id":"s1"}}`)
	lifted := h.order(`{"target":{"session_id":"s2"}}`)
	h.order(`{"target":{"user":"eve"},"effect":"suspend"}`)
	h.order(`{"target":{"user":"kim"},"effect":"suspend"}`)
	h.order(`{"target":{"user":"kim"},"effect":"resume"}`)
	if _, err := h.store.Lift(context.Background(), lifted); err != nil {
		t.Fatal(err)
	}
	h.await("the lift is applied", func() bool { return c.Stats().Applied >= h.store.LastNumber() })
	var down http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	h.fault.handler.Store(&down)
	of := func(user string) func(*client.Event) {
		return func(e *client.Event) { e.User.ID, e.Session.ID = user, "of "+user }
	}
	open := func(e *client.Event) { e.Request.Class = riskd.ClassOpen }
	for name, x := range map[string]struct {
		session string
		change  []func(*client.Event)
		want    riskd.Outcome
	}{
		"revoked":               {"s1", nil, riskd.Revoke},
		"revoked, open":         {"s1", []func(*client.Event){open}, riskd.Revoke},
		"lifted":                {"s2", nil, riskd.Allow},
		"of a user from before": {"", []func(*client.Event){of("bob")}, riskd.Revoke},
		"unknown beginning":     {"", []func(*client.Event){of("bob"), func(e *client.Event) { e.Session.StartedAt = time.Time{} }}, riskd.Revoke},
		"begun since":           {"", []func(*client.Event){of("bob"), func(e *client.Event) { e.Session.StartedAt = time.Now().Add(time.Hour) }}, riskd.Allow},
		"suspended":             {"", []func(*client.Event){of("eve")}, riskd.StepUpNeeded},
		"suspended, open":       {"", []func(*client.Event){of("eve"), open}, riskd.Allow},
		"resumed":               {"", []func(*client.Event){of("kim")}, riskd.Allow},
		"nothing known":         {"s9", nil, riskd.Allow},
		"under a lease":         {"s3", nil, riskd.Allow},
	} {
		e := event(x.session)
		for _, change := range x.change {
			change(&e)
		}
		if d := c.Decide(t.Context(), e); d.Outcome != x.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// riskd's last word on a session holds as well.
func TestLastWordsHoldWithoutRiskd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(func(o *client.Options) { o.OnFailure = riskd.FailAllow })
	abroad := event("s1")
	h.lease(c, abroad)
	abroad.Peer.IP = "198.51.100.9"
	if d := c.Decide(t.Context(), abroad); d.Outcome != riskd.StepUpNeeded {
		t.Fatalf("%+v", d)
	}
	var down http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	h.fault.handler.Store(&down)
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.StepUpNeeded || d.Source != client.SourceStream {
		t.Errorf("%+v", d)
	}
}

// The like of what riskd has just allowed goes on for a while, where that is what
// the class is to get.
func TestFailLast(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.newClient(func(o *client.Options) { o.OnFailure, o.NoLeases = riskd.FailLast, true })
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Allow {
		t.Fatalf("%+v", d)
	}
	var down http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	h.fault.handler.Store(&down)
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Allow || d.Source != client.SourceFailure {
		t.Errorf("the like: %+v", d)
	}
	other := event("s1")
	other.Peer.IP = "198.51.100.9"
	if d := c.Decide(t.Context(), other); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("from elsewhere: %+v", d)
	}
}

// A restart that forgets everything begins anew: no lease from before is good, and
// no number from before counts.
func TestRestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	h.lease(c, event("s1"))
	for range 3 {
		h.order(`{"target":{"user":"eve"}}`)
	}
	h.build("second")
	h.await("the client has turned to the new one", func() bool { return c.Stats().Applied == 0 && c.Stats().Current && h.stream.Stats().Followers == 1 })
	if d := c.Decide(t.Context(), event("s1")); d.Source != "fresh" {
		t.Errorf("a lease has outlived it: %+v", d)
	}
	if d := c.Decide(t.Context(), event("s1")); d.Source != client.SourceLease {
		t.Errorf("no lease of the new one: %+v", d)
	}
	h.order(`{"target":{"user":"ada"}}`)
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Revoke {
		t.Errorf("an order of the new one: %+v", d)
	}
}

// A stream that breaks goes on where it was: what happened meanwhile is told.
func TestStreamsGoOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	h.lease(c, event("s1"))
	h.lease(c, event("s2"))
	h.do("POST", "/v1/revocations", `{"target":{"session_id":"s1"}}`)
	h.server.CloseClientConnections()
	h.order(`{"target":{"user":"eve"}}`)
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Revoke {
		t.Errorf("%+v", d)
	}
	if d := c.Decide(t.Context(), event("s2")); d.Source != client.SourceLease {
		t.Errorf("its lease is gone: %+v", d)
	}
}

// The limits that a server has for requests don't cut the stream.
func TestStreamsOutliveTheLimitsOfRequests(t *testing.T) {
	t.Parallel()
	h := newHouseWithin(t, 50*time.Millisecond)
	c := h.client(nil)
	beats := c.Stats().Beats
	h.await("two heartbeats", func() bool { return c.Stats().Beats >= beats+2 })
	if s := h.stream.Stats(); s.Followers != 1 || s.Cut != 0 || c.Stats().Streams != 1 {
		t.Errorf("%+v, %+v", s, c.Stats())
	}
}

// When riskd is about to end, its streams end at once, and nobody may follow.
func TestStreamsEndWithRiskd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	h.stream.End()
	h.await("nobody follows", func() bool { return h.stream.Stats().Followers == 0 })
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Allow {
		t.Errorf("decisions go on: %+v", d)
	}
}

// Leases are good only as long as somebody says that nothing has ended them.
func TestStaleLeasesArentUsed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(func(o *client.Options) { o.MaxStaleness = 2 * time.Second })
	h.lease(c, event("s1"))
	h.stream.End()
	h.await("the client knows that it isn't up to date", func() bool { return !c.Stats().Current })
	if d := c.Decide(t.Context(), event("s1")); d.Source != "fresh" {
		t.Errorf("%+v", d)
	}
	if d := c.Decide(t.Context(), event("s1")); d.Source != "fresh" {
		t.Errorf("a lease was given to one who doesn't follow: %+v", d)
	}
}
