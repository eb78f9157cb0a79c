package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
	"go.yaml.in/yaml/v3"
)

const configs = "../../fixtures/configs/"

func TestGoodConfigs(t *testing.T) {
	t.Parallel()
	full := &config{SessionKeyFile: "keys/session"}
	full.Gateway.Listen = "[::1]:9181"
	full.Gateway.MaxConnections = 300
	full.Gateway.TrustedProxies = []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32"),
	}
	full.Gateway.ForwardAuth = []forwardConfig{{
		Name: "shop", Style: gateway.Nginx, Tenant: "acme", Class: riskd.ClassSensitive,
		Session: sourceConfig{Cookie: "sid"}, Device: sourceConfig{Header: "X-Device"},
		User: "X-User", Roles: "X-Roles", StartedAt: "X-Session-Start", AuthTime: "X-Auth-Time",
		ACR: "X-Acr", AMR: "X-Amr", Route: "X-Route", ClassHeader: "X-Risk-Class",
	}, {
		Name: "routed", Style: gateway.Envoy, Session: sourceConfig{Bearer: true},
		JWT: jwtConfig{
			KeysFile: "keys/jwks.json", Issuer: "https://idp.example", Audience: "app", Algorithms: []string{"RS256", "ES256"},
			SessionClaim: "sid", UserClaim: "email", RolesClaim: "realm_access.roles", StartedAtClaim: "login_time",
		},
		Routes: []routeConfig{
			{Path: "/orders/{id}", Methods: []string{"GET", "POST"}, Class: riskd.ClassSensitive, Activity: riskd.Background, Privilege: privilegeConfig{3, "order"}},
			{Path: "/assets/{file...}"},
		},
	}}
	full.Gateway.PublicURL = "https://riskd.example.com"
	full.ExtAuthz = extauthzConfig{Listen: "[::1]:9183", Profile: "shop", MaxConnections: 20}
	full.Admin.Listen = "localhost:9182"
	full.Admin.MaxConnections = 30
	full.Admin.AllowedHosts = []string{"riskd.example.com"}
	full.Policy.Pack = "packs/strict"
	full.Policy.Shadows = []shadowConfig{{
		Name: "next", Pack: "packs/next", SampleRate: 0.1, DisagreementBudget: 0.01, Expires: 168 * time.Hour, Inline: true,
	}}
	full.Policy.Brake = brake{Off: true, Share: 0.05, Factor: 5, Window: 2 * time.Minute, MinSessions: 50}
	full.Geo.Databases = []string{"city.mmdb", "/var/lib/geo/asn.mmdb"}
	full.Geo.Lists = []listConfig{{Path: "lists/vpn.txt", Kind: riskd.NetworkVPN}}
	full.Geo.Watch = 10 * time.Minute
	full.Memory.MaxSessions = 2_000_000
	full.Memory.MaxProfiles = 500_000
	full.Decision.Deadline = 5 * time.Millisecond
	full.Decision.Keep = 500
	full.Log.Level = slog.LevelDebug
	full.Log.Format = "text"
	full.Drain.Limit = 3 * time.Second

	guarded := defaults()
	guarded.Gateway.Listen = "unix:///run/riskd/gateway.sock"
	guarded.Admin.Listen = "0.0.0.0:8182"
	guarded.Admin.TLS = tlsConfig{Cert: "tls/server.pem", Key: "tls/server.key", ClientCA: "/etc/riskd/ca.pem"}
	guarded.Admin.AllowedHosts = []string{"riskd.example.com"}
	guarded.Callers = []callerConfig{
		{Name: "edge", Role: riskd.RoleGateway, UIDs: []int{33, 0}},
		{
			Name: "console", Role: riskd.RoleOperator, Tenant: "shop", Certificates: []string{"spiffe://example.com/console", "console.example.com"},
			Tokens: []tokenConfig{
				{"7d5e8c1f0a4b36c2d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6", time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)},
				{SHA256: strings.Repeat("0", 64)},
			},
		},
	}

	envoy := defaults()
	envoy.Gateway.ForwardAuth = []forwardConfig{
		{Name: "web", Style: gateway.Envoy, JWT: jwtConfig{SessionClaim: "sid"}, JWTMetadata: metadataConfig{"envoy.filters.http.jwt_authn", "jwt"}},
		{Name: "shop", Style: gateway.Envoy, Session: sourceConfig{Cookie: "sid"}},
	}
	envoy.ExtAuthz = extauthzConfig{Listen: "unix:///run/riskd/extauthz.sock", Profile: "shop", MaxConnections: 16}
	envoy.Callers = []callerConfig{{
		Name: "edge", Role: riskd.RoleGateway, UIDs: []int{33},
		Tokens: []tokenConfig{{SHA256: "7d5e8c1f0a4b36c2d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6"}},
	}}

	cases := map[string]*config{"envoy.yaml": envoy, "empty.yaml": defaults(), "sections.yaml": defaults(), "full.yaml": full, "callers.yaml": guarded}
	for _, name := range listDir(t, configs+"good") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := cases[name]
			if want == nil {
				t.Fatal("has no case here")
			}
			want.resolve(configs + "good")
			got, err := loadConfig(configs + "good/" + name)
			if err != nil {
				t.Fatal(err)
			}
			got.source = source{}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A bad config says at the end of a line what is wrong with the line: each
// # want: begins an error, and there are no others.
func TestBadConfigs(t *testing.T) {
	t.Parallel()
	for _, name := range listDir(t, configs+"bad") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(configs + "bad/" + name)
			if err != nil {
				t.Fatal(err)
			}
			want := wanted(name, string(text))
			_, err = parseConfig(name, text)
			all, ok := err.(*problems)
			if !ok {
				t.Fatalf("want problems, got %v", err)
			}
			if summary := "config " + name + " has " + count(len(want), "problem"); all.summary != summary {
				t.Errorf("summary is %q, want %q", all.summary, summary)
			}
			for _, got := range all.list {
				i := matching(want, got.Error())
				if i < 0 {
					t.Errorf("not wanted: %v", got)
					continue
				}
				want = append(want[:i], want[i+1:]...)
			}
			for _, w := range want {
				t.Errorf("missing:    %s", w)
			}
		})
	}
}

func wanted(name, text string) []string {
	var want []string
	for i, line := range strings.Split(text, "\n") {
		for _, w := range strings.Split(line, "# want: ")[1:] {
			want = append(want, name+":"+strconv.Itoa(i+1)+": "+strings.TrimSpace(w))
		}
	}
	return want
}

func matching(want []string, got string) int {
	for i, w := range want {
		if strings.HasPrefix(got, w) {
			return i
		}
	}
	return -1
}

// The commented config is the truth about defaults: it names every field, each
// below its comment, with the value that the field has without it.
func TestDefaultConfigIsTheDefaults(t *testing.T) {
	t.Parallel()
	var got config
	got.source = newSource("default.yaml")
	if faults := decodeConfig(&got.source, []byte(defaultYAML), &got); faults != nil {
		t.Fatal(faults)
	}
	if faults := got.check(); faults != nil {
		t.Error(faults)
	}
	want := defaults()
	got.source = source{}
	emptyLists(reflect.ValueOf(want).Elem())
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("got  %+v\nwant %+v", &got, want)
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(defaultYAML), &document); err != nil {
		t.Fatal(err)
	}
	everyFieldIsExplained(t, document.Content[0], "", reflect.TypeFor[config]())
}

// emptyLists makes lists that are nil empty ones, which is how YAML writes them.
func emptyLists(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Slice && f.IsNil():
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		case f.Kind() == reflect.Struct && v.Type().Field(i).IsExported():
			emptyLists(f)
		}
	}
}

func everyFieldIsExplained(t *testing.T, section *yaml.Node, path string, of reflect.Type) {
	t.Helper()
	explained := map[string]*yaml.Node{}
	for i := 0; i < len(section.Content); i += 2 {
		if key := section.Content[i]; len(key.HeadComment) > 10 {
			explained[key.Value] = section.Content[i+1]
		}
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name := field.Tag.Get("yaml")
		if name == "" {
			continue
		}
		if explained[name] == nil {
			t.Errorf("default.yaml: %s has no comment above it", join(path, name))
		} else if field.Type.Kind() == reflect.Struct && explained[name].Kind == yaml.MappingNode {
			everyFieldIsExplained(t, explained[name], join(path, name), field.Type)
		}
	}
}

func TestConfigWithoutFile(t *testing.T) {
	t.Parallel()
	c, err := loadConfig("")
	if err != nil || !reflect.DeepEqual(c, defaults()) {
		t.Errorf("got %+v, %v", c, err)
	}
	_, err = loadConfig(filepath.Join(t.TempDir(), "none.yaml"))
	if err == nil || !regexp.MustCompile(`^config .*none.yaml: there is no such file$`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestSourceAt(t *testing.T) {
	t.Parallel()
	s := source{file: "c.yaml", lines: map[string]int{"geo": 3, "geo.lists": 5, "geo.lists[1].path": 7}}
	cases := map[string]string{
		"geo.lists[1].path": "c.yaml:7: geo.lists[1].path: x",
		"geo.lists[0].path": "c.yaml:5: geo.lists[0].path: x",
		"geo.watch":         "c.yaml:3: geo.watch: x",
		"log.level":         "c.yaml: log.level: x",
	}
	for path, want := range cases {
		if got := s.at(path, "x").Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := (&source{}).at("log.level", "x").Error(); got != "log.level: x" {
		t.Errorf("without a file: %s", got)
	}
}

func listDir(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
