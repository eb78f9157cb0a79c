package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A policy that fails on a request: no answer is revoke, none on a sensitive
// route or for an unknown session is allow, and each says what went wrong. What
// was revoked stays revoked.
func TestServeWithAPolicyThatErrs(t *testing.T) {
	t.Parallel()
	pack := copyDefaultPack(t)
	rule := filepath.Join(pack, "brittle.rego")
	if err := os.WriteFile(rule, []byte(brittleRule), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serving(t, "policy: {pack: "+pack+", watch: 0s}\ndrain: {wait: 0s}\n")
	ask := func(session, device, class string) answer {
		event := fmt.Sprintf(`{"session":{"id":%q},"user":{"id":"ana"},"device":{"id":%q},"client":{"ip":"203.0.113.7"},"request":{"class":%q}}`, session, device, class)
		status, body := r.post(r.gateway+"/v1/decisions", event)
		if status != 200 {
			t.Fatalf("%s: %d %s", event, status, body)
		}
		return readAnswer(t, body)
	}
	for class, want := range map[string]string{"open": "allow", "standard": "step_up", "sensitive": "step_up", "admin": "step_up"} {
		a := ask("unknown-"+class, "no number", class)
		if a.Decision != want || a.State.Source != "fallback" || !slices.Contains(a.State.Degraded, "policy_error") {
			t.Errorf("class %s: %+v", class, a)
		}
	}
	if a := ask("known", "7", "standard"); a.Decision != "allow" || a.State.Source != "fresh" {
		t.Errorf("a request that doesn't hurt the policy: %+v", a)
	}
	if a := ask("known", "no number", "standard"); a.Decision != "allow" || a.State.Source != "fallback" {
		t.Errorf("a known session repeats its last decision: %+v", a)
	}
	if status, body := r.post(r.admin+"/v1/revocations", `{"target":{"session_id":"known"},"reason":"test","actor":"test"}`); status != 200 {
		t.Fatalf("revocation: %d %s", status, body)
	}
	if a := ask("known", "no number", "open"); a.Decision != "revoke" || a.State.Source != "revocation" {
		t.Errorf("a revoked session while the policy fails: %+v", a)
	}
	if a := ask("unknown-open", "7", "open"); a.Decision != "allow" || a.State.Source != "fresh" {
		t.Errorf("the failure stuck: %+v", a)
	}
	r.wantMetric(`riskd_fallback_decisions_total 5`)
	r.wantMetric(`riskd_shed_decisions_total{class="open"} 0`)
	r.wantMetric(`riskd_connections_refused_total{listener="gateway"} 0`)
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

// brittleRule fails on a device id that is no number: strict built-in errors make
// that the whole query's failure, where OPA's default would drop the rule.
const brittleRule = `package riskd.rules

# METADATA
# title: Brittle
# labels: {rule: brittle, severity: low, group: device, channel: identity}
# custom: {user: Brittle., admin: brittle}
reasons contains {"code": "brittle", "nats": 0} if {
	to_number(input.device.id) > 1000
}
`

func TestServeOnAnAddressThatNobodyKnows(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s}\n")
	_, body := r.post(r.gateway+"/v1/decisions", `{"session":{"id":"s"},"user":{"id":"ana"},"client":{"ip":"10.20.30.40"}}`)
	a := readAnswer(t, body)
	if a.Decision != "allow" || a.State.Source != "fresh" || !slices.Contains(a.State.Missing, "new_country") {
		t.Errorf("unknown address: %s", body)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

// A pack that doesn't compile at the start is a start that doesn't happen, with
// every fault and its place.
func TestServeRefusesABrokenPack(t *testing.T) {
	t.Parallel()
	pack := copyDefaultPack(t)
	rewrite(t, filepath.Join(pack, "policy.rego"), "package riskd.decision\n\ndecision := \"allow\" if input.scroe < 60\n")
	config := filepath.Join(t.TempDir(), "riskd.yaml")
	if err := os.WriteFile(config, []byte("gateway: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\npolicy: {pack: "+pack+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	err = serve(t.Context(), c, false, newLogger(newLogLines(), c), make(chan os.Signal))
	if err == nil || !strings.Contains(err.Error(), "policy.rego:3:") || !strings.Contains(err.Error(), "score") {
		t.Fatalf("started with a broken pack, or said %v", err)
	}
}

type answer struct {
	Decision string
	State    struct {
		Source   string
		Degraded []string
		Missing  []string `json:"missing_signals"`
	}
}

func readAnswer(t *testing.T, body string) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}

// Operators extend sessions, and only those that go on.
func TestServeExtendsSessions(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s}\n")
	_, body := r.post(r.gateway+"/v1/decisions", quietEvent)
	var d struct {
		Session string
		Expires struct {
			InS int `json:"in_s"`
		} `json:"session_expires"`
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil || d.Expires.InS != 1800 {
		t.Fatalf("%v in %s", err, body)
	}
	extend := r.admin + "/v1/sessions/" + d.Session + "/extend"
	if status, body := r.post(extend, ""); status != 200 || !strings.Contains(body, `"in_s":`) {
		t.Errorf("extended: %d %s", status, body)
	}
	if status, body := r.post(strings.Replace(extend, d.Session, "s_00000000000000000000000001", 1), ""); status != 400 && status != 404 {
		t.Errorf("one that isn't known: %d %s", status, body)
	}
	r.post(r.admin+"/v1/revocations", `{"target":{"session":"`+d.Session+`"}}`)
	if status, body := r.post(extend, ""); status != 409 || !strings.Contains(body, "session-over") {
		t.Errorf("one that was revoked: %d %s", status, body)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}
