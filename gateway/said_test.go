package gateway

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// What a gateway says beside headers goes before headers, and before the profile.
func TestSaid(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Key: testKey(t), TrustedProxies: trusted, Profiles: []Profile{{
		Name: "web", Style: Nginx, Tenant: "shop", Class: riskd.ClassAdmin, Session: Source{Cookie: "sid"},
		User: "X-User", ACR: "X-Acr", AMR: "X-Amr", AuthTime: "X-Auth-Time", Route: "X-Route",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	in := ask("Cookie: sid=a", "X-User: u1", "X-Acr: aal1", "X-Amr: pwd", "X-Auth-Time: 5", "X-Route: /r", "X-Original-Method: DELETE", "X-Forwarded-For: 203.0.113.7")
	in.Method = "PUT"
	plain, refusal := r.Event("web", in)
	if refusal != "" || plain.Request.Method != "DELETE" || plain.Tenant != "shop" {
		t.Fatalf("%+v, %q", plain, refusal)
	}

	in.Peer, in.Said = netip.MustParseAddr("192.0.2.1"), &Said{}
	want := *plain
	want.Request.Method, want.Client.IP = "PUT", in.Peer
	if got, refusal := r.Event("web", in); refusal != "" || !reflect.DeepEqual(*got, want) { // and nothing is degraded
		t.Errorf("nothing said: got  %+v, %q\nwant %+v", got, refusal, want)
	}

	tenant, route, class := "", "/s", riskd.ClassOpen
	in.Said = &Said{
		Tenant: &tenant, Route: &route, Class: &class, Binding: riskd.Binding{Type: "mtls", Thumbprint: "x", Verified: true},
		Claims: map[string]any{"sub": "u2", "acr": "aal2", "amr": "otp hwk", "auth_time": 1795251601.5, "roles": "admin"},
	}
	want.Tenant, want.Request.Route, want.Request.Class = "", "/s", riskd.ClassOpen
	want.User.ID = "u2"
	want.Session = riskd.EventSession{
		ID: testKey(t).ID("", "a"), ACR: "aal2", AMR: []string{"otp", "hwk"}, AuthTime: time.Unix(1795251601, 0).UTC(), Binding: in.Said.Binding,
	}
	if got, refusal := r.Event("web", in); refusal != "" || !reflect.DeepEqual(*got, want) {
		t.Errorf("all said: got  %+v, %q\nwant %+v", got, refusal, want)
	}
}
