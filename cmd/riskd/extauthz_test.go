package main

import (
	"strings"
	"syscall"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const envoyConfig = `
gateway:
  listen: "127.0.0.1:0"
  forward_auth: [{name: web, style: envoy, session: {cookie: sid}, user: X-User}]
extauthz: {listen: "127.0.0.1:0", profile: web}
drain: {wait: 1h, limit: 2h}
`

// Envoy gets the decisions that everybody gets, over gRPC, and while riskd drains,
// too; then its health service tells Envoy to turn elsewhere.
func TestServeAnswersEnvoy(t *testing.T) {
	t.Parallel()
	r := serving(t, envoyConfig)
	c, err := grpc.NewClient(r.extauthz, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	check := func(want string) {
		t.Helper()
		in := &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
			Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
				SocketAddress: &corev3.SocketAddress{Address: "203.0.113.7"},
			}}},
			Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
				Method: "GET", Headers: map[string]string{"cookie": "sid=s-1", "x-user": "ana", "x-forwarded-for": "1.1.1.1"},
			}},
		}}
		out, err := authv3.NewAuthorizationClient(c).Check(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		said := out.DynamicMetadata.Fields
		if said["decision"].GetStringValue() != want || (out.Status.Code == 0) != (want == "allow") {
			t.Errorf("want %s, got %v", want, out)
		}
		for _, code := range said["degraded"].GetListValue().Values {
			if code.GetStringValue() == "forwarded_for_untrusted" {
				t.Error("Envoy's own word on the client counts as another's")
			}
		}
	}
	serves := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		h, err := grpc_health_v1.NewHealthClient(c).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil || h.Status != want {
			t.Errorf("health is %v, %v; want %v", h, err, want)
		}
	}
	check("allow")
	serves(grpc_health_v1.HealthCheckResponse_SERVING)
	if status, body := r.post(r.admin+"/v1/revocations", `{"target":{"user":"ana"},"reason":"stolen","actor":"bob"}`); status/100 != 2 {
		t.Fatalf("revocation: %d %s", status, body)
	}
	check("revoke")
	if _, text := r.get(r.admin + "/metrics"); !strings.Contains(text, `riskd_http_requests_total{code="200",surface="ext_authz"} 1`) ||
		!strings.Contains(text, `riskd_http_requests_total{code="403",surface="ext_authz"} 1`) {
		t.Error("the metrics don't count the checks")
	}
	r.signals <- syscall.SIGTERM
	r.await("draining")
	check("revoke")
	serves(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	if err := r.end(); err == nil { // the second signal cuts the wait short
		t.Error("a drain that was cut short ended well")
	}
	if _, err := authv3.NewAuthorizationClient(c).Check(t.Context(), &authv3.CheckRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}
