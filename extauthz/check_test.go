package extauthz_test

import (
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/gateway"
)

// holds checks what is true of every answer.
func holds(t testing.TB, out *authv3.CheckResponse) {
	t.Helper()
	if out.GetStatus() == nil {
		t.Fatal("an answer without a status, which Envoy takes for an OK")
	}
	said := out.DynamicMetadata.GetFields()
	ok := out.Status.Code == int32(codes.OK)
	if decision := said["decision"].GetStringValue(); ok != (decision == "allow") {
		t.Errorf("status %d with decision %q", out.Status.Code, decision)
	}
	if ok != (out.GetOkResponse() != nil) || ok == (out.GetDeniedResponse() != nil) {
		t.Errorf("status %d with %T", out.Status.Code, out.HttpResponse)
	}
	for _, name := range []string{"decision", "decision_id", "level", "session", "policy", "policy_revision", "reasons", "degraded"} {
		if said[name] == nil {
			t.Errorf("the metadata has no %s", name)
		}
	}
	headers := slices.Concat(out.GetOkResponse().GetHeaders(), out.GetDeniedResponse().GetHeaders())
	for _, h := range headers {
		//lint:ignore SA1019 older Envoys look at nothing else
		if h.Append == nil || h.Append.Value || h.AppendAction != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			t.Errorf("%s would be appended to what is there", h.Header.Key)
		}
	}
	if ok && len(headers) != len(gateway.Headers) {
		t.Errorf("%d headers of %d", len(headers), len(gateway.Headers))
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	nothing := func(*riskd.Event) riskd.Decision { return riskd.Decision{ID: "01JG"} }
	cases := map[string]struct {
		answer func(*riskd.Event) riskd.Decision
		status int
	}{
		"allow": {allow, 200}, "fallback": {fallback, 200}, "step_up": {stepUp, 401}, "revoke": {revoke, 403},
		"suspended": {suspended, 403}, "nothing": {nothing, 401},
		"panic": {func(*riskd.Event) riskd.Decision { panic("broken") }, 403},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.engine.answer = c.answer
			out := check(t, h.dial(t), golden(t, "check.json"))
			holds(t, out)
			text, err := os.ReadFile("testdata/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			ref := h.key.ID("t1", "raw-1").String()
			want := parse(t, strings.ReplaceAll(string(text), `"REF"`, `"`+ref+`"`), &authv3.CheckResponse{})
			if !proto.Equal(out, want) {
				t.Errorf("got %s\nwant %s", protojson.Format(out), protojson.Format(want))
			}
			if !slices.Equal(h.observed, []int{c.status}) || (name == "panic") != (len(h.panics) == 1) {
				t.Errorf("observed %v, panics %v", h.observed, h.panics)
			}
		})
	}
}

func TestChecksAreRead(t *testing.T) {
	t.Parallel()
	none := func(in *authv3.AttributeContext) { in.ContextExtensions = nil }
	extension := func(pairs ...string) func(*authv3.AttributeContext) {
		return func(in *authv3.AttributeContext) {
			in.ContextExtensions = map[string]string{}
			for i := 0; i < len(pairs); i += 2 {
				in.ContextExtensions[pairs[i]] = pairs[i+1]
			}
		}
	}
	from := func(address string) func(*authv3.AttributeContext) {
		return func(in *authv3.AttributeContext) { in.Source.Address.GetSocketAddress().Address = address }
	}
	agent := "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
	base := func(key *riskd.SessionKey) riskd.Event {
		return riskd.Event{
			Time: noon, Tenant: "shop", Session: riskd.EventSession{ID: key.ID("shop", "raw-1"), AMR: []string{"pwd", "otp"}},
			User: riskd.User{ID: "u-12"}, Request: riskd.Request{Method: "POST", Class: riskd.ClassSensitive},
			Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: agent, Language: "fr-FR,fr;q=0.9"},
		}
	}
	cases := map[string]struct {
		file   string
		change []func(*authv3.AttributeContext)
		want   func(e *riskd.Event, key *riskd.SessionKey)
	}{
		"as it stands": {"check.json", nil, func(e *riskd.Event, key *riskd.SessionKey) {
			e.Tenant, e.Session.ID, e.Request.Route = "t1", key.ID("t1", "raw-1"), "/payments/{id}"
		}},
		"without extensions": {"check.json", []func(*authv3.AttributeContext){none}, func(*riskd.Event, *riskd.SessionKey) {}},
		"an open route":      {"check.json", []func(*authv3.AttributeContext){extension("riskd_class", "open")}, func(e *riskd.Event, _ *riskd.SessionKey) { e.Request.Class = riskd.ClassOpen }},
		"no tenant": {"check.json", []func(*authv3.AttributeContext){extension("riskd_tenant", "")}, func(e *riskd.Event, key *riskd.SessionKey) {
			e.Tenant, e.Session.ID = "", key.ID("", "raw-1")
		}},
		"another profile": {"check.json", []func(*authv3.AttributeContext){extension("riskd_profile", "api"), with("authorization", "Bearer tok")}, func(e *riskd.Event, key *riskd.SessionKey) {
			e.Tenant, e.Session, e.User, e.Request.Class = "", riskd.EventSession{ID: key.ID("", "tok")}, riskd.User{}, riskd.ClassStandard
		}},
		"claims": {"check.json", []func(*authv3.AttributeContext){extension("riskd_profile", "jwt")}, func(e *riskd.Event, key *riskd.SessionKey) {
			e.Tenant, e.Request.Class = "", riskd.ClassStandard
			e.User.ID = "u-12"
			e.Session = riskd.EventSession{ID: key.ID("", "s-1"), ACR: "nist-aal1", AMR: []string{"pwd", "otp"}, AuthTime: time.Unix(1795251601, 0).UTC()}
		}},
		"raw": {"check_raw.json", nil, func(e *riskd.Event, _ *riskd.SessionKey) {
			e.Session.AMR, e.Client.UserAgent, e.Client.Language = nil, "Mozilla/5.0 \uFFFD", ""
		}},
		"a client that says it is another": {"check_raw.json", []func(*authv3.AttributeContext){from("203.0.113.9")}, func(e *riskd.Event, _ *riskd.SessionKey) { raw(e); e.Client.IP = netip.MustParseAddr("203.0.113.9") }},
		"behind a proxy that isn't known":  {"check_raw.json", []func(*authv3.AttributeContext){from("192.168.0.1")}, func(e *riskd.Event, _ *riskd.SessionKey) { raw(e); e.Client.IP = netip.MustParseAddr("192.168.0.1") }},
		"behind a proxy, mapped":           {"check_raw.json", []func(*authv3.AttributeContext){from("::ffff:10.0.0.1")}, func(e *riskd.Event, _ *riskd.SessionKey) { raw(e); e.Client.IP = netip.MustParseAddr("198.51.100.1") }},
		"behind a proxy, joined":           {"check.json", []func(*authv3.AttributeContext){none, from("10.0.0.1"), with("x-forwarded-for", "1.1.1.1,198.51.100.1, 10.9.9.9")}, func(e *riskd.Event, _ *riskd.SessionKey) { e.Client.IP = netip.MustParseAddr("198.51.100.1") }},
		"a certificate": {"check.json", []func(*authv3.AttributeContext){none, certificate("-----BEGIN%20CERTIFICATE-----%0AaGVsbG8%3D%0A-----END%20CERTIFICATE-----%0A")}, func(e *riskd.Event, _ *riskd.SessionKey) {
			e.Session.Binding = riskd.Binding{Type: "mtls", Thumbprint: "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ", Verified: true}
		}},
		"a method of one's own":                {"check.json", []func(*authv3.AttributeContext){none, func(in *authv3.AttributeContext) { in.Request.Http.Method = "PURGE" }}, func(e *riskd.Event, _ *riskd.SessionKey) { e.Request.Method = "PURGE" }},
		"the same cookie behind a comma":       {"check.json", []func(*authv3.AttributeContext){none, with("cookie", "sid=raw-1,sid=raw-1")}, nil},
		"two cookie lines, ours in the second": {"check.json", []func(*authv3.AttributeContext){none, with("cookie", "y=2,sid=raw-1")}, func(*riskd.Event, *riskd.SessionKey) {}},
		"a comma in another cookie":            {"check.json", []func(*authv3.AttributeContext){none, with("cookie", "a=1,2; sid=raw-1; prefs={x,y}")}, func(*riskd.Event, *riskd.SessionKey) {}},
		"what riskd doesn't read, twice":       {"check.json", []func(*authv3.AttributeContext){none, with("x-other", "a,b")}, func(*riskd.Event, *riskd.SessionKey) {}},
		"the risk's headers from the client":   {"check.json", []func(*authv3.AttributeContext){none, with("x-risk-decision", "allow"), with("x-risk-session", "x")}, func(*riskd.Event, *riskd.SessionKey) {}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			out := check(t, h.dial(t), golden(t, c.file, c.change...))
			holds(t, out)
			if c.want == nil {
				if got := refusal(out); got != "malformed" {
					t.Errorf("got %s", got)
				}
				return
			}
			want := base(h.key)
			c.want(&want, h.key)
			if got := h.engine.last(t); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A profile with routes takes the class from the path, unless Envoy's route says it.
func TestRoutes(t *testing.T) {
	t.Parallel()
	at := func(path string, pairs ...string) func(*authv3.AttributeContext) {
		return func(in *authv3.AttributeContext) {
			in.Request.Http.Path, in.ContextExtensions = path, map[string]string{"riskd_profile": "routed"}
			for i := 0; i < len(pairs); i += 2 {
				in.ContextExtensions[pairs[i]] = pairs[i+1]
			}
		}
	}
	for name, c := range map[string]struct {
		change       func(*authv3.AttributeContext)
		route, class string
	}{
		"a payment":        {at("/payments/42?x=1"), "/payments/{id}", "sensitive"},
		"an asset":         {at("/assets/a/b.js"), "/assets/{file...}", "open"},
		"nothing known":    {at("/other"), "", "admin"},
		"Envoy's own word": {at("/assets/a", "riskd_class", "admin", "riskd_route", "/a"), "/a", "admin"},
	} {
		h := newHouse(t)
		holds(t, check(t, h.dial(t), golden(t, "check.json", c.change)))
		if got := h.engine.last(t).Request; got.Route != c.route || got.Class.String() != c.class {
			t.Errorf("%s is %q, %s", name, got.Route, got.Class)
		}
	}
	h := newHouse(t)
	if out := check(t, h.dial(t), golden(t, "check.json", at("/assets/%2e%2e/payments/42"))); refusal(out) != "path_ambiguous" {
		t.Errorf("a path that can be read in two ways: %q", refusal(out))
	}
}

// raw makes the event of check.json that of check_raw.json.
func raw(e *riskd.Event) {
	e.Session.AMR, e.Client.UserAgent, e.Client.Language = nil, "Mozilla/5.0 \uFFFD", ""
}

// with adds a header: one more line of the raw form, one that takes the place of
// others in the joined one.
func with(name, value string) func(*authv3.AttributeContext) {
	return func(in *authv3.AttributeContext) {
		h := in.Request.Http
		if h.HeaderMap != nil {
			h.HeaderMap.Headers = append(h.HeaderMap.Headers, &corev3.HeaderValue{Key: name, RawValue: []byte(value)})
			return
		}
		h.Headers[name] = value
	}
}

func certificate(text string) func(*authv3.AttributeContext) {
	return func(in *authv3.AttributeContext) { in.Source.Certificate = text }
}

// refusal is why nothing was decided.
func refusal(out *authv3.CheckResponse) string {
	said := out.DynamicMetadata.GetFields()
	if said["decision"].GetStringValue() != "none" {
		return ""
	}
	var codes []string
	for _, v := range said["reasons"].GetListValue().GetValues() {
		codes = append(codes, v.GetStringValue())
	}
	return strings.Join(codes, ",")
}

func TestChecksAreRefused(t *testing.T) {
	t.Parallel()
	type change = func(*authv3.AttributeContext)
	extension := func(name, value string) change {
		return func(in *authv3.AttributeContext) {
			if in.ContextExtensions == nil {
				in.ContextExtensions = map[string]string{}
			}
			in.ContextExtensions[name] = value
		}
	}
	claim := func(text string) change {
		return func(in *authv3.AttributeContext) {
			extension("riskd_profile", "jwt")(in)
			in.MetadataContext = parse(t, `{"filterMetadata":{"envoy.filters.http.jwt_authn":{"jwt":`+text+`}}}`, &corev3.Metadata{})
		}
	}
	cases := map[string]struct {
		changes []change
		want    string
		joined  bool // only in the joined form
	}{
		"no http":    {[]change{func(in *authv3.AttributeContext) { in.Request.Http = nil }}, "malformed", false},
		"no request": {[]change{func(in *authv3.AttributeContext) { in.Request = nil }}, "malformed", false},
		"no source":  {[]change{func(in *authv3.AttributeContext) { in.Source = nil }}, "malformed", false},
		"a pipe": {[]change{func(in *authv3.AttributeContext) {
			in.Source.Address = &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/x"}}}
		}}, "malformed", false},
		"a host name":             {[]change{func(in *authv3.AttributeContext) { in.Source.Address.GetSocketAddress().Address = "localhost" }}, "malformed", false},
		"no headers":              {[]change{func(in *authv3.AttributeContext) { in.Request.Http.Headers, in.Request.Http.HeaderMap = nil, nil }}, "no_session", false},
		"method":                  {[]change{func(in *authv3.AttributeContext) { in.Request.Http.Method = "GET /" }}, "malformed", false},
		"class not known":         {[]change{extension("riskd_class", "low")}, "malformed", false},
		"class empty":             {[]change{extension("riskd_class", "")}, "malformed", false},
		"extension misspelt":      {[]change{extension("riskd_clas", "admin")}, "malformed", false},
		"extension of another":    {[]change{extension("riskd_sensitivity", "high")}, "malformed", false},
		"no such profile":         {[]change{extension("riskd_profile", "nosuch")}, "unknown_profile", false},
		"profile empty":           {[]change{extension("riskd_profile", "")}, "unknown_profile", false},
		"tenant too long":         {[]change{extension("riskd_tenant", strings.Repeat("t", 257))}, "malformed", false},
		"route too long":          {[]change{extension("riskd_route", strings.Repeat("r", 2049))}, "malformed", false},
		"user's alias with _":     {[]change{with("x_auth_user", "root")}, "malformed", false},
		"user's alias with .":     {[]change{with("x-auth.user", "root")}, "malformed", false},
		"forwarded's alias":       {[]change{with("x_forwarded_for", "1.1.1.1")}, "malformed", false},
		"user in Connection":      {[]change{with("connection", "close, X-Auth-User")}, "malformed", false},
		"cookie in Connection":    {[]change{with("connection", "cookie")}, "malformed", false},
		"certificate not encoded": {[]change{certificate("-----BEGIN%ZZ")}, "malformed", false},
		"certificate no PEM":      {[]change{certificate("hello")}, "malformed", false},
		"certificate a key":       {[]change{certificate("-----BEGIN%20PRIVATE%20KEY-----%0AaGVsbG8%3D%0A-----END%20PRIVATE%20KEY-----%0A")}, "malformed", false},
		"no claims":               {[]change{extension("riskd_profile", "jwt"), func(in *authv3.AttributeContext) { in.MetadataContext = nil }}, "no_session", false},
		"no claim":                {[]change{claim(`{"sub":"u"}`)}, "invalid_token", false},
		"claim a number":          {[]change{claim(`{"sid":7}`)}, "invalid_token", false},
		"acr a list":              {[]change{claim(`{"sid":"s","acr":["a"]}`)}, "invalid_token", false},
		"amr an object":           {[]change{claim(`{"sid":"s","amr":{}}`)}, "invalid_token", false},
		"amr of numbers":          {[]change{claim(`{"sid":"s","amr":[1]}`)}, "invalid_token", false},
		"auth_time text":          {[]change{claim(`{"sid":"s","auth_time":"1"}`)}, "invalid_token", false},
		"auth_time in ms":         {[]change{claim(`{"sid":"s","auth_time":1795251600000}`)}, "invalid_token", false},
		"auth_time negative":      {[]change{claim(`{"sid":"s","auth_time":-1}`)}, "invalid_token", false},

		"two users":                      {[]change{with("x-auth-user", "u-12,root")}, "malformed", true},
		"roles, or two":                  {[]change{with("x-auth-roles", "user,admin")}, "malformed", true},
		"two cookie lines":               {[]change{with("cookie", "sid=raw-1,sid=raw-2")}, "malformed", true},
		"two cookie lines, another last": {[]change{with("cookie", "a=1; sid=raw-1; y=2,sid=raw-2")}, "malformed", true},
		"two cookie lines, ours first":   {[]change{with("cookie", "y=2,sid=raw-2; sid=raw-1")}, "malformed", true},
	}
	for name, c := range cases {
		for _, file := range []string{"check.json", "check_raw.json"} {
			if c.joined && file != "check.json" {
				continue
			}
			t.Run(name+"/"+file, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				out := check(t, h.dial(t), golden(t, file, c.changes...))
				holds(t, out)
				if got := refusal(out); got != c.want {
					t.Errorf("got %q", got)
				}
				if len(h.engine.events) > 0 || len(h.panics) > 0 {
					t.Errorf("the engine was asked %v, panics %v", h.engine.events, h.panics)
				}
			})
		}
	}
	for name, in := range map[string]*authv3.CheckRequest{"nil": nil, "empty": {}, "no attributes": {Attributes: &authv3.AttributeContext{}}} {
		h := newHouse(t)
		out, err := h.Check(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if holds(t, out); refusal(out) != "malformed" {
			t.Errorf("%s gives %q", name, refusal(out))
		}
	}
}

// Of the raw form every line is seen.
func TestRawHeadersTwice(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"x-auth-user": "u-12", "user-agent": "x", "cookie": "sid=raw-2"} {
		h := newHouse(t)
		out := check(t, h.dial(t), golden(t, "check_raw.json", with(name, value)))
		if holds(t, out); refusal(out) != "malformed" {
			t.Errorf("%s twice gives %q", name, refusal(out))
		}
	}
	h := newHouse(t)
	holds(t, check(t, h.dial(t), golden(t, "check_raw.json", with("x-auth-roles", "user,admin"))))
	if got := h.engine.last(t).User.Roles; !slices.Equal(got, []string{"user", "admin"}) {
		t.Errorf("the roles are %v", got)
	}
}

// What a client sends under the names of riskd's own answers reaches nobody.
func TestRiskHeadersOfClients(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"check.json", "check_raw.json"} {
		h := newHouse(t)
		out := check(t, h.dial(t), golden(t, file, with("x-risk-decision", "revoke"), with("x_risk_decision", "revoke"),
			with("x-risk.score", "0"), with("x-risk-unknown", "1"), with("x_other", "1")))
		holds(t, out)
		got := slices.Sorted(slices.Values(out.GetOkResponse().HeadersToRemove))
		if !slices.Equal(got, []string{"x-risk.score", "x_risk_decision"}) {
			t.Errorf("%s: removed are %v", file, got)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for field, change := range map[string]func(*extauthz.Options){
		"Engine":   func(o *extauthz.Options) { o.Engine = nil },
		"Gateways": func(o *extauthz.Options) { o.Gateways = nil },
		"Shown":    func(o *extauthz.Options) { o.Callers = nobody{} },
	} {
		o := h.Options
		o.Shown = nil
		change(&o)
		if _, err := extauthz.New(o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// An answer that protobuf can't write would be an error, and no denial.
func TestAnswersCanBeWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event) riskd.Decision {
		d := stepUp(e)
		d.UserText, d.Pack, d.Revision, d.ID = "\xff", "\xff", "\xff", "\xff"
		d.Reasons[0].Code, d.StepUp.Demand.ACR[0] = "\xff", "\xff"
		return d
	}
	if out := check(t, h.dial(t), golden(t, "check.json")); out.Status.Code != int32(codes.Unauthenticated) {
		t.Errorf("got %v", out)
	}
}
