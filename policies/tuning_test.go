package policies_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

func TestDefaultTuning(t *testing.T) {
	t.Parallel()
	got := compile(t, "", "").Info().Tuning
	if got.StepUpNats != 10 || got.RevokeNats != 14 || got.RequestBonus != 4 ||
		got.HalfLife != [2]time.Duration{4 * time.Hour, 8 * time.Minute} || got.Cap != [2]float64{25, 14} ||
		got.GroupCap[riskd.GroupDevice] != (riskd.Bounds{Min: -2.5, Max: 7}) ||
		got.OnFailure != [4]riskd.Failure{riskd.ClassOpen: riskd.FailAllow, riskd.ClassStandard: riskd.FailLast} ||
		got.LastDecisionFor != time.Minute || got.Demand[riskd.ClassAdmin].AMR[0] != "hwk" {
		t.Errorf("got %+v", got)
	}
	if got.Challenge != (riskd.Challenge{Expires: 10 * time.Minute, Attempts: 3, Exhausted: riskd.EffectRevoke, PromptsPerDay: 5}) || got.TrustFor != 30*24*time.Hour {
		t.Errorf("challenge %+v, trust for %s", got.Challenge, got.TrustFor)
	}
	if got.Lease != [4]time.Duration{riskd.ClassOpen: 30 * time.Second, riskd.ClassStandard: 5 * time.Second} {
		t.Errorf("leases are %v", got.Lease)
	}
	if got := compile(t, "", "", `{"lease": null}`).Info().Tuning.Lease; got != [4]time.Duration{} {
		t.Errorf("a pack that says nothing of leases gives %v", got)
	}
	if got := compile(t, "", "", `{"lease": {"open": "0s", "standard": null}}`).Info().Tuning.Lease; got != [4]time.Duration{} {
		t.Errorf("leases of nothing are %v", got)
	}
	if len(got.Identity) != len(riskd.IdentityTypes()) || len(got.Identity["device_compliant"]) != 0 ||
		!slices.Equal(got.Identity["account_recovery"], []riskd.Action{riskd.ActionRevokeUser, riskd.ActionDropTrust, riskd.ActionResetProfile}) {
		t.Errorf("identity events: %v", got.Identity)
	}
	want := []riskd.Timeout{
		{Limits: riskd.Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour}},
		{Role: "admin", Limits: riskd.Limits{Idle: 15 * time.Minute, Absolute: 8 * time.Hour}},
	}
	if got.WarnBefore != 2*time.Minute || !slices.Equal(got.Timeouts, want) {
		t.Errorf("timeouts are %+v, warning %s before", got.Timeouts, got.WarnBefore)
	}
	const all = `{"timeouts": {"limits": [{"role": "r", "user_type": "u", "environment": "e", "tenant": "t", "class": "open", "absolute": "1h"}]}}`
	one := riskd.Timeout{Role: "r", UserType: "u", Environment: "e", Tenant: "t", OfClass: true, Class: riskd.ClassOpen, Limits: riskd.Limits{Absolute: time.Hour}}
	if got := compile(t, "", "", all).Info().Tuning.Timeouts; !slices.Equal(got, []riskd.Timeout{one}) {
		t.Errorf("with every condition: %+v", got)
	}
}

func TestTuningFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ overlay, want string }{
		"unknown member":           {`{"scores": {}}`, `pack test: tuning.json: scores: is unknown: "scores" is not one of cap, challenge, default_privilege, group_cap, half_life, identity_events, invariants, last_decision_for, lease, on_failure, roles, rules, score, step_up, timeouts, trust; did you mean "score"?`},
		"unknown below":            {`{"score": {"step_up_nat": 1}}`, `tuning.json: score.step_up_nat: is unknown`},
		"missing member":           {`{"cap": null}`, `tuning.json: cap: is required: an object`},
		"missing below":            {`{"cap": {"identity": null}}`, `tuning.json: cap.identity: is required: a number from 0.1 to 1000`},
		"not an object":            {`{"score": 5}`, `tuning.json: score: must be an object; it is a number`},
		"not a number":             {`{"score": {"step_up_nats": "10"}}`, `tuning.json: score.step_up_nats: must be a number from 0.1 to 1000; it is "10"`},
		"below the least":          {`{"cap": {"identity": 0}}`, `tuning.json: cap.identity: must be a number from 0.1 to 1000; it is 0`},
		"thresholds crossed":       {`{"score": {"step_up_nats": 14}}`, `tuning.json: score.revoke_nats: must be above step_up_nats, 14; it is 14`},
		"not a duration":           {`{"half_life": {"identity": "4 hours"}}`, `tuning.json: half_life.identity: must be a duration above 0, such as "90s", "8m" or "4h"; it is "4 hours"`},
		"negative duration":        {`{"last_decision_for": "-1s"}`, `tuning.json: last_decision_for: must be a duration above 0`},
		"group's least above 0":    {`{"group_cap": {"time": {"min": 1}}}`, `tuning.json: group_cap.time.min: must be a number from -1000 to 0; it is 1`},
		"unknown group":            {`{"group_cap": {"tme": {"min": 0, "max": 1}}}`, `did you mean "time"?`},
		"admin fails open":         {`{"on_failure": {"admin": "allow"}}`, `tuning.json: on_failure.admin: must be step_up; it is "allow"`},
		"sensitive repeats":        {`{"on_failure": {"sensitive": "last"}}`, `tuning.json: on_failure.sensitive: must be step_up; it is "last"`},
		"failure revokes":          {`{"on_failure": {"open": "revoke"}}`, `tuning.json: on_failure.open: must be allow or last or step_up; it is "revoke"`},
		"demand without a part":    {`{"step_up": {"admin": {"max_age": null}}}`, `tuning.json: step_up.admin.max_age: is required`},
		"demand with a bad list":   {`{"step_up": {"admin": {"amr_values": ["hwk", ""]}}}`, `tuning.json: step_up.admin.amr_values: must be a list of strings`},
		"timeouts without warning": {`{"timeouts": {"warn_before": null}}`, `tuning.json: timeouts.warn_before: is required: a duration above 0`},
		"limits are no list":       {`{"timeouts": {"limits": {}}}`, `tuning.json: timeouts.limits: must be a list of objects; it is an object`},
		"limit without one":        {`{"timeouts": {"limits": [{"idle": "1h"}, {"role": "admin"}]}}`, `tuning.json: timeouts.limits[1].idle: is required, unless there is an absolute`},
		"limit of no class":        {`{"timeouts": {"limits": [{"idle": "1h", "class": "secret"}]}}`, `tuning.json: timeouts.limits[0].class: must be open or standard or sensitive or admin; it is "secret"`},
		"limit with more":          {`{"timeouts": {"limits": [{"idle": "1h", "rolle": "x"}]}}`, `tuning.json: timeouts.limits[0].rolle: is unknown`},
		"limit that is no time":    {`{"timeouts": {"limits": [{"absolute": "0s"}]}}`, `tuning.json: timeouts.limits[0].absolute: must be a duration above 0`},
		"limit of an empty role":   {`{"timeouts": {"limits": [{"idle": "1h", "role": ""}]}}`, `tuning.json: timeouts.limits[0].role: must be a text that isn't empty; it is ""`},
		"sensitive lease":          {`{"lease": {"sensitive": "1s"}}`, `tuning.json: lease.sensitive: is unknown: "sensitive" is not one of open, standard`},
		"lease too long":           {`{"lease": {"standard": "6m"}}`, `tuning.json: lease.standard: must be a duration from "0s" to "5m"; it is "6m"`},
		"negative lease":           {`{"lease": {"standard": "-1s"}}`, `tuning.json: lease.standard: must be a duration from "0s" to "5m"; it is "-1s"`},
		"lease without unit":       {`{"lease": {"open": 30}}`, `tuning.json: lease.open: must be a duration from "0s" to "5m"; it is 30`},
		"no challenge":             {`{"challenge": null}`, `tuning.json: challenge: is required: an object`},
		"challenge never expires":  {`{"challenge": {"expires": "0s"}}`, `tuning.json: challenge.expires: must be a duration above 0`},
		"challenge without tries":  {`{"challenge": {"attempts": 0}}`, `tuning.json: challenge.attempts: must be a whole number from 1 to 20; it is 0`},
		"half a try":               {`{"challenge": {"attempts": 2.5}}`, `tuning.json: challenge.attempts: must be a whole number from 1 to 20; it is 2.5`},
		"tries as text":            {`{"challenge": {"attempts": "3"}}`, `tuning.json: challenge.attempts: must be a whole number from 1 to 20; it is "3"`},
		"exhausted is allowed":     {`{"challenge": {"exhausted": "allow"}}`, `tuning.json: challenge.exhausted: must be revoke or suspend; it is "allow"`},
		"exhausted is an effect":   {`{"challenge": {"exhausted": "forget"}}`, `tuning.json: challenge.exhausted: must be revoke or suspend; it is "forget"`},
		"prompts without end":      {`{"challenge": {"prompts_per_day": 1001}}`, `tuning.json: challenge.prompts_per_day: must be a whole number from 1 to 1000; it is 1001`},
		"challenge with more":      {`{"challenge": {"expire": "1m"}}`, `tuning.json: challenge.expire: is unknown: "expire" is not one of attempts, exhausted, expires, prompts_per_day; did you mean "expires"?`},
		"no trust":                 {`{"trust": null}`, `tuning.json: trust: is required: an object`},
		"trust without time":       {`{"trust": {"for": null}}`, `tuning.json: trust.for: is required: a duration from "0s" to "8760h"`},
		"trust for more":           {`{"trust": {"for": "8761h"}}`, `tuning.json: trust.for: must be a duration from "0s" to "8760h"; it is "8761h"`},
		"trust backwards":          {`{"trust": {"for": "-1h"}}`, `tuning.json: trust.for: must be a duration from "0s" to "8760h"; it is "-1h"`},
		"identity event left out":  {`{"identity_events": {"logout": null}}`, `tuning.json: identity_events.logout: is required: a list of strings`},
		"unknown identity event":   {`{"identity_events": {"pasword_reset": []}}`, `did you mean "password_reset"?`},
		"unknown action":           {`{"identity_events": {"logout": ["drop_trust", "revoke_sesion"]}}`, `tuning.json: identity_events.logout[1]: is unknown: "revoke_sesion" is not one of drop_trust, reset_profile, resume, revoke_device, revoke_session, revoke_user, step_up, suspend; did you mean "revoke_session"?`},
		"actions are no list":      {`{"identity_events": {"logout": "revoke_session"}}`, `tuning.json: identity_events.logout: must be a list of strings`},
		"action without a name":    {`{"identity_events": {"logout": [""]}}`, `tuning.json: identity_events.logout: must be a list of strings`},
		"invariant is allowed":     {`{"invariants": {"session_fixation": "allow"}}`, `tuning.json: invariants.session_fixation: must be revoke or step_up; it is "allow"`},
		"privilege out of range":   {`{"roles": {"admin": {"privilege": 11}}}`, `tuning.json: roles.admin.privilege: must be a number from 0 to 10; it is 11`},
		"role with more":           {`{"roles": {"admin": {"priv": 1}}}`, `tuning.json: roles.admin.priv: is unknown`},
		"override of no rule":      {`{"rules": {"contry": {"weight": 1}}}`, `tuning.json: rules.contry: is unknown: "contry" is not one of country, speed; did you mean "country"?`},
		"override of no number":    {`{"rules": {"speed": {"abov": 1}}}`, `tuning.json: rules.speed.abov: is unknown: "abov" is not one of above, nats; did you mean "above"?`},
		"override of another kind": {`{"rules": {"speed": {"above": "900"}}}`, `tuning.json: rules.speed.above: must be a number, as its default; it is "900"`},
		"override out of range":    {`{"rules": {"speed": {"above": 1e10}}}`, `tuning.json: rules.speed.above: must be a number`},
		"override is no object":    {`{"rules": {"speed": 3}}`, `tuning.json: rules.speed: must be an object; it is a number`},
		"overlay is no JSON":       {`{"score": }`, `pack test: overlay:1:11: score: `},
		"overlay is no object":     {`7`, `tuning.json: must be an object`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryCompile(t, "", "", test.overlay)
			wantError(t, err, test.want)
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("one mistake gives more than one fault:\n%v", err)
			}
		})
	}
}

func TestTuningSyntax(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, with, want string }{
		"duplicate":       {`"cap":`, `"score":`, `tuning.json:4:3: score: duplicate object member name`},
		"second document": {"\n}\n", "\n}\n{}", `pack test: tuning.json:`},
		"invalid UTF-8":   {"mfa", "m\xff", `pack test: tuning.json:`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := packOf(t, "")
			text := strings.Replace(string(pack["tuning.json"].Data), test.old, test.with, 1)
			pack["tuning.json"] = &fstest.MapFile{Data: []byte(text)}
			_, err := policies.Compile("test", pack, policies.Options{Signals: testSignals, Library: libraryOf(t, testRules)})
			wantError(t, err, test.want)
		})
	}
}

func TestTuningWithoutTrust(t *testing.T) {
	t.Parallel()
	got := compile(t, "", "", `{"trust": {"for": "0s"}, "challenge": {"exhausted": "suspend"}, "identity_events": {"logout": []}}`).Info().Tuning
	if got.TrustFor != 0 || got.Challenge.Exhausted != riskd.EffectSuspend || len(got.Identity["logout"]) != 0 {
		t.Errorf("got %+v", got)
	}
}

// Roles and rules may be left out; the overlay merges into the rest.
func TestTuningOverlay(t *testing.T) {
	t.Parallel()
	p := compile(t, "", "", `{"roles": null, "rules": null, "score": {"step_up_nats": 8}}`)
	if got := p.Info().Tuning; got.StepUpNats != 8 || got.RevokeNats != 14 {
		t.Errorf("got %+v", got)
	}
	c := quietCase()
	c.Readings[speed].Value = 600
	fast := compile(t, "", "", `{"rules": {"speed": {"above": 500}}}`)
	for name, test := range map[string]struct {
		pack *policies.Pack
		want int
	}{"as it is": {p, 0}, "overridden": {fast, 1}} {
		if reasons, err := test.pack.Reasons(t.Context(), c); err != nil || len(reasons) != test.want {
			t.Errorf("%s: got %v, %v; want %d", name, reasons, err, test.want)
		}
	}
}
