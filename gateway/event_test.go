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

// Every header that a profile of any dialect reads, in every disguise that some
// server sees through, has to be refused.
func TestReaderOwnsItsHeaders(t *testing.T) {
	t.Parallel()
	for s := Nginx; int(s) < len(styles); s++ {
		full := Profile{
			Name: "web", Style: s, Session: Source{Cookie: "sid"}, Device: Source{Header: "X-Device"},
			User: "X-Auth-User", Roles: "X-Auth-Roles", StartedAt: "X-Auth-Started", AuthTime: "X-Auth-Time",
			ACR: "X-Auth-Acr", AMR: "X-Auth-Amr", Route: "X-Risk-Route", ClassHeader: "X-Risk-Class",
		}
		routed := Profile{Name: "routed", Style: s, Session: Source{Header: "Authorization"}, Routes: site}
		r := testReader(t, full, routed)
		for name, count := range map[string]int{"web": 15, "routed": 8} {
			if s == Envoy { // whose method and URI are no headers
				count -= map[string]int{"web": 1, "routed": 2}[name]
			}
			owned := r.profiles[name].owned
			if len(owned) != count {
				t.Errorf("%s: the profile %s owns %d headers, not %d: %v", s, name, len(owned), count, owned)
			}
			for header, repeatable := range owned {
				refusesDisguises(t, r, name, header, repeatable)
			}
		}
	}
}

func refusesDisguises(t *testing.T, r *Reader, profile, name string, repeatable bool) {
	t.Helper()
	good := func(lines ...string) *Request {
		in := ask(lines...)
		for header, value := range map[string]string{
			"Cookie": "sid=a", "Authorization": "Bearer a", "X-Original-Method": "GET", "X-Forwarded-Method": "GET", "X-Original-Uri": "/", "X-Forwarded-Uri": "/",
		} {
			if in.Header[header] == nil {
				in.Header.Set(header, value)
			}
		}
		in.OwnMethod, in.OwnPath = "GET", "/"
		return in
	}
	if _, code := r.Event(profile, good()); code != "" {
		t.Fatalf("%s is refused as it is: %s", profile, code)
	}
	disguises := []string{"Connection: " + name, "Connection: x, " + strings.ToLower(name), "Connection: keep-alive ,\t" + strings.ToUpper(name)}
	for i, c := range name {
		if c == '-' {
			disguises = append(disguises, name[:i]+"_"+name[i+1:]+": 1", name[:i]+"."+name[i+1:]+": 1", "Connection: "+name[:i]+"_"+name[i+1:])
		}
	}
	if strings.Contains(name, "-") {
		disguises = append(disguises, strings.ReplaceAll(name, "-", "_")+": 1", strings.ToLower(strings.ReplaceAll(name, "-", "."))+": 1")
	}
	for _, line := range disguises {
		if _, code := r.Event(profile, good(line)); code != Malformed {
			t.Errorf("%s: %q gives %q", profile, line, code)
		}
	}
	if repeatable {
		return
	}
	for _, twice := range []string{name, strings.ToLower(name), strings.ToUpper(name)} { // net/http makes them one
		if _, code := r.Event(profile, good(name+": 7", twice+": 7")); code != Malformed {
			t.Errorf("%s: %s twice gives %q", profile, name, code)
		}
	}
}
