package gateway

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

var trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}

func testKey(t testing.TB) *riskd.SessionKey {
	t.Helper()
	key, err := riskd.NewSessionKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	network := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	profile := func(change func(*Profile)) func(*Options) {
		return func(o *Options) {
			f := Profile{Name: "web", Style: Caddy, Session: Source{Cookie: "sid"}}
			change(&f)
			o.Profiles = []Profile{f}
		}
	}
	cases := map[string]struct {
		change func(*Options)
		err    string
	}{
		"no key":              {func(o *Options) { o.Key = nil }, "gateway.Options.Key"},
		"all of IPv4 trusted": {func(o *Options) { o.TrustedProxies = network("0.0.0.0/0") }, "trusts everybody"},
		"all of IPv6 trusted": {func(o *Options) { o.TrustedProxies = network("::/0") }, "trusts everybody"},
		"a mapped network":    {func(o *Options) { o.TrustedProxies = network("::ffff:10.0.0.0/104") }, "IPv4 network"},
		"no network":          {func(o *Options) { o.TrustedProxies = []netip.Prefix{{}} }, "TrustedProxies"},
		"profile twice":       {func(o *Options) { o.Profiles = append(o.Profiles, o.Profiles[0]) }, `Profiles[1]: name: "web" is given twice`},
		"profile's name":      {profile(func(f *Profile) { f.Name = "a/b" }), "Profiles[0]: name"},
		"profile's style":     {profile(func(f *Profile) { f.Style = 0 }), "Profiles[0]: style"},
		"profile's session":   {profile(func(f *Profile) { f.Session = Source{} }), "Profiles[0]: session: is required"},
		"two sources":         {profile(func(f *Profile) { f.Session.Header = "X-Sid" }), "session: must be one of cookie, header and bearer"},
		"header and bearer":   {profile(func(f *Profile) { f.Session = Source{Header: "X-Sid", Bearer: true} }), "session: must be one of"},
		"cookie and bearer":   {profile(func(f *Profile) { f.Session.Bearer = true }), "session: must be one of"},
		"bearer twice":        {profile(func(f *Profile) { f.Session, f.Device = Source{Bearer: true}, Source{Bearer: true} }), "device.header: Authorization is read"},
		"routes and a class":  {profile(func(f *Profile) { f.Routes, f.Class = site, riskd.ClassOpen }), "class: does nothing"},
		"routes and header":   {profile(func(f *Profile) { f.Routes, f.ClassHeader = site, "X-C" }), "class_header: does nothing"},
		"routes and route":    {profile(func(f *Profile) { f.Routes, f.Route = site, "X-R" }), "route: does nothing"},
		"a bad route":         {profile(func(f *Profile) { f.Routes = []Route{{Path: "x"}} }), "routes[0].path"},
		"URI with routes":     {profile(func(f *Profile) { f.Routes, f.User = site, "X-Forwarded-Uri" }), "user: X-Forwarded-Uri is read"},
		"cookie's name":       {profile(func(f *Profile) { f.Session.Cookie = "a b" }), `session: "a b" is not the name of a cookie`},
		"device's name":       {profile(func(f *Profile) { f.Device.Cookie = "a;b" }), `device: "a;b"`},
		"header with _":       {profile(func(f *Profile) { f.User = "X_User" }), `user: "X_User" is not the name`},
		"one header for two":  {profile(func(f *Profile) { f.User, f.ACR = "X-A", "x-a" }), "acr: X-A is read for something else"},
		"the caller's header": {profile(func(f *Profile) { f.Session = Source{Header: "x-riskd-authorization"} }), "session.header: X-Riskd-Authorization is read for something else"},
		"a header of ours":    {profile(func(f *Profile) { f.User = "X-Forwarded-Method" }), "user: X-Forwarded-Method is read"},
		"long tenant":         {profile(func(f *Profile) { f.Tenant = strings.Repeat("t", 257) }), "tenant: is longer"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Key: testKey(t), TrustedProxies: trusted, Profiles: []Profile{{Name: "web", Style: Caddy, Session: Source{Cookie: "sid"}}}}
			c.change(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseStyle(t *testing.T) {
	t.Parallel()
	for _, name := range Styles() {
		if s, err := ParseStyle(name); err != nil || s.String() != name {
			t.Errorf("%q gives %s, %v", name, s, err)
		}
	}
	for _, name := range []string{"", "Nginx", "nginx ", "kong"} {
		if s, err := ParseStyle(name); err == nil || s != 0 {
			t.Errorf("%q gives %s, %v", name, s, err)
		}
	}
}
