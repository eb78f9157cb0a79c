package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	ref := riskd.SessionID{1}.String()
	shop := testKey(t).ID("shop", "raw-1")
	predicate := riskd.Predicate{
		ASN: 64500, Country: riskd.CountryOf("FR"), Network: netip.MustParsePrefix("203.0.112.0/20"), Role: "admin", UserType: "employee",
		Environment: "production", Agent: "Firefox", From: noon.Add(-time.Hour), To: noon,
	}
	const described = `"predicate":{"asn":64500,"country":"FR","network":"203.0.112.0/20","role":"admin","user_type":"employee",` +
		`"environment":"production","agent":"Firefox","from":"2026-11-21T11:00:00Z","to":"2026-11-21T12:00:00Z"}`
	cases := map[string]struct {
		body   string
		target riskd.Target
		answer string // of target and tenant
	}{
		"session":      {`{"target":{"session":"` + ref + `"}}`, riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{1}}, `{"session":"` + ref + `"},"tenant":""`},
		"raw":          {`{"target":{"session_id":"raw-1"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetSession, Session: shop, Tenant: "shop"}, `{"session":"` + shop.String() + `"},"tenant":"shop"`},
		"device":       {`{"target":{"device":"d1"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetDevice, ID: "d1", Tenant: "shop"}, `{"device":"d1"},"tenant":"shop"`},
		"user":         {`{"target":{"user":"u1"}}`, riskd.Target{Kind: riskd.TargetUser, ID: "u1"}, `{"user":"u1"},"tenant":""`},
		"tenant":       {`{"target":{"tenant":"shop"}}`, riskd.Target{Kind: riskd.TargetTenant, Tenant: "shop"}, `{"tenant":"shop"},"tenant":"shop"`},
		"tenant twice": {`{"target":{"tenant":"shop"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetTenant, Tenant: "shop"}, `{"tenant":"shop"},"tenant":"shop"`},
		"only tenant":  {`{"target":{"tenant":""}}`, riskd.Target{Kind: riskd.TargetTenant}, `{"tenant":""},"tenant":""`},
		"predicate":    {`{"target":{` + described + `},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetPredicate, Tenant: "shop", Predicate: &predicate}, `{` + described + `},"tenant":"shop"`},
		"one condition": {
			`{"target":{"predicate":{"asn":64500,"from":null}}}`,
			riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 64500}},
			`{"predicate":{"asn":64500}},"tenant":""`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.memory.sessions = make([]riskd.Session, 3)
			w := post(h.admin, "/v1/revocations", strings.TrimSuffix(c.body, "}")+`,"reason":"stolen","actor":"ann"}`)
			want := `{"epoch":1,"target":` + c.answer + `,"at":"2026-11-21T12:00:00Z","reason":"stolen","actor":"ann","effect":"revoke","matched":3,"durable":true}`
			if w.Code != 200 || w.Body.String() != want {
				t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
			}
			if e := h.memory.epochs[0]; !reflect.DeepEqual(e.Target, c.target) || e.Reason != "stolen" || e.Actor != "ann" || !e.At.Equal(noon) {
				t.Errorf("revoked %+v", e)
			}
		})
	}
}

func TestRevokeHasEffects(t *testing.T) {
	t.Parallel()
	for effect := range riskd.Effects {
		h := newHouse(t)
		w := post(h.admin, "/v1/revocations", fmt.Sprintf(`{"target":{"user":"u1"},"effect":%q}`, effect))
		if w.Code != 200 || !strings.Contains(w.Body.String(), fmt.Sprintf(`"effect":%q`, effect)) || h.memory.epochs[0].Effect != effect {
			t.Errorf("%s gives %d %s", effect, w.Code, w.Body)
		}
	}
}

func TestRevokeStands(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const body = `{"target":{"predicate":{"country":"FR"}},"standing_until":"2026-11-22T12:00:00Z"}`
	w := post(h.admin, "/v1/revocations", body)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"standing_until":"2026-11-22T12:00:00Z"`) || !h.memory.epochs[0].Until.Equal(noon.AddDate(0, 0, 1)) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = send(h.admin, request("GET", "/v1/revocations", ""))
	if !strings.Contains(w.Body.String(), `"target":{"predicate":{"country":"FR"}},"tenant":"","at":"2026-11-21T12:00:00Z","standing_until":"2026-11-22T12:00:00Z"`) {
		t.Errorf("the list is %s", w.Body)
	}
}

func TestRevokePreview(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]string{
		"predicate": `{"predicate":{"asn":64500}}`, "user": `{"user":"u1"}`, "raw": `{"session_id":"raw-1"}`,
	} {
		h := newHouse(t)
		for i := range byte(12) {
			h.memory.sessions = append(h.memory.sessions, someSession(i+1))
		}
		w := post(h.admin, "/v1/revocations", `{"target":`+target+`,"preview":true}`)
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"preview":true,"matched":12,"sample":[{"session":"s_04`) ||
			strings.Count(w.Body.String(), `{"session":`) != 10 {
			t.Errorf("%s gives %d %s", name, w.Code, w.Body)
		}
		if len(h.memory.epochs) != 0 {
			t.Errorf("%s: something was ordered", name)
		}
	}
	h := newHouse(t)
	if w := post(h.admin, "/v1/revocations", `{"target":{"user":"u1"},"preview":true}`); w.Body.String() != `{"preview":true,"matched":0,"sample":[]}` {
		t.Errorf("of nothing it is %s", w.Body)
	}
	if w := post(h.admin, "/v1/revocations", `{"target":{},"preview":true}`); w.Code != 400 {
		t.Errorf("a preview of nonsense gives %d", w.Code)
	}
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	predicate := func(members string) string { return `{"target":{"predicate":{` + members + `}}}` }
	for body, fault := range map[string]string{
		`{}`:                                     `target: must have exactly one of session, session_id, device, user, tenant, predicate","pointer":"#/target"`,
		`{"target":{}}`:                          "target: must have exactly one",
		`{"target":null}`:                        "target: must have exactly one",
		`{"target":{"user":"a","device":"b"}}`:   "target: must have exactly one",
		`{"target":{"user":null,"device":null}}`: "target: must have exactly one",
		`{"target":{"user":"a","predicate":{"asn":1}}}`:                                "target: must have exactly one",
		`{"target":{"session":"raw-1"}}`:                                               "target.session: must be a session's reference, s_ and 26 characters; the id that the gateway uses goes into session_id",
		`{"target":{"session":""}}`:                                                    "target.session: must be",
		`{"target":{"session":"s_00000000000000000000000000"}}`:                        "target.session: is required",
		`{"target":{"session_id":""}}`:                                                 "target.session_id: must not be empty",
		`{"target":{"user":""}}`:                                                       "target.user: is required",
		`{"target":{"device":""}}`:                                                     "target.device: is required",
		`{"target":{"user":1}}`:                                                        "target.user: must be a string",
		`{"target":"u1"}`:                                                              "target: must be an object",
		`{"target":{"usr":"raw-1"}}`:                                                   "target: has a member that is not known; did you mean user?",
		`{"target":{"user":"a"},"user":"a"}`:                                           "user: is not known",
		`{"target":{"user":"a","user":"b"}}`:                                           "target.user: is given twice",
		`{"target":{"tenant":"a"},"tenant":"b"}`:                                       "tenant: is another one than target.tenant",
		`{"target":{"user":"` + long + `"}}`:                                           "target.user: is 257 bytes long; the limit is 256",
		`{"target":{"user":"a"},"reason":"` + long + `"}`:                              "reason: is 257 bytes long",
		`{"target":{"user":"a"},"actor":"` + long + `"}`:                               "actor: is 257 bytes long",
		`{"target":{"user":"a"},"tenant":"` + long + `"}`:                              "tenant: is 257 bytes long",
		`{"target":{"user":"a"}}{}`:                                                    "document: is over at byte 23, but the body goes on",
		`user=a`:                                                                       "document: is not JSON at byte 1",
		predicate(``):                                                                  "target.predicate: needs a condition beside the time",
		predicate(`"from":"2026-11-21T10:00:00Z"`):                                     "target.predicate: needs a condition beside the time",
		predicate(`"asn":-1`):                                                          "target.predicate.asn: must be a whole number",
		predicate(`"asn":4294967296`):                                                  "target.predicate.asn: must be a whole number",
		predicate(`"country":"fr"`):                                                    "target.predicate.country: must be two capital letters",
		predicate(`"country":"FRA"`):                                                   "target.predicate.country: must be two capital letters",
		predicate(`"network":"raw-1"`):                                                 "target.predicate.network: must be a network such as",
		predicate(`"network":"203.0.113.7"`):                                           "target.predicate.network: must be a network such as",
		predicate(`"network":"203.0.113.7/32"`):                                        "target.predicate.network: must be a network of /24 or larger",
		predicate(`"network":"203.0.113.7/24"`):                                        "target.predicate.network: must be a network of /24 or larger",
		predicate(`"network":"2001:db8::/64"`):                                         "target.predicate.network: must be a network of /24 or larger",
		predicate(`"role":"` + long + `"`):                                             "target.predicate.role: is 257 bytes long",
		predicate(`"user_type":"` + long + `"`):                                        "target.predicate.user_type: is 257 bytes long",
		predicate(`"environment":"` + long + `"`):                                      "target.predicate.environment: is 257 bytes long",
		predicate(`"agent":"` + long + `"`):                                            "target.predicate.agent: is 257 bytes long",
		predicate(`"asn":1,"from":"yesterday"`):                                        "target.predicate.from: must be an RFC 3339 time",
		predicate(`"asn":1,"ans":2`):                                                   "target.predicate: has a member that is not known; did you mean asn?",
		predicate(`"asn":1,"from":"2026-11-21T10:00:00Z","to":"2026-11-21T10:00:00Z"`): "target.predicate.to: must be after from",
		`{"target":{"user":"a"},"effect":"raw-1"}`:                                     "effect: must be one of revoke, suspend, resume, step_up, distrust, forget",
		`{"target":{"predicate":{"asn":1}},"effect":"suspend"}`:                        "effect: must be revoke where the target is a predicate",
		`{"target":{"device":"a"},"effect":"forget"}`:                                  "target: a device has nothing that forget could void",
		`{"target":{"user":"a"},"standing_until":"2026-11-22T12:00:00Z"}`:              "standing_until: is for predicates only",
		`{"target":{"predicate":{"asn":1}},"standing_until":"2026-11-21T12:00:00Z"}`:   "standing_until: must be ahead of now, by at most 30 days",
		`{"target":{"predicate":{"asn":1}},"standing_until":"2026-12-21T12:00:01Z"}`:   "standing_until: must be ahead of now, by at most 30 days",
		`{"target":{"user":"a"},"preview":"yes"}`:                                      "preview: must be true or false",
	} {
		h := newHouse(t)
		w := post(h.admin, "/v1/revocations", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"detail":"`+fault) || strings.Contains(w.Body.String(), "raw-1") || len(h.memory.epochs) > 0 {
			t.Errorf("%s gives %d %s", body, w.Code, w.Body)
		}
	}
}

func TestListRevocations(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, user := range []string{"a", "b", "c"} {
		h.memory.epochs = append(h.memory.epochs, riskd.Epoch{
			Target: riskd.Target{Kind: riskd.TargetUser, ID: user, Tenant: "shop"}, At: noon, Number: uint64(len(h.memory.epochs) + 1), Reason: "r", Actor: "ann",
			Effect: riskd.EffectSuspend,
		})
	}
	one := func(n, user string) string {
		return `{"epoch":` + n + `,"target":{"user":"` + user + `"},"tenant":"shop","at":"2026-11-21T12:00:00Z","reason":"r","actor":"ann","effect":"suspend"}`
	}
	for path, want := range map[string]string{
		"":                  `{"revocations":[` + one("3", "c") + "," + one("2", "b") + "," + one("1", "a") + `]}`,
		"?limit=2":          `{"revocations":[` + one("3", "c") + "," + one("2", "b") + `],"next":"2"}`,
		"?limit=2&cursor=2": `{"revocations":[` + one("1", "a") + `]}`,
		"?cursor=1":         `{"revocations":[]}`,
	} {
		if w := send(h.admin, request("GET", "/v1/revocations"+path, "")); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s gives %d %s\nwant %s", path, w.Code, w.Body, want)
		}
	}
	if w := send(h.admin, request("GET", "/v1/revocations?cursor=-1", "")); w.Code != 400 {
		t.Errorf("a wrong cursor gives %d", w.Code)
	}
}

func TestLift(t *testing.T) {
	t.Parallel()
	const body = `{"reason":"false alarm","actor":"ann"}`
	cases := map[string]struct {
		path, body string
		status     int
		answer     string
	}{
		"lifted": {"/v1/revocations/1", body, 200, `{"epoch":1,"target":{"user":"u1"},"tenant":"","at":"2026-11-21T12:00:00Z",` +
			`"reason":"r","actor":"bob","effect":"revoke","durable":true}`},
		"unknown": {"/v1/revocations/2", body, 404, `{"type":"https://riskd.dev/problems/unknown-epoch","title":"Unknown epoch","status":404,` +
			`"detail":"no order in force has the number 2: GET /v1/revocations lists those that are"}`},
		"no number":    {"/v1/revocations/raw-1", body, 400, "the path must name an order by its epoch"},
		"negative":     {"/v1/revocations/-1", body, 400, "the path must name an order by its epoch"},
		"a parameter":  {"/v1/revocations/1?force=1", body, 400, "this path takes no parameters"},
		"no body":      {"/v1/revocations/1", "", 415, "Content-Type"},
		"no reason":    {"/v1/revocations/1", `{"actor":"ann"}`, 400, `"detail":"reason: is required: lifting an order is put on record","pointer":"#/reason"`},
		"no actor":     {"/v1/revocations/1", `{"reason":"r","actor":""}`, 400, "actor: is required"},
		"long reason":  {"/v1/revocations/1", `{"reason":"` + strings.Repeat("x", 257) + `","actor":"a"}`, 400, "reason: is 257 bytes long"},
		"odd document": {"/v1/revocations/1", `{"reason":"r","actor":"a","raw-1":1}`, 400, "document: has a member that is not known; known here are reason, actor"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.memory.epochs = []riskd.Epoch{{Target: riskd.Target{Kind: riskd.TargetUser, ID: "u1"}, At: noon, Number: 1, Reason: "r", Actor: "bob"}}
			w := send(h.admin, request("DELETE", c.path, c.body))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) || strings.Contains(w.Body.String(), "raw-1") {
				t.Errorf("got %d %s\nwant %s", w.Code, w.Body, c.answer)
			}
			if acts := strings.Join(h.memory.acts, ";"); (acts == "lift 1 at 12:00:00: false alarm, ann") != (c.status == 200) || c.status != 200 && acts != "" {
				t.Errorf("done was %s", acts)
			}
		})
	}
}

// An order that is in force but may be lost with the process is never a success,
// and whoever gave it learns what to do.
func TestNotDurable(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ method, path, body, cure string }{
		"revoke":   {"POST", "/v1/revocations", `{"target":{"user":"u1"}}`, "repeat the request until it is answered 200"},
		"lift":     {"DELETE", "/v1/revocations/1", `{"reason":"r","actor":"a"}`, "after a restart, see GET /v1/revocations for whether the order is back, and lift it again if so"},
		"identity": {"POST", "/v1/identity-events", `{"id":"e1","type":"logout","session":"` + riskd.SessionID{1}.String() + `"}`, "repeat the request until it is answered 200"},
		"erase":    {"DELETE", "/v1/users/u1?actor=ann", "", "repeat the request until it is answered 200"},
		"step-up":  {"POST", "/v1/step-ups/su_1", `{"result":"failed"}`, "the answer has been taken; if the session had to end by it, revoke it by POST /v1/revocations"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.memory.sessions = []riskd.Session{someSession(1)}
			h.memory.epochs = []riskd.Epoch{{Target: riskd.Target{Kind: riskd.TargetTenant}, Number: 1}}
			h.memory.err = fmt.Errorf("ledger: disk full: %w", riskd.ErrNotDurable)
			for range 2 {
				w := send(h.admin, request(c.method, c.path, c.body))
				want := `{"type":"https://riskd.dev/problems/not-durable","title":"Not durable","status":503,` +
					`"detail":"it is in force, but not on disk, and would be lost with the process: ` + c.cure + `","applied":true,"durable":false}`
				if w.Code != 503 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/problem+json" {
					t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
				}
			}
			if len(h.failures) != 2 || !strings.HasPrefix(h.failures[0], "admin ledger: disk full") {
				t.Errorf("told were %q", h.failures)
			}
			h.memory.err = errors.New("closed")
			w := send(h.admin, request(c.method, c.path, c.body))
			if w.Code != 500 || strings.Contains(w.Body.String(), "closed") || strings.Contains(w.Body.String(), "applied") || len(h.failures) != 3 {
				t.Errorf("a store that is closed gives %d %s, told %q", w.Code, w.Body, h.failures)
			}
			h.memory.err = nil
			if w := send(h.admin, request(c.method, c.path, c.body)); w.Code != 200 {
				t.Errorf("afterwards it gives %d %s", w.Code, w.Body)
			}
		})
	}
}

// What keeps nothing on disk says so.
func TestVolatile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.memory.volatile = true
	for path, body := range map[string]string{
		"/v1/revocations":     `{"target":{"user":"u1"}}`,
		"/v1/identity-events": `{"id":"e1","type":"user_enabled","user":"u1"}`,
	} {
		if w := post(h.admin, path, body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"durable":false`) {
			t.Errorf("%s gives %d %s", path, w.Code, w.Body)
		}
	}
}

func TestEraseUser(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for name, c := range map[string]struct {
		path   string
		status int
		answer string
		act    string
	}{
		"erased":      {"/v1/users/a%2Fb?tenant=shop&actor=ann", 200, `{"erased":true,"ended":2}`, "erase shop/a/b at 12:00:00: ann"},
		"only tenant": {"/v1/users/u1?actor=ann", 200, `{"erased":true,"ended":2}`, "erase /u1 at 12:00:00: ann"},
		"no actor":    {"/v1/users/u1", 400, "actor: is required: an erasure is put on record", ""},
		"misspelt":    {"/v1/users/u1?acter=ann&actor=ann", 400, "did you mean actor?", ""},
		"twice":       {"/v1/users/u1?actor=ann&actor=bob", 400, "actor: is given 2 times", ""},
		"long id":     {"/v1/users/" + long + "?actor=ann", 400, "id: is 257 bytes long", ""},
		"long actor":  {"/v1/users/u1?actor=" + long, 400, "actor: is 257 bytes long", ""},
		"long tenant": {"/v1/users/u1?actor=a&tenant=" + long, 400, "tenant: is 257 bytes long", ""},
		"no UTF-8":    {"/v1/users/%ff?actor=ann", 400, "id: is not valid UTF-8", ""},
	} {
		h := newHouse(t)
		h.memory.sessions = make([]riskd.Session, 2)
		w := send(h.admin, request("DELETE", c.path, ""))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) || strings.Join(h.memory.acts, ";") != c.act {
			t.Errorf("%s gives %d %s after %v", name, w.Code, w.Body, h.memory.acts)
		}
	}
}
