package extauthz_test

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/gateway"
)

// noon is when every test happens.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// engine is a Decider that says what it's told to and keeps the events.
type engine struct {
	mu     sync.Mutex
	answer func(*riskd.Event) riskd.Decision
	events []riskd.Event
}

func (e *engine) Decide(_ context.Context, ev *riskd.Event, now time.Time) riskd.Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := ev.Validate(); err != nil {
		panic(err)
	}
	e.events = append(e.events, *ev)
	d := e.answer(ev)
	d.Session, d.At = ev.Session.ID, now
	d.Degraded = append(d.Degraded, ev.Degraded...)
	return d
}

func (e *engine) last(t testing.TB) riskd.Event {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.events) == 0 {
		t.Fatal("the engine was not asked")
	}
	return e.events[len(e.events)-1]
}

func allow(*riskd.Event) riskd.Decision {
	return riskd.Decision{
		ID: "01JD", Outcome: riskd.Allow, Score: 12, Reasons: []riskd.Reason{{Code: "new_network"}},
		Pack: "default", Revision: "r1", Lease: riskd.Lease{ValidFor: 7 * time.Second},
	}
}

func stepUp(*riskd.Event) riskd.Decision {
	return riskd.Decision{
		ID: "01JE", Outcome: riskd.StepUpNeeded, Score: 63, Level: riskd.Medium, UserText: `Is it "you"?`,
		Reasons: []riskd.Reason{{Code: "new_country"}, {Code: "request_rate"}}, Pack: "default", Revision: "r1",
		StepUp: &riskd.StepUp{Demand: riskd.Demand{ACR: []string{"phr"}, MaxAge: 5 * time.Minute}},
	}
}

func revoke(*riskd.Event) riskd.Decision {
	return riskd.Decision{ID: "01JF", Outcome: riskd.Revoke, Score: 100, Level: riskd.High, Pack: "default", Revision: "r1"}
}

func suspended(*riskd.Event) riskd.Decision {
	d := stepUp(nil)
	d.Source, d.StepUp = riskd.SourceSuspension, nil
	return d
}

func fallback(e *riskd.Event) riskd.Decision {
	d := allow(e)
	d.Source, d.Degraded = riskd.SourceFallback, []string{"policy_timeout", "geo_city_missing"}
	return d
}

func testKey(t testing.TB) *riskd.SessionKey {
	t.Helper()
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{7}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// house is a Server with its doubles and a real reader.
type house struct {
	*extauthz.Server
	engine *engine
	key    *riskd.SessionKey

	mu       sync.Mutex
	observed []int
	panics   []any
}

var profiles = []gateway.Profile{
	{
		Name: "web", Style: gateway.Envoy, Tenant: "shop", Session: gateway.Source{Cookie: "sid"}, Device: gateway.Source{Cookie: "did"},
		User: "X-Auth-User", Roles: "X-Auth-Roles", AMR: "X-Auth-Amr", Class: riskd.ClassSensitive,
	},
	{Name: "api", Style: gateway.Envoy, Session: gateway.Source{Header: "Authorization"}},
	{Name: "routed", Style: gateway.Envoy, Session: gateway.Source{Cookie: "sid"}, Routes: []gateway.Route{
		{Path: "/payments/{id}", Class: riskd.ClassSensitive}, {Path: "/assets/{file...}", Class: riskd.ClassOpen},
	}},
	{Name: "jwt", Style: gateway.Envoy, JWT: gateway.JWT{SessionClaim: "sid"}},
}

func newHouse(t testing.TB, change ...func(*extauthz.Options)) *house {
	t.Helper()
	h := &house{engine: &engine{answer: allow}, key: testKey(t)}
	reader, err := gateway.New(gateway.Options{
		Key: h.key, Profiles: profiles, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := extauthz.Options{
		Engine: h.engine, Gateways: reader, Profile: "web", Now: func() time.Time { return noon },
		Metadata: map[string]extauthz.Metadata{"jwt": {Filter: "envoy.filters.http.jwt_authn", Key: "jwt"}},
		Observe: func(surface string, status int, _ time.Duration) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if surface != extauthz.Surface {
				t.Errorf("the surface is %s", surface)
			}
			h.observed = append(h.observed, status)
		},
		Panicked: func(_ string, value any, _ []byte) { h.panics = append(h.panics, value) },
	}
	for _, f := range change {
		f(&o)
	}
	if h.Server, err = extauthz.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// dial serves on a loopback port and connects to it.
func (h *house) dial(t testing.TB, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return h.dialOn(t, l, l.Addr().String(), o...)
}

func (h *house) dialOn(t testing.TB, l net.Listener, target string, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := h.Serve(l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { h.Close(); serving.Wait() })
	if len(o) == 0 {
		o = append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	c, err := grpc.NewClient(target, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// check sends a check over a connection.
func check(t testing.TB, c *grpc.ClientConn, in *authv3.CheckRequest) *authv3.CheckResponse {
	t.Helper()
	out, err := authv3.NewAuthorizationClient(c).Check(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read[M proto.Message](t testing.TB, file string, into M) M {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text), into)
}

func parse[M proto.Message](t testing.TB, text string, into M) M {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

// golden is the check of a file, changed.
func golden(t testing.TB, file string, change ...func(*authv3.AttributeContext)) *authv3.CheckRequest {
	t.Helper()
	in := read(t, file, &authv3.CheckRequest{})
	for _, f := range change {
		f(in.Attributes)
	}
	return in
}
