//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/riskd/riskd/bench/load"
	"github.com/riskd/riskd/bench/process"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/gateway"
)

// What gateways ask has no time of its own: it is now. So that nobody is in a hurry,
// there are many users, and each comes by once in a while.

const (
	forwardAuth = "forward-auth"
	extAuthz    = "ext_authz"

	passers = 40000
	// street is where they are, in Paris: networks with 250 of them each.
	street = "198.18.%d.%d"

	authPath = "/v1/forward-auth/web"
)

const gatewaysConfig = riskdConfig + `
extauthz: {listen: %s, profile: web}
`

const profileConfig = `, trusted_proxies: [127.0.0.1/32], forward_auth: [{name: web, style: nginx, session: {cookie: sid}, user: X-User}]`

// startGateways starts a riskd that gateways ask, and the floors of both ways to.
func (l *lab) startGateways(ctx context.Context, binary string) ([]*target, error) {
	var addrs [4]string
	for i := range addrs {
		var err error
		if addrs[i], err = process.FreeAddr(); err != nil {
			return nil, err
		}
	}
	web, admin, rpcs := addrs[0], addrs[1], addrs[2]
	file := filepath.Join(l.dir, "gateways.yaml")
	text := fmt.Sprintf(gatewaysConfig, web+profileConfig, admin, rpcs)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	asked := &target{name: "riskd", addr: web}
	var err error
	asked.server, err = l.start(ctx, process.Options{
		Name: "riskd for gateways", Command: []string{binary, "serve", "-config", file},
		Ready: "http://" + admin + "/readyz", Metrics: "http://" + admin + "/metrics",
	})
	if err != nil {
		return nil, err
	}
	auths, checks, err := passing(web)
	if err != nil {
		return nil, err
	}
	said := []string{`{"decision":"allow"}`}
	asked.work = map[string]*workload{
		forwardAuth: {request: inTurn(auths), decision: "allow", says: said},
		// A status that is empty, which is OK, and the decision in the headers.
		extAuthz: {request: inTurn(checks), decision: "allow", says: []string{"\n\x00\"", "\n\x0fx-risk-decision\x12\x05allow"}, addr: rpcs, call: authv3.Authorization_Check_FullMethodName},
	}
	if err := l.greet(asked); err != nil {
		return nil, err
	}
	floor := &target{name: "floor", addr: addrs[3]}
	floor.work = map[string]*workload{
		forwardAuth: {request: always(auth(floor.addr, 0)), decision: "allow", says: said},
	}
	return []*target{floor, asked}, l.serveGateways(ctx, floor, checks[0])
}

// greet lets everybody come by once.
func (l *lab) greet(t *target) error {
	l.progress.step("introducing users to riskd for gateways")
	g, err := t.open(t.work[forwardAuth], 16, false)
	if err != nil {
		return err
	}
	defer g.Close()
	if _, err := g.Closed(load.Limit{Requests: passers}); err != nil {
		return t.server.Explain(err)
	}
	return nil
}

// serveGateways runs this very program as both floors.
func (l *lab) serveGateways(ctx context.Context, t *target, check []byte) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rpcs, err := process.FreeAddr()
	if err != nil {
		return err
	}
	t.work[extAuthz] = &workload{request: always(check), decision: "allow", says: []string{"\n\x00"}, addr: rpcs, call: authv3.Authorization_Check_FullMethodName}
	metrics := "http://" + t.addr + "/metrics"
	t.server, err = l.start(ctx, process.Options{
		Name: "floor for gateways", Command: []string{self, "-serve", "gateways", "-at", t.addr, "-grpc", rpcs},
		Ready: metrics, Metrics: metrics,
	})
	return err
}

// serveBareGateways is the process of both floors: a handler that says allow to
// everybody under the names of riskd's headers, and a Check that says OK.
func serveBareGateways(addr, rpcs string) error {
	l, err := net.Listen("tcp", rpcs)
	if err != nil {
		return err
	}
	s := grpc.NewServer(extauthz.GRPCOptions()...)
	authv3.RegisterAuthorizationServer(s, bareCheck{})
	failed := make(chan error, 2)
	go func() { failed <- s.Serve(l) }()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.Handle("GET "+authPath, bareAuth())
	go func() { failed <- (&http.Server{Addr: addr, Handler: mux}).ListenAndServe() }()
	return <-failed
}

type bareCheck struct {
	authv3.UnimplementedAuthorizationServer
}

var ok = &rpc.Status{}

// Check says OK to everybody.
func (bareCheck) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	return &authv3.CheckResponse{Status: ok}, nil
}

func bareAuth() http.Handler {
	body := []byte(`{"decision":"allow"}`)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, name := range gateway.Headers {
			h[name] = allowed
		}
		h["Content-Type"], h["Cache-Control"] = jsonType, noStore
		_, _ = w.Write(body)
	})
}

var allowed, jsonType, noStore = []string{"allow"}, []string{"application/json"}, []string{"no-store"}

// passing gives everybody's request, as nginx and as Envoy put it.
func passing(addr string) (auths, checks [][]byte, err error) {
	for user := range passers {
		auths = append(auths, auth(addr, user))
		b, err := proto.Marshal(check(user))
		if err != nil {
			return nil, nil, err
		}
		checks = append(checks, b)
	}
	return auths, checks, nil
}

func inTurn(requests [][]byte) func(int) []byte {
	return func(i int) []byte { return requests[i%len(requests)] }
}

// place is where somebody is.
func place(user int) string {
	networks := [...]int{0, 1, 2, 3, 8, 9} // residential, in Paris
	return fmt.Sprintf(street, networks[user/250%len(networks)], 1+user%250)
}

// auth is what nginx asks on a user's behalf.
func auth(addr string, user int) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive\r\nX-Original-Method: GET\r\nX-Original-URI: /accounts/7/orders\r\n"+
		"X-Forwarded-For: %s\r\nX-User: u-%05d\r\nCookie: theme=dark; sid=0123456789abcdef%08d\r\nUser-Agent: %s\r\n"+
		"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: fr-FR,fr;q=0.9,en;q=0.5\r\nAccept-Encoding: gzip, br\r\nX-Request-Id: 7f3c%08d\r\n\r\n",
		authPath, addr, place(user), user, user, browser, user)
}

// check is what Envoy asks on a user's behalf, as it puts it by default.
func check(user int) *authv3.CheckRequest {
	at := func(ip string, port uint32) *authv3.AttributeContext_Peer {
		return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
		}}}}
	}
	id := fmt.Sprintf("7f3c%08d", user)
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: at(place(user), 50112), Destination: at("10.0.0.5", 8443),
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Id: id, Method: "GET", Path: "/accounts/7/orders", Host: "app.example", Scheme: "https", Protocol: "HTTP/2", Size: -1,
			Headers: map[string]string{
				":method": "GET", ":path": "/accounts/7/orders", ":authority": "app.example", ":scheme": "https",
				"cookie": fmt.Sprintf("theme=dark; sid=0123456789abcdef%08d", user), "x-user": fmt.Sprintf("u-%05d", user),
				"user-agent": browser, "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
				"accept-language": "fr-FR,fr;q=0.9,en;q=0.5", "accept-encoding": "gzip, br",
				"x-request-id": id, "x-forwarded-for": place(user), "x-forwarded-proto": "https",
			},
		}},
	}}
}
