package extauthz_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/callers/callerstest"
	"github.com/riskd/riskd/extauthz"
)

// nobody is a Callers that knows nobody.
type nobody struct{}

func (nobody) Caller(*riskd.Credentials) (*riskd.Caller, error) { return nil, riskd.ErrUnknownCaller }

func shown(raw net.Conn, state *tls.ConnectionState) riskd.Credentials {
	c := riskd.Credentials{UID: callers.PeerUID(raw)}
	c.Names, c.CertificateEnds = callers.CertificateNames(state)
	return c
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var reasons []string
	h := newHouse(t, func(o *extauthz.Options) {
		o.Ready = func() []string { mu.Lock(); defer mu.Unlock(); return reasons }
	})
	c := healthv1.NewHealthClient(h.dial(t))
	watch, err := c.Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	told := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if r, err := watch.Recv(); err != nil || r.Status != want {
			t.Fatalf("told %v, %v; want %v", r, err, want)
		}
		for _, name := range []string{"", "envoy.service.auth.v3.Authorization"} {
			if r, err := c.Check(t.Context(), &healthv1.HealthCheckRequest{Service: name}); err != nil || r.Status != want {
				t.Errorf("%q: %v, %v; want %v", name, r, err, want)
			}
		}
	}
	told(healthv1.HealthCheckResponse_SERVING)
	mu.Lock()
	reasons = []string{"draining"}
	mu.Unlock()
	told(healthv1.HealthCheckResponse_NOT_SERVING)
	if _, err := c.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "other"}); status.Code(err) != codes.NotFound {
		t.Errorf("another service: %v", err)
	}
	// Who watches doesn't keep riskd from ending.
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := watch.Recv(); err == nil {
		t.Error("the watch goes on")
	}
}

// Shutdown answers what is under way and takes nothing more.
func TestShutdown(t *testing.T) {
	t.Parallel()
	asked, go_ := make(chan struct{}), make(chan struct{})
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event) riskd.Decision {
		close(asked)
		<-go_
		return allow(e)
	}
	c := h.dial(t)
	var all sync.WaitGroup
	all.Go(func() {
		if out := check(t, c, golden(t, "check.json")); out.Status.Code != 0 {
			t.Errorf("got %v", out)
		}
	})
	<-asked
	all.Go(func() {
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	// The second connection is refused as soon as the listener is closed.
	for {
		if _, err := net.DialTimeout("tcp", c.Target(), time.Second); err != nil {
			break
		}
	}
	close(go_)
	all.Wait()
	if _, err := authv3.NewAuthorizationClient(c).Check(t.Context(), golden(t, "check.json")); status.Code(err) != codes.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}

func TestShutdownHasAnEnd(t *testing.T) {
	t.Parallel()
	asked, go_ := make(chan struct{}), make(chan struct{})
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event) riskd.Decision {
		close(asked)
		<-go_
		return allow(e)
	}
	c := h.dial(t)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := authv3.NewAuthorizationClient(c).Check(t.Context(), golden(t, "check.json")); status.Code(err) != codes.Unavailable {
			t.Errorf("cut off: %v", err)
		}
		close(go_) // Stop waits for handlers
	})
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Shutdown(ctx); err != context.Canceled { //nolint:errorlint // it is ctx.Err itself
		t.Errorf("got %v", err)
	}
	all.Wait()
}

// Past the limit connections are closed at once, and those that are open go on.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *extauthz.Options) { o.MaxConnections = 1 })
	c := h.dial(t)
	holds(t, check(t, c, golden(t, "check.json")))
	second, err := net.Dial("tcp", c.Target())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("the second connection was answered %d bytes", n)
	}
	holds(t, check(t, c, golden(t, "check.json")))
	if h.Open() != 1 || h.Refused() != 1 {
		t.Errorf("%d open, %d refused", h.Open(), h.Refused())
	}
}

// A caller that is gone doesn't undo a decision.
func TestCancelledChecksAreDecided(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := h.Check(ctx, golden(t, "check.json"))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, out)
	h.engine.last(t)
}

// What is longer than all that Envoy takes from a client is denied, and no error.
func TestLongHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.dial(t)
	path := "/" + strings.Repeat("a", 60<<10)
	in := golden(t, "check.json", with("x-long", strings.Repeat("a", 60<<10)), with(":path", path))
	in.Attributes.Request.Http.Path = path
	holds(t, check(t, c, in))
	in = golden(t, "check.json", with("user-agent", strings.Repeat("a", 60<<10)))
	out := check(t, c, in)
	if holds(t, out); refusal(out) != "malformed" {
		t.Errorf("got %v", out)
	}
}

func TestCallers(t *testing.T) {
	t.Parallel()
	token, hash := callers.NewToken()
	other, otherHash := callers.NewToken()
	bound, boundHash := callers.NewToken()
	stranger, _ := callers.NewToken()
	who, err := callers.New(callers.Options{Grants: []callers.Grant{
		{Caller: riskd.Caller{Name: "edge", Role: riskd.RoleGateway}, Tokens: []callers.Token{hash}, Certificates: []string{"spiffe://example.com/edge"}},
		{Caller: riskd.Caller{Name: "idp", Role: riskd.RoleIngest}, Tokens: []callers.Token{otherHash}},
		{Caller: riskd.Caller{Name: "one", Role: riskd.RoleGateway, Bound: true, Tenant: "t1"}, Tokens: []callers.Token{boundHash}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t1 := golden(t, "check.json")
	t2 := golden(t, "check.json", func(in *authv3.AttributeContext) { in.ContextExtensions["riskd_tenant"] = "t2" })
	cases := map[string]struct {
		name, value string
		in          *authv3.CheckRequest
		want        string // the refusal
	}{
		"a token":                    {"authorization", "Bearer " + token, t1, ""},
		"a token in another header":  {"x-riskd-authorization", "Bearer " + token, t1, ""},
		"nothing":                    {"", "", t1, "unknown_caller"},
		"a token of nobody's":        {"authorization", "Bearer " + stranger, t1, "unknown_caller"},
		"another role":               {"authorization", "Bearer " + other, t1, "not_allowed"},
		"bound, its tenant":          {"authorization", "Bearer " + bound, t1, ""},
		"bound, another tenant":      {"authorization", "Bearer " + bound, t2, "not_allowed"},
		"the client's authorization": {"", "", golden(t, "check.json", with("authorization", "Bearer "+token), with("x-riskd-authorization", "Bearer "+token)), "unknown_caller"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(o *extauthz.Options) { o.Callers, o.Shown = who, shown })
			ctx := t.Context()
			if c.name != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, c.name, c.value)
			}
			out, err := authv3.NewAuthorizationClient(h.dial(t)).Check(ctx, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if holds(t, out); refusal(out) != c.want {
				t.Errorf("got %q", refusal(out))
			}
			if (c.want == "") != (len(h.engine.events) == 1) {
				t.Errorf("the engine was asked %d times", len(h.engine.events))
			}
		})
	}
}

// A client certificate says who is calling, over TLS; so does the user of a unix
// socket.
func TestConnectionsSayWhoIsCalling(t *testing.T) {
	t.Parallel()
	authority := callerstest.NewAuthority(t)
	files := authority.WriteServer(t.TempDir())
	served, err := callers.OpenTLS(callers.TLSFiles{Cert: files.Cert, Key: files.Key, ClientCA: files.CA})
	if err != nil {
		t.Fatal(err)
	}
	who, err := callers.New(callers.Options{Grants: []callers.Grant{
		{Caller: riskd.Caller{Name: "edge", Role: riskd.RoleGateway}, Certificates: []string{"spiffe://example.com/edge"}, UIDs: []uint32{uint32(os.Getuid())}},
		{Caller: riskd.Caller{Name: "idp", Role: riskd.RoleIngest}, Certificates: []string{"spiffe://example.com/idp"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	known := func(o *extauthz.Options) { o.Callers, o.Shown = who, shown }
	secured := func(o *extauthz.Options) { known(o); o.TLS = served.Config("h2") }
	over := func(names ...string) grpc.DialOption {
		c := &tls.Config{RootCAs: authority.Pool()}
		if names != nil {
			c.Certificates = []tls.Certificate{authority.Client(names...)}
		}
		return grpc.WithTransportCredentials(credentials.NewTLS(c))
	}
	for name, c := range map[string]struct {
		with grpc.DialOption
		want string
	}{
		"its certificate":       {over("spiffe://example.com/edge"), ""},
		"another's certificate": {over("spiffe://example.com/idp"), "not_allowed"},
		"a stranger's":          {over("spiffe://example.com/x"), "unknown_caller"},
		"none":                  {over(), "unknown_caller"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := check(t, newHouse(t, secured).dial(t, c.with), golden(t, "check.json"))
			if holds(t, out); refusal(out) != c.want {
				t.Errorf("got %q", refusal(out))
			}
		})
	}
	t.Run("without TLS", func(t *testing.T) {
		t.Parallel()
		_, err := authv3.NewAuthorizationClient(newHouse(t, secured).dial(t)).Check(t.Context(), golden(t, "check.json"))
		if status.Code(err) != codes.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a socket", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s")
		l, err := callers.ListenUnix(path, callers.ModeGroup)
		if err != nil {
			t.Fatal(err)
		}
		out := check(t, newHouse(t, known).dialOn(t, l, "unix:"+path), golden(t, "check.json"))
		if holds(t, out); refusal(out) != "" {
			t.Errorf("got %q", refusal(out))
		}
	})
}

// FuzzCheck lets anybody choose the bytes of a check: the answer has a status, and
// is OK only for what the engine allows.
func FuzzCheck(f *testing.F) {
	h := newHouse(f)
	for _, file := range []string{"check.json", "check_raw.json"} {
		for _, change := range []func(*authv3.AttributeContext){
			func(*authv3.AttributeContext) {}, with("x_auth_user", "root"), with("connection", "cookie"), certificate("-----BEGIN%20"),
			func(in *authv3.AttributeContext) { in.ContextExtensions = map[string]string{"riskd_profile": "jwt"} },
			func(in *authv3.AttributeContext) { in.Request.Http = nil },
		} {
			b, err := proto.Marshal(golden(f, file, change))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, uint8(1))
		}
	}
	f.Add([]byte{}, uint8(2))
	outcomes := []func(*riskd.Event) riskd.Decision{allow, stepUp, revoke, suspended, func(*riskd.Event) riskd.Decision { return riskd.Decision{} }}
	f.Fuzz(func(t *testing.T, b []byte, outcome uint8) {
		in := &authv3.CheckRequest{}
		if proto.Unmarshal(b, in) != nil {
			return // gRPC answers that
		}
		h.engine.answer, h.engine.events = outcomes[int(outcome)%len(outcomes)], nil
		out, err := h.Check(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, out)
		if _, err := proto.Marshal(out); err != nil {
			t.Errorf("can't be written: %v", err)
		}
		if out.Status.Code == 0 && (int(outcome)%len(outcomes) != 0 || len(h.engine.events) != 1) {
			t.Errorf("an OK that nobody has given: %v", out)
		}
		if len(h.panics) > 0 {
			t.Errorf("panics: %v", h.panics)
		}
		h.observed = nil
	})
}

// constant decides everything in no time.
type constant struct{}

func (constant) Decide(_ context.Context, e *riskd.Event, _ time.Time) riskd.Decision {
	return riskd.Decision{ID: "01JD", Outcome: riskd.Allow, Session: e.Session.ID, Pack: "default", Revision: "r1"}
}

func BenchmarkCheck(b *testing.B) {
	for name, file := range map[string]string{"joined": "check.json", "raw": "check_raw.json"} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, func(o *extauthz.Options) { o.Engine, o.Observe = constant{}, nil })
			in := golden(b, file)
			b.ReportAllocs()
			for b.Loop() {
				if out, _ := h.Check(b.Context(), in); out.Status.Code != 0 {
					b.Fatal(out)
				}
			}
		})
	}
}
