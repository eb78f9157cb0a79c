package policies_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd/policies"
)

const allowBelow60 = `decision := "allow" if input.score < 60`

// Each fault is found when the pack is loaded, with its place and its cure.
func TestPolicyFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ policy, want string }{
		"misspelt member":       {`decision := "allow" if input.scor < 60`, `pack test: policy.rego:3:24: undefined ref: input.scor: "scor" is not one of client, device, event, invariants, nats, place, privilege, readings, reasons, request, score, session, user; did you mean "score"?`},
		"misspelt signal":       {`decision := "allow" if input.readings.contry.value == 0`, `did you mean "country"?`},
		"misspelt detail":       {`decision := "allow" if input.readings.country.form == "FR"`, `"form" is not one of from, gap_s, missing, nats, value; did you mean "from"?`},
		"number against text":   {`decision := "allow" if input.request.class == 3`, `policy.rego:3:24: match error`},
		"syntax":                {`decision := = "allow"`, `pack test: policy.rego:3:13: `},
		"unsafe variable":       {`decision := "allow" if x > 1`, `policy.rego:3:24: var x is unsafe`},
		"unused import":         {"import data.riskd.lib\n" + allowBelow60, `policy.rego:3:1: import data.riskd.lib unused`},
		"unused variable":       {`decision := "allow" if { x := 1 }`, `policy.rego:3:26: assigned var x unused`},
		"another Rego":          {"import rego.v2\n" + allowBelow60, `policy.rego:3:8: `},
		"default allow":         {`default decision := "allow"`, `policy.rego:3:1: decision: allow without a condition is refused`},
		"allow in any case":     {`decision := "allow"`, `policy.rego:3:1: decision: allow without a condition is refused`},
		"allow if true":         {`decision := "allow" if true`, `policy.rego:3:1: decision: allow without a condition is refused`},
		"else allow":            {"decision := \"revoke\" if input.score > 85\nelse := \"allow\"", `policy.rego:4:1: decision: allow without a condition is refused`},
		"no decision":           {`outcome := "allow"`, `policy.rego: defines no decision`},
		"decision is a set":     {`decision contains "allow"`, `policy.rego:3:1: decision: must be a plain rule`},
		"decision is a call":    {`decision(_) := "allow"`, `policy.rego:3:1: decision: must be a plain rule`},
		"reads the rules":       {`decision := "allow" if count(data.riskd.rules.reasons) == 0`, `data.riskd.rules.reasons: isn't there`},
		"unknown data":          {`decision := "allow" if input.score < data.thresholds.step_up`, `policy.rego:3:38: data.thresholds.step_up: isn't there: a pack's data is data.tuning`},
		"unknown tuning":        {`decision := "allow" if input.score < data.tuning.scores.step_up_nats`, `"scores" is not one of cap, challenge, default_privilege`},
		"computed pattern":      {`decision := "allow" if regex.match(input.request.route, "x")`, `policy.rego:3:24: regex.match: its pattern must be a literal string`},
		"computed tuned":        {"import data.riskd.lib\ndecision := \"allow\" if lib.tuned(input.request.route, {}) == {}", `policy.rego:4:24: lib.tuned: takes a literal name and literal defaults`},
		"undefined when quiet":  {`decision := "allow" if input.score > 60`, `data.riskd.decision.decision is undefined: no rule of the pack covers this case (policy_undefined); it was asked about a quiet request of class open`},
		"undefined for a class": {`decision := "allow" if input.request.class != "admin"`, `class admin with score 0`},
		"conflict when quiet":   {"decision := \"allow\" if input.score < 60\ndecision := \"revoke\" if input.score < 50", `(policy_conflict)`},
		"unknown outcome":       {`decision := "alow" if input.score < 60`, `is "alow"; it must be "allow", "step_up" or "revoke" (policy_invalid)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryCompile(t, test.policy, "")
			wantError(t, err, test.want)
		})
	}
}

func TestRuleFaults(t *testing.T) {
	t.Parallel()
	rule := func(head string) string {
		return "package riskd.rules\n" + metadata("country", "network") + "reasons contains " + head + " if input.readings.country.value == 1\n"
	}
	good := rule(`{"code": "country", "nats": 1}`)
	if _, err := tryCompile(t, "", good); err != nil {
		t.Fatal(err)
	}
	without := func(line string) string {
		lines := strings.Split(good, "\n")
		for i, l := range lines {
			if strings.Contains(l, line) {
				return strings.Join(append(lines[:i:i], lines[i+1:]...), "\n")
			}
		}
		t.Fatalf("no line with %s", line)
		return ""
	}
	instead := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for name, test := range map[string]struct{ rules, want string }{
		"reads the score":      {"package riskd.rules\n\nfact if input.score > 1\n", `rego/rules.rego:3:9: undefined ref: input.score`},
		"no metadata":          {"package riskd.rules\n\nreasons contains {\"code\": \"country\", \"nats\": 1} if input.readings.country.value == 1\n", `rego/rules.rego:3:1: reason country: has no # METADATA; it needs title, labels.rule`},
		"no title":             {without("title"), `reason country: metadata title: is required`},
		"no severity":          {without("severity"), `metadata labels.severity: is required`},
		"no group":             {without("group"), `metadata labels.group: is required`},
		"no channel":           {without("channel"), `metadata labels.channel: is required`},
		"no user text":         {without("user:"), `metadata custom.user: is required`},
		"no admin text":        {without("admin:"), `metadata custom.admin: is required`},
		"unknown severity":     {instead("severity: high", "severity: hig"), `"hig" is not one of critical, high, low, medium; did you mean "high"?`},
		"unknown group":        {instead("group: network", "group: net"), `labels.group: "net" is not one of network`},
		"unknown channel":      {instead("channel: identity", "channel: id"), `labels.channel: "id" is not one of identity`},
		"another label":        {instead("rule: country", "rule: land"), `labels.rule: is "land"; it must be the reason's code`},
		"unknown placeholder":  {instead(`"country happened"`, `"from {form}"`), `custom.admin: placeholder "form" is not one of from, gap_s, nats, value; did you mean "from"?`},
		"metadata differ":      {good + metadata("country", "device") + "reasons contains {\"code\": \"country\", \"nats\": 2} if input.readings.country.value == 2\n", `its metadata differ from those at rego/rules.rego:13`},
		"unknown member":       {rule(`{"code": "country", "nat": 1}`), `"nat" is not one of clears_with, code, invariant, max, min, nats, signal, weight; did you mean "nats"?`},
		"no code":              {rule(`{"nats": 1}`), `code must be a literal string`},
		"computed code":        {rule(`{"code": input.event.id, "nats": 1}`), `code must be a literal string`},
		"computed signal":      {rule(`{"code": "country", "signal": input.event.id, "nats": 1}`), `signal must be a literal string`},
		"unknown signal":       {rule(`{"code": "country", "signal": "spead", "weight": 1, "min": 0, "max": 1}`), `signal "spead" is not one of country, speed, unused; did you mean "speed"?`},
		"weight without bound": {rule(`{"code": "country", "weight": 1, "min": 0}`), `weight, min and max go together`},
		"nothing to add":       {rule(`{"code": "country"}`), `needs either nats, or weight with min and max, or invariant`},
		"two things to add":    {rule(`{"code": "country", "nats": 1, "invariant": true}`), `needs either nats`},
		"head not written out": {"package riskd.rules\n" + metadata("country", "network") + "reasons contains r if {\n\tr := {\"code\": \"country\", \"nats\": 1}\n}\n", `must be a set of objects that are written out`},
		"reasons is a value":   {"package riskd.rules\n\nreasons := {1}\n", `must be a set of objects that are written out`},
		"library decides":      {"package riskd.decision\n\ndecision := \"allow\"\n", `rego/rules.rego:1:1: package riskd.decision: is in the wrong place`},
		"empty file":           {"", `pack test: rego/empty.rego: empty module`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			library := libraryOf(t, test.rules)
			if test.rules == "" {
				library = libraryOf(t, good)
				library["empty.rego"] = &fstest.MapFile{}
			}
			_, err := policies.Compile("test", packOf(t, ""), policies.Options{Signals: testSignals, Library: library})
			wantError(t, err, test.want)
		})
	}
}

// Whoever mends a pack wants to see everything that is wrong with it, once.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	pack := packOf(t, `decision := "allow" if input.scor < 60`)
	pack["hours.rego"] = &fstest.MapFile{Data: []byte("package riskd.rules\n\nfact if input.request.clas == \"open\"\n")}
	pack["lib.rego"] = &fstest.MapFile{Data: []byte("package riskd.lib\n\ntuned(_, _) := {}\n")}
	library := libraryOf(t, testRules)
	library["lib/more.rego"] = &fstest.MapFile{Data: []byte("package riskd.lib\n\nfact if { x := 1 }\n")}
	_, err := policies.Compile("test", pack, policies.Options{
		Signals: testSignals, Library: library,
		Overlay: []byte(`{"half_life": {"identity": 5}, "rules": {"speed": {"abov": 3}}}`),
	})
	for _, want := range []string{
		`pack test: policy.rego:3:24: undefined ref`,
		`pack test: hours.rego:3:9: undefined ref: input.request.clas`,
		`pack test: lib.rego:1:1: package riskd.lib: is in the wrong place`,
		`pack test: tuning.json: half_life.identity: must be a duration`,
		`pack test: rego/lib/more.rego:3:11: assigned var x unused`, // though two programs have it
	} {
		wantError(t, err, want)
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%s comes more than once:\n%v", want, err)
		}
	}
}

// No denied function compiles, called or put in another's place.
func TestDeniedFunctions(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{}
	for _, b := range policies.Capabilities().Builtins {
		allowed[b.Name] = true
	}
	var denied int
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if allowed[b.Name] {
			continue
		}
		denied++
		args := strings.TrimSuffix(strings.Repeat(`"x", `, b.Decl.Arity()), ", ")
		for name, body := range map[string]string{
			"call": b.Name + "(" + args + ")",
			"with": "abs(-1) == 1 with abs as " + b.Name,
			"mock": "input.score < 60 with " + b.Name + " as 1",
		} {
			t.Run(b.Name+" "+name, func(t *testing.T) {
				_, err := tryCompile(t, `decision := "allow" if `+body, "")
				wantError(t, err, "pack test: policy.rego:3:")
				wantError(t, err, b.Name)
			})
		}
	}
	if denied < 30 {
		t.Errorf("only %d functions are denied", denied)
	}
}

func TestMissingFiles(t *testing.T) {
	t.Parallel()
	_, err := policies.Compile("test", fstest.MapFS{}, policies.Options{Signals: testSignals, Library: libraryOf(t, testRules)})
	wantError(t, err, "pack test: policy.rego: is missing")
	wantError(t, err, "pack test: tuning.json: is missing")
}

func TestLoadDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "workforce")
	if err := os.CopyFS(dir, policies.Default()); err != nil {
		t.Fatal(err)
	}
	o := policies.Options{Signals: testSignals, Library: libraryOf(t, testRules)}
	p, err := policies.LoadDir(dir+"/", o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Info().Name != "workforce" {
		t.Errorf("name is %q, want the folder's", p.Info().Name)
	}
	_, err = policies.LoadDir(filepath.Join(dir, "none"), o)
	wantError(t, err, "pack none: ")
	_, err = policies.LoadDir(filepath.Join(dir, "policy.rego"), o)
	wantError(t, err, "is not a folder")
}

func TestRevision(t *testing.T) {
	t.Parallel()
	base := compile(t, "", "").Info().Revision
	if len(base) != 12 || base != compile(t, "", "").Info().Revision {
		t.Errorf("revision %q isn't 12 digits, or not the same twice", base)
	}
	for name, other := range map[string]*policies.Pack{
		"policy":  compile(t, allowBelow60, ""),
		"library": compile(t, "", testRules+"\n# a word\n"),
		"overlay": compile(t, "", "", `{"default_privilege": 3}`),
	} {
		if other.Info().Revision == base {
			t.Errorf("another %s has the same revision", name)
		}
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	other := testRules + "\nfact if input.readings.unused.value > 1\n"
	for name, test := range map[string]struct{ policy, rules, want string }{
		"rules' own":     {allowBelow60, "", "country speed"},
		"another's":      {allowBelow60, other, "country speed unused"},
		"of the policy":  {`decision := "allow" if not input.readings.unused.value`, "", "country speed unused"},
		"whole readings": {`decision := "allow" if count(input.readings) < 60`, "", "country speed unused"},
		"whole input":    {"decision := \"allow\" if quiet(input)\nquiet(doc) if doc.score < 60", "", "country speed unused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var read []string
			reads := compile(t, test.policy, test.rules).Info().Reads
			for _, s := range testSignals {
				if reads[s.Name] {
					read = append(read, s.Name)
				}
			}
			if got := strings.Join(read, " "); got != test.want {
				t.Errorf("reads %s, want %s", got, test.want)
			}
		})
	}
}

// Evidence that comes back from disk finds its words by its code.
func TestRulesByCode(t *testing.T) {
	t.Parallel()
	p := compile(t, allowBelow60, "")
	c := riskyCase()
	reasons, err := p.Reasons(t.Context(), c)
	if err != nil || len(reasons) != 3 || len(p.Info().Rules) != 3 {
		t.Fatalf("%d reasons, %d rules (%v); want 3 of each", len(reasons), len(p.Info().Rules), err)
	}
	for _, r := range reasons {
		if rule := p.Info().Rules[r.Code]; rule != r.Rule || rule.Title != "The title of "+r.Code {
			t.Errorf("%s has the rule %+v", r.Code, rule)
		}
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("the error is\n%v\nwant it to hold\n%s", err, want)
	}
}
