package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

// A lease lets pass what riskd is told of afterwards.
func TestLeasesAreUsedAndTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	e := event("s1")
	h.lease(c, e)
	for range 8 {
		e.Request.Route, e.Request.Method = "/orders/{id}", "POST"
		if d := c.Decide(t.Context(), e); d.Source != client.SourceLease {
			t.Fatalf("%+v", d)
		}
	}
	if n := h.asked.Load(); n != 1 {
		t.Errorf("riskd was asked %d times", n)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, _ := h.store.List(struct {
		Tenant, User, Device string
		Prefix               riskd.Prefix
		Status               *riskd.Status
		Cursor               string
		Limit                int
	}{})
	if len(list) != 1 || list[0].Requests != 10 {
		t.Fatalf("riskd knows of %+v", list)
	}
}

// Where there is no room to tell of a request, riskd is asked.
func TestNothingIsLostToScoring(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(func(o *client.Options) { o.MaxReports = 3 })
	e := event("s1")
	for range 6 {
		if d := c.Decide(t.Context(), e); d.Outcome != riskd.Allow {
			t.Fatalf("%+v", d)
		}
	}
	if s := c.Stats(); s.Leased != 3 || s.Asked != 3 || s.Waiting != 3 {
		t.Errorf("%+v", s)
	}
}

// Somebody else with the same session doesn't ride on its lease.
func TestHijackersDontRide(t *testing.T) {
	t.Parallel()
	yes := true
	for name, change := range map[string]func(*client.Event){
		"address":     func(e *client.Event) { e.Peer.IP = "203.0.113.8" },
		"browser":     func(e *client.Event) { e.Peer.UserAgent = "curl/8" },
		"TLS stack":   func(e *client.Event) { e.Peer.JA4 = "t13d" },
		"language":    func(e *client.Event) { e.Peer.Language = "fr" },
		"user":        func(e *client.Event) { e.User.ID = "eve" },
		"roles":       func(e *client.Event) { e.User.Roles = []string{"admin"} },
		"device":      func(e *client.Event) { e.Device.ID = "d2" },
		"fingerprint": func(e *client.Event) { e.Device.Fingerprint = "x" },
		"attributes":  func(e *client.Event) { e.Device.Attributes = map[string]string{"a": "b"} },
		"compliance":  func(e *client.Event) { e.Device.Compliant = &yes },
		"key": func(e *client.Event) {
			e.Session.Binding = client.Binding{Type: "dpop", Thumbprint: "k", Verified: true}
		},
		"sign-in":     func(e *client.Event) { e.Session.AuthTime = e.Session.StartedAt },
		"beginning":   func(e *client.Event) { e.Session.StartedAt = e.Session.StartedAt.Add(-time.Hour) },
		"power":       func(e *client.Event) { e.Privilege.Level = 1 },
		"environment": func(e *client.Event) { e.Environment = "kiosk" },
		"tenant":      func(e *client.Event) { e.Tenant = "other" },
		"class":       func(e *client.Event) { e.Request.Class = riskd.ClassOpen },
		"sensitive":   func(e *client.Event) { e.Request.Class = riskd.ClassSensitive },
		"session":     func(e *client.Event) { e.Session.ID = "s2" },
		"previous id": func(e *client.Event) { e.Session.PreviousID = "s0" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c := h.client(nil)
			h.lease(c, event("s1"))
			e := event("s1")
			change(&e)
			if d := c.Decide(t.Context(), e); d.Source == client.SourceLease {
				t.Errorf("rides: %+v", d)
			}
		})
	}
}

// Sensitive and admin routes are asked about every time.
func TestWhatCanDoHarmIsAskedAbout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	for _, class := range []riskd.Class{riskd.ClassSensitive, riskd.ClassAdmin} {
		e := event("s1")
		e.Request.Class = class
		for range 3 {
			if d := c.Decide(t.Context(), e); d.Source != "fresh" {
				t.Errorf("%s: %+v", class, d)
			}
		}
	}
}

// From the moment on at which a gateway has said that it has applied an order, no
// request passes it.
func TestOrdersEndLeases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order string
		want  riskd.Outcome
	}{
		"session":           {`{"target":{"session_id":"s1"}}`, riskd.Revoke},
		"user":              {`{"target":{"user":"ada"}}`, riskd.Revoke},
		"device":            {`{"target":{"device":"d1"}}`, riskd.Revoke},
		"tenant":            {`{"target":{"tenant":""}}`, riskd.Revoke},
		"predicate":         {`{"target":{"predicate":{"network":"203.0.113.0/24"}}}`, riskd.Revoke},
		"suspended":         {`{"target":{"user":"ada"},"effect":"suspend"}`, riskd.StepUpNeeded},
		"has to prove it":   {`{"target":{"user":"ada"},"effect":"step_up"}`, riskd.StepUpNeeded},
		"of another user":   {`{"target":{"user":"eve"}}`, riskd.NoOutcome},
		"of another tenant": {`{"target":{"tenant":"other"}}`, riskd.NoOutcome},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			g := h.client(nil)
			h.lease(g, event("s1"))
			h.order(c.order)
			d := g.Decide(t.Context(), event("s1"))
			if c.want == riskd.NoOutcome && d.Source != client.SourceLease || c.want != riskd.NoOutcome && (d.Outcome != c.want || d.Source == client.SourceLease) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// A session that a policy has stepped up, at the word of another gateway, isn't
// leased any more.
func TestStepUpsElsewhereEndLeases(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	here, there := h.client(nil), h.newClient(func(o *client.Options) { o.NoLeases = true })
	h.lease(here, event("s1"))
	e := event("s1")
	e.Peer.IP = "198.51.100.9" // another country, a moment later
	if d := there.Decide(t.Context(), e); d.Outcome != riskd.StepUpNeeded || d.StepUp == nil {
		t.Fatalf("there: %+v", d)
	}
	h.await("the notice is applied", func() bool { return here.Stats().Applied >= h.store.LastNumber() })
	if d := here.Decide(t.Context(), event("s1")); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("here: %+v", d)
	}
}

// An answer that was on its way while an order came in makes no lease, and is asked
// for again.
func TestLateAnswersMakeNoLease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	once := sync.Once{}
	late := func(*http.Request) { once.Do(func() { h.order(`{"target":{"user":"ada"}}`) }) }
	h.fault.after.Store(&late)
	if d := c.Decide(t.Context(), event("s1")); d.Outcome != riskd.Revoke {
		t.Errorf("got %+v", d)
	}
	if s := c.Stats(); s.Overdue != 1 {
		t.Errorf("%+v", s)
	}
}

// Nobody knows in which order answers and orders come in; whichever it is, nothing
// passes an order that was applied before it was asked about.
func TestLeasesUnderRaces(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(nil)
	const sessions = 24
	var all sync.WaitGroup
	for i := range sessions {
		id := "s" + string(rune('a'+i))
		over := make(chan struct{})
		for range 3 {
			all.Go(func() {
				for {
					known := false
					select {
					case <-over:
						known = true
					default:
					}
					d := c.Decide(context.Background(), event(id))
					switch {
					case known && d.Outcome != riskd.Revoke:
						t.Errorf("%s passes after its end: %+v", id, d)
						return
					case known:
						return
					}
				}
			})
		}
		all.Go(func() {
			h.await("somebody is at work", func() bool { return c.Stats().Leased > uint64(i) })
			h.order(`{"target":{"session_id":"` + id + `"}}`)
			close(over)
		})
	}
	all.Wait()
	t.Logf("%+v", c.Stats())
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.client(func(o *client.Options) {
		o.Event = func(r *http.Request) (client.Event, error) {
			cookie, err := r.Cookie("sid")
			if err != nil {
				return client.Event{}, client.ErrNoSession
			}
			e := client.EventOf(r)
			e.Session.ID, e.User.ID, e.Peer.IP = cookie.Value, "ada", r.Header.Get("Test-Address")
			return e, nil
		}
	})
	var seen http.Header
	app := c.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header
		if d, ok := client.DecisionOf(r.Context()); !ok || d.Outcome != riskd.Allow {
			t.Error("the decision isn't at hand")
		}
	}))
	ask := func(session, address string) *httptest.ResponseRecorder {
		seen = nil
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Test-Address", address)
		for _, name := range []string{"X-Risk-Decision", "X-Risk-Admin", "X_Risk_Score", "X.Risk.Level", "x-risk-level"} {
			r.Header[name] = []string{"forged"}
		}
		if session != "" {
			r.AddCookie(&http.Cookie{Name: "sid", Value: session})
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
	if w := ask("", "203.0.113.7"); w.Code != 401 || seen != nil || w.Header().Get("WWW-Authenticate") != `Bearer realm="riskd"` {
		t.Errorf("without a session: %d %v", w.Code, w.Header())
	}
	for range 2 { // asked, and under a lease
		if w := ask("s1", "203.0.113.7"); w.Code != 200 || seen.Get("X-Risk-Decision") != "allow" || seen.Get("X-Risk-Level") != "LOW" || !strings.HasPrefix(seen.Get("X-Risk-Session"), "s_") {
			t.Errorf("allowed: %d %v", w.Code, seen)
		}
		for name, values := range seen {
			if strings.Contains(strings.Join(values, ""), "forged") {
				t.Errorf("the client's own %s came through", name)
			}
		}
	}
	if w := ask("s1", "198.51.100.9"); w.Code != 401 || seen != nil || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_user_authentication"`) ||
		!strings.Contains(w.Header().Get("WWW-Authenticate"), "acr_values=") || w.Header().Get("X-Risk-Score") != "" {
		t.Errorf("abroad: %d %v", w.Code, w.Header())
	}
	h.order(`{"target":{"session_id":"s1"}}`)
	if w := ask("s1", "203.0.113.7"); w.Code != 403 || seen != nil {
		t.Errorf("revoked: %d", w.Code)
	}
	if w := ask("s2", "no address"); w.Code != 401 || seen != nil {
		t.Errorf("an event that riskd refuses: %d", w.Code)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*client.Options)
		want   string
	}{
		"no URL":          {func(o *client.Options) { o.URL = "" }, "Options.URL"},
		"another scheme":  {func(o *client.Options) { o.URL = "ftp://a" }, "Options.URL"},
		"a path":          {func(o *client.Options) { o.URL = "http://a/b" }, "Options.URL"},
		"socket without":  {func(o *client.Options) { o.URL = "unix://" }, "Options.URL"},
		"never stale":     {func(o *client.Options) { o.MaxStaleness = time.Second }, "Options.MaxStaleness"},
		"deadline past":   {func(o *client.Options) { o.Deadline = -1 }, "Options.Deadline"},
		"no such failure": {func(o *client.Options) { o.OnFailure = 9 }, "Options.OnFailure"},
	} {
		o := client.Options{URL: "http://127.0.0.1:1"}
		c.change(&o)
		if _, err := client.New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
