package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// riskd runs a command against what serves.
func (r *running) riskd(args ...string) (code int, out, errs string) {
	r.t.Helper()
	var o, e strings.Builder
	code = run(r.t.Context(), append(args, "-admin", r.admin), stdio{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

// awaitJudged waits until a candidate has judged so many events.
func (r *running) awaitJudged(name string, events int) {
	r.t.Helper()
	for {
		status, body := r.get(r.admin + "/v1/policy/shadows/" + name)
		var d shadowDocument
		if err := json.Unmarshal([]byte(body), &d); err != nil || status != http.StatusOK {
			r.t.Fatalf("%d, %v: %s", status, err, body)
		}
		if len(d.Errors) > 0 || d.Dropped > 0 {
			r.t.Fatalf("%s fails: %s", name, body)
		}
		if d.Decisions >= uint64(events) {
			return
		}
	}
}

// A candidate's way from a folder to being in force, by command.
func TestPolicyShadowCommands(t *testing.T) {
	t.Parallel()
	next, strict := copyDefaultPack(t), copyDefaultPack(t)
	untested(t, strict)
	rewrite(t, filepath.Join(strict, "policy.rego"), "package riskd.decision\n\ndecision := \"step_up\" if input.score >= 0\n")
	rewrite(t, filepath.Join(next, "more.rego"), "package riskd.decision\n\nunused := 1\n")
	r := serving(t, "policy: {shadows: [{name: start, pack: default, sample_rate: 1, expires: 1h, inline: true}]}\n")
	wants := func(code int, pattern string, args ...string) string {
		t.Helper()
		got, out, errs := r.riskd(args...)
		if got != code || !regexp.MustCompile(pattern).MatchString(out+errs) {
			t.Errorf("riskd %s ends with %d, want %d:\n%s%s\nwant %s", strings.Join(args, " "), got, code, out, errs, pattern)
		}
		return out
	}
	wants(0, `^next is on trial: pack strict, revision [0-9a-f]{12}, until `, "policy", "shadow", "add", "next", next, "-rate", "1", "-budget", "0.05")
	wants(0, `^strict is on trial`, "policy", "shadow", "add", "strict", strict, "-inline")
	wants(1, `a candidate of that name is on trial already`, "policy", "shadow", "add", "next", next)
	wants(1, `pack: .* is no folder`, "policy", "shadow", "add", "other", filepath.Join(next, "nowhere"))
	wants(1, `sample_rate: must be above 0, up to 1`, "policy", "shadow", "add", "other", next, "-rate", "2")
	wants(1, `Not promoted: it has judged 0 decisions`, "policy", "shadow", "promote", "next", "-actor", "ann", "-reason", "why")

	for batch := range 60 {
		var events []string
		for session := range 20 {
			events = append(events, fmt.Sprintf(`{"session":{"id":"shadowed-%d"},"user":{"id":"u%d"},"client":{"ip":"203.0.113.7"}}`, session, session))
		}
		if status, body := r.post(r.gateway+"/v1/decisions/batch", "["+strings.Join(events, ",")+"]"); status != http.StatusOK {
			t.Fatal(body)
		}
		r.awaitJudged("next", 20*(batch+1)) // it is judged aside, and has no more room than that
		r.awaitJudged("strict", 20*(batch+1))
		r.awaitJudged("start", 20*(batch+1))
	}
	_, answer := r.post(r.gateway+"/v1/decisions", quietEvent)
	if !strings.Contains(answer, `"decision":"allow"`) {
		t.Errorf("a candidate has changed the answer: %s", answer)
	}
	for _, name := range []string{"next", "strict", "start"} {
		r.awaitJudged(name, 1201)
	}
	list := wants(0, `^NAME +PACK +REVISION +SAMPLED +DECISIONS +DIFFER +SESSIONS +UNTIL +VERDICT\n`, "policy", "shadow")
	for _, line := range []string{`(?m)^start +default .* 0 % +0 of 21 `, `(?m)^strict +strict .* 100 % +.* refuse$`} {
		if !regexp.MustCompile(line).MatchString(list) {
			t.Errorf("no %s in\n%s", line, list)
		}
	}
	report := wants(1, `it should not be promoted`, "policy", "shadow", "report", "strict")
	for _, line := range []string{
		`(?m)^ *live . strict +allow +step_up +revoke$`, `(?m)^ *allow +0 +12\d\d +0$`, `live allow 0, strict step_up 0$`,
		`(?m)^Verdict: refuse\n  it disagrees on 100.00 % of decisions; its budget is 1.00 %$`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(report) {
			t.Errorf("no %s in\n%s", line, report)
		}
	}
	r.wantMetric(`riskd_shadow_decisions_total{candidate="strict",live="allow",shadow="step_up"} 12\d\d`)

	before := r.revision()
	promote := []string{"policy", "shadow", "promote", "next", "-actor", "ann", "-reason", "a week without disagreement"}
	if _, body := r.get(r.admin + "/v1/policy/shadows/next"); strings.Contains(body, `"against":["it takes`) {
		promote = append(promote, "-force") // on a machine under load
	}
	wants(0, `^next is in force: pack strict, revision `, promote...)
	if r.revision() == before {
		t.Error("the promoted pack isn't in force")
	}
	wants(1, `no candidate of that name is on trial`, "policy", "shadow", "report", "next")
	wants(0, `^the trial of strict is over`, "policy", "shadow", "remove", "strict")
	wants(2, `needs the name of one candidate`, "policy", "shadow", "remove")
	wants(2, `-reason is missing`, "policy", "shadow", "promote", "start")
	wants(1, `no revision of that name is held`, "policy", "confirm", "abc", "-actor", "ann", "-reason", "why")
	wants(0, `start is in force`, "policy", "shadow", "promote", "start", "-force", "-actor", "ann", "-reason", "back again")
	if r.revision() != before {
		t.Error("the pack that was forced isn't in force")
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}
