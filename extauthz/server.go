package extauthz

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// Decider answers events; the engine is one.
type Decider interface {
	// Decide answers a valid event as of now. It never fails, and it owns the
	// event until it returns.
	Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision
}

// Gateways reads events out of what gateways ask; a gateway.Reader does.
type Gateways interface {
	// Event reads the event that is asked about under the name of a profile, or says
	// why it can't.
	Event(profile string, r *gateway.Request) (*riskd.Event, gateway.Refusal)
}

// Callers says whose credentials are; a callers.Callers does. It fails with
// [riskd.ErrUnknownCaller].
type Callers interface {
	Caller(shown *riskd.Credentials) (*riskd.Caller, error)
}

// Surface is what Observe and Panicked are told.
const Surface = "ext_authz"

// Options are the parts of a Server.
type Options struct {
	Engine   Decider
	Gateways Gateways
	// Profile is the one by which requests are read whose route names none.
	Profile string
	// Metadata is where Envoy puts the claims of verified tokens, by the name of the
	// profile that reads them. Optional.
	Metadata map[string]Metadata
	// MaxConnections may be open at once; those past it are closed as soon as they
	// come. Default: DefaultMaxConnections.
	MaxConnections int
	// Callers says who is asking. Without it nobody is asked, so that only callers who
	// may do everything must be able to reach the listener. Optional.
	Callers Callers
	// TLS is what listeners speak; nil is none.
	TLS *tls.Config
	// Shown gives what a connection shows of its far end, once its handshake is over;
	// there is no state without TLS. It is needed with Callers.
	Shown func(net.Conn, *tls.ConnectionState) riskd.Credentials
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Ready gives what keeps riskd from being ready. Optional.
	Ready func() []string
	// Observe is told of every answer: the surface, its HTTP status and the time it
	// took. Optional.
	Observe func(surface string, status int, took time.Duration)
	// Panicked is told of every panic that was turned into an answer. Optional.
	Panicked func(surface string, value any, stack []byte)
}

// Metadata names a member of a request's dynamic metadata in Envoy: what
// payload_in_metadata of the filter says.
type Metadata struct {
	Filter string // the namespace, envoy.filters.http.jwt_authn
	Key    string
}

// Server answers Envoys. It is safe for concurrent use.
type Server struct {
	authv3.UnimplementedAuthorizationServer
	Options
	grpc *grpc.Server
	// end closes over, which tells those who watch.
	end  func()
	over chan struct{}

	open    atomic.Int64
	refused atomic.Uint64
}

// DefaultMaxConnections is far more than the workers of a few Envoys open.
const DefaultMaxConnections = 1024

// The limits of the server.
const (
	// maxCheck is more than Envoy's 60 KiB of headers (in which the path is, which
	// comes a second time), a certificate and metadata can come to: what is too long
	// ends in an error, not in a denial.
	maxCheck = 256 << 10
	// maxMetadata is of a call's own headers, not the client's.
	maxMetadata = 16 << 10
	// maxChecks are those under way on one connection; each of Envoy's workers has one
	// or more.
	maxChecks = 1024
	// handshake is how long a connection may take to begin.
	handshake = 5 * time.Second
)

// New makes a Server of its parts.
func New(o Options) (*Server, error) {
	switch {
	case o.Engine == nil:
		return nil, errors.New("extauthz.Options.Engine: is required")
	case o.Gateways == nil:
		return nil, errors.New("extauthz.Options.Gateways: is required")
	case o.Callers != nil && o.Shown == nil:
		return nil, errors.New("extauthz.Options.Shown: is required with Callers")
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func() []string { return nil }
	}
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	if o.Panicked == nil {
		o.Panicked = func(string, any, []byte) {}
	}
	over := make(chan struct{})
	s := &Server{Options: o, over: over, end: sync.OnceFunc(func() { close(over) })}
	s.grpc = grpc.NewServer(append(GRPCOptions(), grpc.Creds(newHandshaker(&o)))...)
	authv3.RegisterAuthorizationServer(s.grpc, s)
	grpc_health_v1.RegisterHealthServer(s.grpc, health{server: s})
	return s, nil
}

// GRPCOptions are those of the server but for its credentials. The bench gives them
// to its floor, too.
func GRPCOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxCheck),
		grpc.MaxHeaderListSize(maxMetadata),
		grpc.MaxConcurrentStreams(maxChecks),
		grpc.ConnectionTimeout(handshake),
		// Envoy pings as often as it is told to, also while nobody asks anything.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		// An Envoy that is gone without a word is noticed.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 10 * time.Second}),
		grpc.WaitForHandlers(true),
	}
}

// Serve answers those who connect to a listener, which it closes in the end. It
// returns nil after Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(limited{l, s}); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// Shutdown takes no more checks and returns when those under way are answered. They
// are cut off when ctx ends, and its error is given.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	done := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
		return ctx.Err()
	}
}

// Close cuts off whatever is under way.
func (s *Server) Close() {
	s.end()
	s.grpc.Stop()
}
