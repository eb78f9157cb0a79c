package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/client"
	"github.com/riskd/riskd/decisions"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/leases"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// house is riskd itself, but for its process, behind something that can fail.
type house struct {
	t       testing.TB
	callers api.Callers // nobody is asked without; who it knows is in force after build
	fault   fault
	store   *sessions.Store
	stream  *leases.Stream
	admin   http.Handler
	server  *httptest.Server
	asked   atomic.Int64 // decisions that got to riskd
}

// fault stands between a client and riskd.
type fault struct {
	handler atomic.Pointer[http.Handler]
	// before is run before a decision gets to riskd, after when it has answered.
	before, after atomic.Pointer[func(*http.Request)]
}

func (f *fault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := *f.handler.Load()
	if r.URL.Path != "/v1/decisions" {
		h.ServeHTTP(w, r)
		return
	}
	if before := f.before.Load(); before != nil {
		(*before)(r)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if after := f.after.Load(); after != nil {
		(*after)(r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

type past struct{ *decisions.Ring }

func (past) Explain(context.Context, string) (riskd.Explanation, bool) {
	return riskd.Explanation{}, false
}

type orders struct{ *sessions.Store }

func (o orders) Lift(ctx context.Context, number uint64, _ time.Time, _, _ string) (riskd.Epoch, error) {
	return o.Store.Lift(ctx, number)
}

// lent is a lease that no test outlives.
const lent = `{"lease": {"open": "5m", "standard": "5m"}}`

var pack = sync.OnceValues(func() (*policies.Pack, error) {
	files, _ := policies.Shipped("default")
	return policies.Compile("default", files, policies.Options{Signals: signals.Descriptions(), Overlay: []byte(lent)})
})

// must fails a test for an error of what it needs.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newHouse(t testing.TB) *house { return newHouseWithin(t, 0) }

// newHouseWithin is one whose server gives requests so much time.
func newHouseWithin(t testing.TB, limit time.Duration) *house {
	t.Helper()
	h := &house{t: t}
	h.build("first")
	h.server = httptest.NewUnstartedServer(&h.fault)
	h.server.Config = api.NewServer(&h.fault)
	if limit > 0 {
		h.server.Config.WriteTimeout, h.server.Config.ReadTimeout = limit, limit
	}
	h.server.Start()
	t.Cleanup(func() {
		h.stream.End()
		h.server.CloseClientConnections()
		h.server.Close()
	})
	return h
}

// build makes riskd anew, as a restart would that has kept nothing.
func (h *house) build(instance string) {
	t := h.t
	if h.stream != nil {
		h.stream.End()
	}
	var stream *leases.Stream
	store := must[*sessions.Store](t)(sessions.New(sessions.Options{Notify: func(n riskd.Notice) { stream.Tell(n) }}))
	stream = must[*leases.Stream](t)(leases.New(leases.Options{Instance: instance, Number: store.LastNumber(), InForce: store.InForce}))
	pack := must[*policies.Pack](t)(pack())
	locator := must[*geo.Locator](t)(geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases}))
	t.Cleanup(func() { locator.Close() })
	var ids atomic.Int64
	engine := must[*scoring.Engine](t)(scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return pack },
		NewID: func() string { return fmt.Sprint("d", ids.Add(1)) }, Deadline: time.Minute,
	}))
	key := must[*riskd.SessionKey](t)(riskd.NewSessionKey(make([]byte, riskd.MinSessionKey)))
	events := must[*identity.Handler](t)(identity.New(identity.Options{
		Orders: store, Table: func() map[string][]riskd.Action { return pack.Info().Tuning.Identity },
	}))
	ring := must[*decisions.Ring](t)(decisions.New(decisions.Options{}))
	a := must[*api.API](t)(api.New(api.Options{
		Engine: engine, Sessions: unrecorded{store}, Orders: orders{store}, StepUps: engine, Identity: events, Decisions: past{ring}, Key: key, Notices: stream,
		Callers: h.callers,
		Observe: func(surface string, _ int, _ time.Duration) {
			if surface == "decision" {
				h.asked.Add(1)
			}
		},
	}))
	h.store, h.stream, h.admin = store, stream, a.Admin()
	gateway := a.Gateway()
	h.fault.handler.Store(&gateway)
}

// client gives one that is up to date.
func (h *house) client(change func(*client.Options)) *client.Client {
	h.t.Helper()
	c := h.newClient(change)
	h.await("the client is up to date", func() bool { return c.Stats().Current })
	return c
}

func (h *house) newClient(change func(*client.Options)) *client.Client {
	h.t.Helper()
	o := client.Options{
		URL: h.server.URL, Gateway: "edge-1", Deadline: 30 * time.Second, MaxStaleness: time.Minute, ReportEvery: time.Hour,
		Log: func(doing string, err error) { h.t.Logf("%s: %v", doing, err) },
	}
	if change != nil {
		change(&o)
	}
	c := must[*client.Client](h.t)(client.New(o))
	h.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // who wants what is left to be told closes it himself
		_ = c.Close(ctx)
	})
	return c
}

// await waits until something has happened that nobody tells of.
func (h *house) await(what string, happened func() bool) {
	h.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 60_000 { // rather than hang
		if happened() {
			return
		}
		<-tick.C
	}
	h.t.Fatalf("never: %s", what)
}

// operator is a token that house.callers, where there are any, have to know.
const operator = "token-of-who-gives-the-orders-here"

// do asks the admin listener.
func (h *house) do(method, path, body string) map[string]any {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+operator)
	w := httptest.NewRecorder()
	h.admin.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		h.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return answer
}

// order gives an order and waits until a gateway says that it has applied it.
func (h *house) order(body string) uint64 {
	h.t.Helper()
	number := uint64(h.do("POST", "/v1/revocations", body)["epoch"].(float64))
	h.await("the order is applied", func() bool {
		return h.do("GET", fmt.Sprint("/v1/revocations/", number), "")["applied"].(float64) == 1
	})
	return number
}

var anHourAgo = time.Now().Add(-time.Hour)

func event(session string) client.Event {
	return client.Event{
		Session: client.Session{ID: session, StartedAt: anHourAgo},
		User:    client.User{ID: "ada"}, Device: client.Device{ID: "d1"},
		Peer:    client.Peer{IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"},
		Request: client.Request{Method: "GET", Route: "/orders"},
	}
}

// lease has a client hold one on a session.
func (h *house) lease(c *client.Client, e client.Event) {
	h.t.Helper()
	if d := c.Decide(h.t.Context(), e); d.Outcome != riskd.Allow || d.Source != "fresh" {
		h.t.Fatalf("asked for the first time: %+v", d)
	}
	if d := c.Decide(h.t.Context(), e); d.Outcome != riskd.Allow || d.Source != client.SourceLease {
		h.t.Fatalf("there is no lease: %+v, %+v", d, c.Stats())
	}
}

// nowhere is an address that nobody listens on.
func nowhere(t testing.TB) string {
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	return "http://" + l.Addr().String()
}

// unrecorded is a store whose extensions nobody puts on record.
type unrecorded struct{ *sessions.Store }

func (u unrecorded) Extend(id riskd.SessionID, now time.Time, _ string) (riskd.Session, error) {
	return u.Store.Extend(id, now)
}
