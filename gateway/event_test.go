package gateway

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// ask is what a trusted gateway asks; headers are lines.
func ask(headers ...string) *Request {
	in := &Request{Header: http.Header{}, Peer: netip.MustParseAddr("10.0.0.1")}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		// As net/http's server does: canonical, and one more for each line.
		in.Header.Add(name, strings.Trim(value, " "))
	}
	return in
}

// Every header that a profile reads, in every disguise that some server sees
// through, has to be refused.
func TestReaderOwnsItsHeaders(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Key: testKey(t), TrustedProxies: trusted, Profiles: []Profile{{
		Name: "web", Style: Nginx, Session: Source{Cookie: "sid"}, Device: Source{Header: "X-Device"},
		User: "X-Auth-User", Roles: "X-Auth-Roles", StartedAt: "X-Auth-Started", AuthTime: "X-Auth-Time",
		ACR: "X-Auth-Acr", AMR: "X-Auth-Amr", Route: "X-Risk-Route",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	web := r.profiles["web"]
	if len(web.owned) != 14 {
		t.Errorf("the profile owns %d headers: %v", len(web.owned), web.owned)
	}
	for name, repeatable := range web.owned {
		disguises := []string{"Connection: " + name, "Connection: x, " + strings.ToLower(name)}
		for i, c := range name {
			if c == '-' {
				disguises = append(disguises, name[:i]+"_"+name[i+1:]+": 1", name[:i]+"."+name[i+1:]+": 1")
			}
		}
		if strings.Contains(name, "-") {
			disguises = append(disguises, strings.ReplaceAll(name, "-", "_")+": 1", strings.ToLower(strings.ReplaceAll(name, "-", "."))+": 1")
		}
		for _, line := range disguises {
			if _, code := r.Event("web", ask("Cookie: sid=a", line)); code != Malformed {
				t.Errorf("%q gives %q", line, code)
			}
		}
		if _, code := r.Event("web", ask("Cookie: sid=a", name+": 7", name+": 7")); !repeatable && code != Malformed {
			t.Errorf("%s twice gives %q", name, code)
		}
	}
}
