package policies_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// risky prefixes a rule with a case that the rehearsal doesn't meet.
const quietly = "decision := \"allow\" if input.score < 60\n"

// What isn't an answer is an error with its code, and never allow.
func TestJudgeErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ policy, code string }{
		"undefined":            {quietly, policies.CodeUndefined},
		"conflict":             {quietly + "decision := \"step_up\" if input.score >= 60\ndecision := \"revoke\" if input.score >= 65", policies.CodeConflict},
		"broken function":      {quietly + "decision := \"step_up\" if input.score >= 60\ndecision := \"step_up\" if to_number(input.user.id) > 5", policies.CodeError},
		"broken revoke rule":   {"decision := \"revoke\" if to_number(input.user.id) > 5\nelse := \"allow\" if input.score < 90", policies.CodeError},
		"division by zero":     {quietly + "decision := \"revoke\" if 1 / (input.score - 70) > 0", policies.CodeError},
		"another word":         {quietly + "decision := \"deny\" if input.score >= 60", policies.CodeInvalid},
		"no word":              {quietly + "decision := \"\" if input.score >= 60", policies.CodeInvalid},
		"not a word":           {quietly + "decision := true if input.score >= 60", policies.CodeInvalid},
		"false":                {quietly + "decision := false if input.score >= 60", policies.CodeInvalid},
		"demand is a word":     {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := \"mfa\"", policies.CodeInvalid},
		"demand lacks a part":  {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := {\"acr_values\": [], \"max_age\": \"5m\"}", policies.CodeInvalid},
		"demand has one more":  {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := {\"acr_values\": [], \"amr_values\": [], \"max_age\": \"5m\", \"x\": 1}", policies.CodeInvalid},
		"demand is never":      {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := {\"acr_values\": [], \"amr_values\": [], \"max_age\": \"0s\"}", policies.CodeInvalid},
		"demand is misspelt":   {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := {\"acr_values\": [], \"amr_value\": [], \"max_age\": \"5m\"}", policies.CodeInvalid},
		"demand conflicts":     {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := 1 if input.score > 1\nstep_up := 2 if input.score > 2", policies.CodeConflict},
		"demand's rule breaks": {quietly + "decision := \"step_up\" if input.score >= 60\nstep_up := to_number(input.user.id)", policies.CodeError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := riskyCase()
			c.Score = 70
			overlay := ""
			p, err := tryCompile(t, test.policy, "", overlay)
			if err != nil {
				t.Fatal(err)
			}
			judgement, err := p.Judge(t.Context(), c)
			wantCode(t, err, test.code)
			if !reflect.DeepEqual(judgement, riskd.Judgement{}) {
				t.Errorf("a judgement comes with the error: %+v", judgement)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "")
	demand := func(amr ...string) riskd.Demand {
		return riskd.Demand{ACR: []string{"aal2", "aal3", "phr", "phrh"}, AMR: amr, MaxAge: 5 * time.Minute}
	}
	for name, test := range map[string]struct {
		change func(*riskd.Case)
		want   riskd.Judgement
	}{
		"quiet":     {func(*riskd.Case) {}, riskd.Judgement{Outcome: riskd.Allow}},
		"step-up":   {func(c *riskd.Case) { c.Score = 60 }, riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: demand("mfa", "hwk", "otp")}},
		"revoke":    {func(c *riskd.Case) { c.Score = 85 }, riskd.Judgement{Outcome: riskd.Revoke}},
		"invariant": {func(c *riskd.Case) { c.Invariants = []string{"session_fixation"} }, riskd.Judgement{Outcome: riskd.Revoke}},
		"stale proof": {func(c *riskd.Case) {
			c.Event.Request.Class = riskd.ClassSensitive
			c.Reasons = []riskd.Reason{{Code: "stale_proof"}}
		}, riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: demand("mfa", "hwk")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := quietCase()
			test.change(c)
			got, err := pack.Judge(t.Context(), c)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// A pack that doesn't say what a step-up demands demands what its tuning says.
func TestDemandOfTuning(t *testing.T) {
	t.Parallel()
	pack := compile(t, quietly+`decision := "step_up" if input.score >= 60`, "",
		`{"step_up": {"standard": {"acr_values": [], "amr_values": ["fpt"], "max_age": "90s"}}}`)
	c := quietCase()
	c.Score = 60
	got, err := pack.Judge(t.Context(), c)
	want := riskd.Demand{ACR: nil, AMR: []string{"fpt"}, MaxAge: 90 * time.Second}
	if err != nil || !reflect.DeepEqual(got.StepUp, want) {
		t.Errorf("got %+v, %v; want %+v", got.StepUp, err, want)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "", `{"rules": {"country": {"weight": 2, "max": 9}}}`)
	reasons, err := pack.Reasons(t.Context(), riskyCase())
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, r := range reasons {
		codes = append(codes, r.Code)
		if r.Rule == nil || r.Rule.Code != r.Code || r.Rule.File != "rego/rules.rego" || r.Rule.Line == 0 {
			t.Errorf("reason %s has the rule %+v", r.Code, r.Rule)
		}
	}
	if !slices.Equal(codes, []string{"country", "speed", "stolen"}) {
		t.Fatalf("reasons are %v", codes)
	}
	for i, want := range []riskd.Reason{
		{Code: "country", Signal: "country", Nats: 9, Group: riskd.GroupNetwork, ClearsWith: []string{"mfa"}}, // 2 × 6.1, at most 9
		{Code: "speed", Signal: "speed", Nats: 2.5, Group: riskd.GroupNetwork},
		{Code: "stolen", Signal: "stolen", Group: riskd.GroupToken, Invariant: true},
	} {
		want.Rule = reasons[i].Rule
		if !reflect.DeepEqual(reasons[i], want) {
			t.Errorf("got %+v, want %+v", reasons[i], want)
		}
	}
	if reasons, err := pack.Reasons(t.Context(), quietCase()); err != nil || len(reasons) > 0 {
		t.Errorf("quiet gives %v, %v", reasons, err)
	}
}

func TestReasonsErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ head, body, code string }{
		"weighs what wasn't measured": {`{"code": "country", "weight": 1, "min": 0, "max": 7}`, `input.readings.country.missing`, policies.CodeInvalid},
		"weight is no number":         {`{"code": "country", "weight": "1", "min": 0, "max": 7}`, `input.session.before_login`, policies.CodeInvalid},
		"bounds are crossed":          {`{"code": "speed", "weight": 1, "min": 8, "max": 7}`, `input.session.before_login`, policies.CodeInvalid},
		"nats is no number":           {`{"code": "country", "nats": input.event.id}`, `input.session.before_login`, policies.CodeInvalid},
		"nats is endless":             {`{"code": "country", "nats": 1e999}`, `input.session.before_login`, policies.CodeInvalid},
		"clears_with is no list":      {`{"code": "country", "nats": 1, "clears_with": "mfa"}`, `input.session.before_login`, policies.CodeInvalid},
		"invariant is no boolean":     {`{"code": "country", "invariant": 1}`, `input.session.before_login`, policies.CodeInvalid},
		"invariant is false":          {`{"code": "country", "invariant": false}`, `input.session.before_login`, policies.CodeInvalid},
		"function breaks":             {`{"code": "country", "nats": 1}`, `to_number(input.event.id) > 1`, policies.CodeError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := "country"
			if name == "bounds are crossed" {
				code = "speed"
			}
			pack := compile(t, "", "package riskd.rules\n"+metadata(code, "network")+"reasons contains "+test.head+" if "+test.body+"\n")
			c := riskyCase()
			c.Readings[country] = riskd.NotEvaluableFor("place")
			reasons, err := pack.Reasons(t.Context(), c)
			wantCode(t, err, test.code)
			if reasons != nil {
				t.Errorf("reasons come with the error: %v", reasons)
			}
		})
	}
}

// The same case gives the same answer, whatever the clock says and whoever asks.
func TestAnswersDependOnTheCaseOnly(t *testing.T) {
	t.Parallel()
	pack := compile(t, "decision := \"allow\" if time.now_ns() == input.event.time_unix * 1000000000", "")
	c := riskyCase()
	first, err := pack.Reasons(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		again, err := pack.Reasons(t.Context(), c)
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("got %v, %v; before %v", again, err, first)
		}
		if j, err := pack.Judge(t.Context(), c); err != nil || j.Outcome != riskd.Allow {
			t.Fatalf("the case's time isn't the rules': %v, %v", j, err)
		}
	}
}

func TestNoRulesNoReasons(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "package riskd.rules\n")
	if reasons, err := pack.Reasons(t.Context(), riskyCase()); err != nil || reasons != nil {
		t.Errorf("got %v, %v", reasons, err)
	}
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pack.Judge(ctx, quietCase())
	wantCode(t, err, policies.CodeTimeout)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v doesn't say why", err)
	}
}

// What the caller sent doesn't get into an error, and so not into a log.
func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	const secret = "ada@example.org"
	for name, policy := range map[string]string{
		"broken function": quietly + "decision := \"revoke\" if to_number(input.user.id) > 5",
		"conflict":        quietly + "decision := \"step_up\" if who == input.user.type\nwho := input.user.id\nwho := input.user.type",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := quietCase()
			c.Event.User.ID, c.Event.User.Type, c.Score = secret, "staff", 70
			_, err := compile(t, policy, "").Judge(t.Context(), c)
			wantError(t, err, "policy.rego:")
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTooManyReasons(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "package riskd.rules\n"+metadata("country", "network")+`reasons contains {"code": "country", "nats": n} if {
	some a, _ in split(input.client.user_agent, "")
	some b, _ in split(input.client.user_agent, "")
	n := (a * 100) + b
}
`)
	c := quietCase()
	c.Event.Client.UserAgent = "12345678901234567"
	_, err := pack.Reasons(t.Context(), c)
	wantCode(t, err, policies.CodeInvalid)
	wantError(t, err, "has 289 members; the limit is 256")
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *policies.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got the error %v, want one with code %s", err, code)
	}
}
