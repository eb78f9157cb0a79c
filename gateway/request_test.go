package gateway

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/riskd/riskd"
)

func testReader(t testing.TB, profiles ...Profile) *Reader {
	t.Helper()
	for i := range profiles {
		if profiles[i].Session == (Source{}) {
			profiles[i].Session = Source{Cookie: "sid"}
		}
	}
	r, err := New(Options{Key: testKey(t), TrustedProxies: trusted, Profiles: profiles})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each dialect has its header for the URI and for the method; those of the others
// are anybody's.
func TestStylesFindMethodAndPath(t *testing.T) {
	t.Parallel()
	for s := Nginx; int(s) < len(styles); s++ {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			r := testReader(t, Profile{Name: "web", Style: s, Routes: site})
			in := ask("Cookie: sid=a")
			for _, other := range styles[1:] {
				if other.method != "" && other.method != styles[s].method {
					in.Header[other.method], in.Header[other.uri] = []string{"GET"}, []string{"/assets/x"}
				}
			}
			if _, code := r.Event("web", in); code != Malformed {
				t.Errorf("without any of its own it gives %q", code)
			}
			if s == Envoy {
				in.OwnMethod, in.OwnPath = "POST", "/orders/42?x=1"
			} else {
				in.OwnMethod, in.OwnPath = "GET", "/assets/x"
				in.Header[styles[s].method], in.Header[styles[s].uri] = []string{"POST"}, []string{"/orders/42?x=1"}
			}
			e, code := r.Event("web", in)
			if code != "" {
				t.Fatal(code)
			}
			if q := e.Request; q.Method != "POST" || q.Route != "/orders/{id}" || q.Class != riskd.ClassSensitive || q.Object != r.key.Mark("object", "", "42") {
				t.Errorf("got %+v", q)
			}
			in.Method, in.Path = "GET", "/admin"
			if e, code = r.Event("web", in); code != "" || e.Request.Method != "GET" || e.Request.Class != riskd.ClassAdmin {
				t.Errorf("what the protocol says gives %q, %+v", code, e)
			}
		})
	}
}

func TestRoutesOfEvents(t *testing.T) {
	t.Parallel()
	r := testReader(t, Profile{Name: "web", Style: Nginx, Tenant: "shop", Routes: []Route{
		{Path: "/export", Class: riskd.ClassSensitive, Privilege: riskd.Privilege{Level: 7, Action: "export"}},
		{Path: "/poll", Activity: riskd.Background},
	}})
	for uri, want := range map[string]struct {
		route     string
		class     riskd.Class
		activity  riskd.Activity
		privilege riskd.Privilege
	}{
		"/export":  {"/export", riskd.ClassSensitive, riskd.Interactive, riskd.Privilege{Level: 7, Action: "export"}},
		"/poll":    {"/poll", riskd.ClassStandard, riskd.Background, riskd.Privilege{}},
		"/nowhere": {"", riskd.ClassAdmin, riskd.Interactive, riskd.Privilege{}},
	} {
		e, code := r.Event("web", ask("Cookie: sid=a", "X-Original-Method: GET", "X-Original-Uri: "+uri))
		if code != "" {
			t.Fatal(uri, code)
		}
		if q := e.Request; q.Route != want.route || q.Class != want.class || q.Activity != want.activity || e.Privilege != want.privilege || q.Object != 0 {
			t.Errorf("%s: got %+v", uri, e)
		}
	}
	for name, c := range map[string]struct {
		lines []string
		code  Refusal
	}{
		"no URI":       {[]string{"X-Original-Method: GET"}, Malformed},
		"empty URI":    {[]string{"X-Original-Method: GET", "X-Original-Uri:"}, Malformed},
		"no method":    {[]string{"X-Original-Uri: /poll"}, Malformed},
		"small method": {[]string{"X-Original-Method: get", "X-Original-Uri: /poll"}, Malformed},
		"two URIs":     {[]string{"X-Original-Method: GET", "X-Original-Uri: /poll", "X-Original-Uri: /export"}, Malformed},
		"other's name": {[]string{"X-Original-Method: GET", "X-Original-Uri: /export", "X_Original_Uri: /poll"}, Malformed},
		"dropped":      {[]string{"X-Original-Method: GET", "X-Original-Uri: /export", "Connection: x-original-uri"}, Malformed},
		"dots":         {[]string{"X-Original-Method: GET", "X-Original-Uri: /poll/../export"}, PathAmbiguous},
		"a whole URL":  {[]string{"X-Original-Method: GET", "X-Original-Uri: http://host/poll"}, PathAmbiguous},
	} {
		if e, code := r.Event("web", ask(append(c.lines, "Cookie: sid=a")...)); code != c.code || e != nil {
			t.Errorf("%s: %q", name, code)
		}
	}
}

func TestClassHeader(t *testing.T) {
	t.Parallel()
	r := testReader(t, Profile{Name: "web", Style: Caddy, Class: riskd.ClassSensitive, ClassHeader: "X-Risk-Class"})
	for word, want := range map[string]riskd.Class{
		"": riskd.ClassSensitive, "open": riskd.ClassOpen, "standard": riskd.ClassStandard, "sensitive": riskd.ClassSensitive, "admin": riskd.ClassAdmin,
	} {
		e, code := r.Event("web", ask("Cookie: sid=a", "X-Risk-Class: "+word))
		if code != "" || e.Request.Class != want {
			t.Errorf("%q gives %q, %+v", word, code, e)
		}
	}
	if e, code := r.Event("web", ask("Cookie: sid=a")); code != "" || e.Request.Class != riskd.ClassSensitive {
		t.Errorf("without the header: %q, %+v", code, e)
	}
	for _, lines := range [][]string{
		{"X-Risk-Class: Open"},
		{"X-Risk-Class: 1"},
		{"X-Risk-Class: open, admin"},
		{"X-Risk-Class: open", "X-Risk-Class: open"},
		{"X_Risk_Class: open"},
		{"x-risk.class: open"},
		{"X-Risk-Class: admin", "Connection: X-Risk-Class"},
	} {
		if _, code := r.Event("web", ask(append(lines, "Cookie: sid=a")...)); code != Malformed {
			t.Errorf("%q gives %q", lines, code)
		}
	}
}

// What a protocol tells of the client's connection is the client, whatever it wrote
// into X-Forwarded-For.
func TestToldAddresses(t *testing.T) {
	t.Parallel()
	r := testReader(t, Profile{Name: "web", Style: Nginx})
	for name, c := range map[string]struct {
		peer, forwarded string
		told            bool
		want            string
		degraded        bool
	}{
		"told, and nothing beside": {"203.0.113.7", "", true, "203.0.113.7", false},
		"told, and spoofed":        {"203.0.113.7", "10.0.0.9", true, "203.0.113.7", false},
		"told, behind a proxy":     {"10.0.0.2", "1.1.1.1, 203.0.113.7", true, "203.0.113.7", false},
		"not told":                 {"192.0.2.1", "203.0.113.7", false, "192.0.2.1", true},
	} {
		in := ask("Cookie: sid=a")
		in.Peer, in.Told = netip.MustParseAddr(c.peer), c.told
		if c.forwarded != "" {
			in.Header.Set("X-Forwarded-For", c.forwarded)
		}
		e, code := r.Event("web", in)
		if code != "" || e.Client.IP.String() != c.want || slices.Contains(e.Degraded, forwardedUntrusted) != c.degraded {
			t.Errorf("%s: %q, %+v", name, code, e)
		}
	}
	// An address that isn't there is no gateway on this machine.
	in := ask("Cookie: sid=a", "X-Forwarded-For: 203.0.113.7")
	in.Peer, in.Told = netip.Addr{}, true
	if e, code := r.Event("web", in); code != Malformed {
		t.Errorf("no address: %q, %+v", code, e)
	}
}
