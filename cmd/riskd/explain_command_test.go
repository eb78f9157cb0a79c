package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The demo of the README: Paris, and New York a moment later.
const (
	inParis   = `{"session":{"id":"demo"},"user":{"id":"ana"},"client":{"ip":"203.0.113.7"},"request":{"method":"GET","route":"/orders/{id}"}}`
	inNewYork = `{"session":{"id":"demo"},"user":{"id":"ana"},"client":{"ip":"198.51.100.7"},"request":{"method":"GET","route":"/orders/{id}"}}`
)

// decided has riskd decide, and gives the ids of the decision and of its session.
func decided(t *testing.T, gateway, event string) (id, session string) {
	t.Helper()
	var d struct {
		ID      string `json:"decision_id"`
		Session string `json:"session"`
	}
	if err := json.Unmarshal([]byte(curl(t, "http://"+gateway+"/v1/decisions", event)), &d); err != nil || d.ID == "" {
		t.Fatalf("%+v, %v", d, err)
	}
	return d.ID, d.Session
}

// steady takes out of an explanation what differs from run to run.
func steady(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`\b[0-9A-HJKMNP-TV-Z]{26}\b`, "ID"},
		{`\bs_\w{26}`, "s_REF"},
		{`su_\w{26}_\w+`, "su_ID"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME"},
		{`TIME \([^)]*\), in .*`, "TIME"},
		{`gap_s \S+, `, "gap_s 0, "},
		{`after \d+\.\d s`, "after 0.0 s"},
		{`expires in \w+`, "expires in 9m"},
		{`revision \w+`, "revision REV"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

// What docs/explain.md shows is what the real engine and pack come to.
func TestExplain(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)\n```text\n(step_up .*?)```").FindSubmatch(doc)
	if example == nil {
		t.Fatal("docs/explain.md has no example")
	}
	lines := regexp.MustCompile(`\.rego:\d+`)
	generic := func(text string) string { return lines.ReplaceAllString(steady(text), ".rego:LINE") }
	s := startedDev(t, &tape{})
	gateway, admin := s.gateway.String(), s.admin.String()
	first, _ := decided(t, gateway, inParis)
	second, session := decided(t, gateway, inNewYork)
	for name, args := range map[string][]string{
		"by its id":      {"explain", second},
		"by its session": {"explain", "-session", session},
	} {
		code, out, said := operate(t, admin, "", args...)
		if code != 0 || generic(out) != generic(string(example[1])) {
			t.Errorf("%s: ended with %d, said %q, got\n%sdocs/explain.md shows\n%s", name, code, said, out, example[1])
		}
	}
	code, out, _ := operate(t, admin, "", "explain", first)
	if code != 0 || !strings.HasPrefix(out, "allow  score 0 (LOW)  "+first) || strings.Contains(out, "allow  without") || !strings.Contains(out, "session     0.00 nats  [-----------------|------|-----]") {
		t.Errorf("the first: ended with %d, got\n%s", code, out)
	}
	code, out, _ = operate(t, admin, "", "explain", second, "-json")
	direct := curl(t, "http://"+admin+"/v1/decisions/"+second, "")
	if code != 0 || strings.TrimSpace(out) != strings.TrimSpace(direct) || !strings.Contains(out, `"counterfactual":{"sets":[["new_country"]],"complete":true,"asked":3}`) {
		t.Errorf("as JSON: ended with %d, got\n%s", code, out)
	}
	code, _, said := operate(t, admin, "", "explain", "01ABC")
	if code != 1 || !strings.Contains(said, "riskd keeps no decision of that id") || !strings.Contains(said, "hint: with -config or -data the audit log is looked through") {
		t.Errorf("one that isn't kept: ended with %d, said %s", code, said)
	}
	code, _, said = operate(t, admin, "", "explain", "-session", "s_04000000000000000000000000")
	if code != 1 || !strings.Contains(said, "riskd keeps no decision on session s_04") {
		t.Errorf("a session without: ended with %d, said %s", code, said)
	}
}

// A user who is erased is erased from what is kept, too.
func TestErasureForgetsDecisions(t *testing.T) {
	t.Parallel()
	s := startedDev(t, &tape{})
	id, _ := decided(t, s.gateway.String(), inParis)
	other, _ := decided(t, s.gateway.String(), strings.ReplaceAll(inParis, "ana", "bob"))
	erasure, err := http.NewRequest(http.MethodDelete, "http://"+s.admin.String()+"/v1/users/ana?actor=dpo", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(erasure)
	if status, body := read(t, answer, err); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	answer, err = http.Get("http://" + s.admin.String() + "/v1/decisions/" + id)
	if status, body := read(t, answer, err); status != http.StatusNotFound {
		t.Errorf("his decision: %d %s", status, body)
	}
	curl(t, "http://"+s.admin.String()+"/v1/decisions/"+other, "")
}

// What a pack has decided is explained by that pack, for as long as it is kept, and
// by no other.
func TestPackThatDecidedExplains(t *testing.T) {
	t.Parallel()
	s := startedDev(t, &tape{})
	decided(t, s.gateway.String(), inParis)
	id, _ := decided(t, s.gateway.String(), inNewYork)
	source := s.pack.source
	swap := func(nats string) {
		t.Helper()
		next, err := source.compile([]byte(`{"score": {"step_up_nats": ` + nats + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		s.pack.set.Swap(next)
	}
	explain := func() string {
		t.Helper()
		code, out, said := operate(t, s.admin.String(), "", "explain", id)
		if code != 0 {
			t.Fatalf("ended with %d: %s", code, said)
		}
		return out
	}
	swap("13")
	if out := explain(); !strings.Contains(out, "step_up from 10") || !strings.Contains(out, "allow      without new_country") {
		t.Errorf("after a swap:\n%s", out)
	}
	for _, nats := range []string{"12", "11", "9"} {
		swap(nats)
	}
	out := explain()
	for _, want := range []string{
		"allow      not without any reason: revision ", "decided and isn't kept any more", "new_country   49      7.00 → 5.16  now    -",
		"thresholds and half-lives aren't known",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("after four swaps %q isn't in\n%s", want, out)
		}
	}
	if strings.Contains(out, "step_up from") {
		t.Errorf("thresholds of another pack are told:\n%s", out)
	}
}

// A decision that isn't kept any more is looked for in the audit log.
func TestExplainFromAuditLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, key := filepath.Join(dir, "data"), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := defaults()
	c.Gateway.Listen, c.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Decision.Keep, c.DataDir, c.SessionKeyFile, c.Audit.Decisions = 0, data, key, 0
	s, err := startDev(c, newLogger(&strings.Builder{}, c), &tape{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stops.run)
	quiet, _ := decided(t, s.gateway.String(), inParis)
	asked, session := decided(t, s.gateway.String(), inNewYork)
	// A decision doesn't wait for the log for ever; an order does, for all that is before it.
	if code, _, said := operate(t, s.admin.String(), "", "revoke", "-user", "nobody", "-reason", "test"); code != 0 {
		t.Fatalf("revoke ended with %d, said %s", code, said)
	}
	code, out, said := operate(t, s.admin.String(), "", "explain", asked, "-data", data)
	if code != 0 || !strings.HasPrefix(out, "riskd doesn't keep it any more; the audit log has:\n") || !strings.Contains(out, "  challenged  session="+session) ||
		!strings.Contains(out, "reasons=new_country,geo_velocity") {
		t.Errorf("ended with %d, said %s, got\n%s", code, said, out)
	}
	code, out, _ = operate(t, s.admin.String(), "", "explain", asked, "-data", data, "-json")
	if code != 0 || !jsontext.Value(out).IsValid() || !strings.Contains(out, `"decision_id":"`+asked+`"`) {
		t.Errorf("as JSON: ended with %d, got\n%s", code, out)
	}
	code, _, said = operate(t, s.admin.String(), "", "explain", quiet, "-data", data)
	if code != 1 || !strings.Contains(said, "nor any other") || !strings.Contains(said, "nor is it in the audit log") {
		t.Errorf("one that isn't on record: ended with %d, said %s", code, said)
	}
}

// Decisions are explained while others are taken on the same session.
func TestExplainWhileDeciding(t *testing.T) {
	t.Parallel()
	s := startedDev(t, &tape{})
	_, session := decided(t, s.gateway.String(), inParis)
	var all sync.WaitGroup
	for _, event := range []string{inNewYork, inParis} {
		all.Go(func() {
			for range 20 {
				decided(t, s.gateway.String(), event)
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for range 10 {
				code, out, said := operate(t, s.admin.String(), "", "explain", "-session", session)
				if code != 0 || strings.Contains(out, "asked again") || strings.Contains(out, "wasn't finished") {
					t.Errorf("ended with %d, said %q, got\n%s", code, said, out)
				}
			}
		})
	}
	all.Wait()
}

func TestCounterfactualInWords(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]counterfactualDocument{
		"without a":                                  {Sets: [][]string{{"a"}}, Complete: true},
		"without a, or without b and c":              {Sets: [][]string{{"a"}, {"b", "c"}}, Complete: true},
		"without a, b and c (there may be more)":     {Sets: [][]string{{"a", "b", "c"}}},
		"not without any reason: it was over":        {None: "revoked", Why: "it was over", Complete: true},
		"not without any reason: it wasn't finished": {None: "unfinished", Why: "it wasn't finished"},
		"not without any reason: it waits; the policy itself would have allowed without a": {None: "step_up_pending", Why: "it waits", Policy: [][]string{{"a"}}},
	} {
		if got := c.text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for nats, want := range map[float64]string{
		0: "[-----------------|------|-----]", 5: "[########---------|------|-----]", 17.5: "[#################|######|#####]", 99: "[#################|######|#####]",
	} {
		a := alarmDocument{Nats: nats, StepUp: 10, Revoke: 14}
		if got := a.bar(); got != want {
			t.Errorf("%g nats: got %s, want %s", nats, got, want)
		}
	}
	if got := (&alarmDocument{Nats: 3}).bar(); len(got) != 32 {
		t.Errorf("without thresholds: %s", got)
	}
}
