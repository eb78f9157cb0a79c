package gateway

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/riskd/riskd"
)

// What a gateway says beside headers goes before headers, and before the profile.
func TestSaid(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Key: testKey(t), TrustedProxies: trusted, Profiles: []Profile{{
		Name: "web", Style: Nginx, Tenant: "shop", Class: riskd.ClassAdmin, Session: Source{Cookie: "sid"},
		User: "X-User", ACR: "X-Acr", AMR: "X-Amr", AuthTime: "X-Auth-Time", Route: "X-Route", ClassHeader: "X-Class",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	in := ask("Cookie: sid=a", "X-User: u1", "X-Acr: aal1", "X-Amr: pwd", "X-Auth-Time: 5", "X-Route: /r", "X-Class: admin", "X-Original-Method: DELETE", "X-Forwarded-For: 203.0.113.7")
	in.OwnMethod = "PUT"
	plain, refusal := r.Event("web", in)
	if refusal != "" || plain.Request.Method != "DELETE" || plain.Tenant != "shop" {
		t.Fatalf("%+v, %q", plain, refusal)
	}

	in.Peer, in.Method, in.Told = netip.MustParseAddr("192.0.2.1"), "PUT", true
	want := *plain
	want.Request.Method, want.Client.IP = "PUT", in.Peer
	if got, refusal := r.Event("web", in); refusal != "" || !reflect.DeepEqual(*got, want) { // and nothing is degraded
		t.Errorf("nothing said: got  %+v, %q\nwant %+v", got, refusal, want)
	}

	tenant, route, class := "", "/s", riskd.ClassOpen
	in.Said = Said{
		Tenant: &tenant, Route: &route, Class: &class, Binding: riskd.Binding{Type: "mtls", Thumbprint: "x", Verified: true},
	}
	want.Tenant, want.Request.Route, want.Request.Class = "", "/s", riskd.ClassOpen
	want.Session.ID, want.Session.Binding = testKey(t).ID("", "a"), in.Said.Binding
	if got, refusal := r.Event("web", in); refusal != "" || !reflect.DeepEqual(*got, want) {
		t.Errorf("all said: got  %+v, %q\nwant %+v", got, refusal, want)
	}
}
