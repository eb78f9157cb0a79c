package policies

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// The packages of Rego that there are.
var (
	packageRules    = ast.MustParseRef("data.riskd.rules")
	packageDecision = ast.MustParseRef("data.riskd.decision")
	packageLib      = ast.MustParseRef("data.riskd.lib")
)

// catalogue is what the modules say about themselves: the rules that give
// reasons, by code, and the signals that these weigh.
type catalogue struct {
	signals map[string]*riskd.Signal
	rules   map[string]*riskd.Rule
	weighs  map[string]bool
	faults  []error
	module  *ast.Module // that is being looked at
}

func newCatalogue(signals []riskd.Signal) *catalogue {
	k := &catalogue{signals: map[string]*riskd.Signal{}, rules: map[string]*riskd.Rule{}, weighs: map[string]bool{}}
	for i := range signals {
		k.signals[signals[i].Name] = &signals[i]
	}
	return k
}

func (k *catalogue) fault(code string, at *ast.Location, format string, args ...any) {
	k.faults = append(k.faults, fault(code, at, format, args...))
}

// check looks at everything that a module says without compiling it.
func (k *catalogue) check(modules map[string]*ast.Module) {
	decides := false
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		k.module = m
		k.checkPackage(m, strings.HasPrefix(name, libraryDir))
		for _, r := range m.Rules {
			switch {
			case m.Package.Path.Equal(packageRules) && ruleName(r) == "reasons":
				k.checkReason(r)
			case m.Package.Path.Equal(packageDecision) && ruleName(r) == "decision":
				decides = true
				k.checkDecision(r)
			}
		}
	}
	if !decides && modules[policyFile] != nil {
		k.fault(FaultDecision, &ast.Location{File: policyFile}, `defines no decision; write in package riskd.decision: decision := "revoke" if …`)
	}
}

func ruleName(r *ast.Rule) string {
	v, _ := r.Head.Ref()[0].Value.(ast.Var)
	return string(v)
}

// checkPackage keeps packs out of what is not theirs.
func (k *catalogue) checkPackage(m *ast.Module, library bool) {
	path := m.Package.Path
	if path.HasPrefix(packageRules) ||
		library && path.HasPrefix(packageLib) || !library && path.HasPrefix(packageDecision) {
		return
	}
	where := "a pack's rules are in package riskd.rules, its judgement in riskd.decision"
	if library {
		where = "the library's rules are in package riskd.rules, what they share in riskd.lib"
	}
	k.fault(FaultPackage, m.Package.Location, "package %s: is in the wrong place; %s", strings.TrimPrefix(path.String(), "data."), where)
}

// checkDecision refuses an allow without a condition, as a default, a rule or an
// else: it would answer for every case that the author forgot.
func (k *catalogue) checkDecision(r *ast.Rule) {
	if r.Head.RuleKind() != ast.SingleValue || len(r.Head.Ref()) != 1 || len(r.Head.Args) > 0 {
		k.fault(FaultDecision, r.Location, `decision: must be a plain rule: decision := "revoke" if …`)
		return
	}
	for ; r != nil; r = r.Else {
		if r.Head.Value.Equal(allowAnswer) && (r.Default || r.Body.Equal(noCondition)) {
			k.fault(FaultAllow, r.Location, `decision: allow without a condition is refused, as it would allow whatever no rule covers; write decision := "allow" if input.score < 60`)
		}
	}
}

var (
	allowAnswer = ast.StringTerm(riskd.Allow.String())
	noCondition = ast.NewBody(ast.NewExpr(ast.BooleanTerm(true)))
)

// reasonMembers are the members of a reason.
var reasonMembers = []string{"code", "nats", "weight", "min", "max", "signal", "clears_with", "invariant"}

// checkReason reads a rule that gives a reason: its head, which has to be
// written out so that it can be checked here, and its metadata.
func (k *catalogue) checkReason(r *ast.Rule) {
	var head ast.Object
	if r.Head.RuleKind() == ast.MultiValue && len(r.Head.Ref()) == 1 {
		head, _ = r.Head.Key.Value.(ast.Object)
	}
	if head == nil {
		k.fault(FaultReason, r.Location, `reasons: must be a set of objects that are written out: reasons contains {"code": "…", …} if …`)
		return
	}
	code := k.checkHead(r, head)
	if code == "" {
		return
	}
	rule := k.readMetadata(r, code, signalOf(head, code))
	if first := k.rules[code]; first != nil && !sameWords(first, rule) {
		k.fault(FaultMetadata, r.Location, "reason %s: its metadata differ from those at %s:%d; one code, one set of words", code, first.File, first.Line)
		return
	}
	if k.rules[code] == nil {
		k.rules[code] = rule
	}
}

// checkHead gives the reason's code, "" when there is none.
func (k *catalogue) checkHead(r *ast.Rule, head ast.Object) string {
	has := map[string]bool{}
	head.Foreach(func(name, _ *ast.Term) {
		s, _ := name.Value.(ast.String)
		has[string(s)] = true
		if !slices.Contains(reasonMembers, string(s)) {
			k.fault(FaultReason, r.Location, "reason: member %s", notOneOf(strings.Trim(name.String(), `"`), reasonMembers))
		}
	})
	code := literal(head, "code")
	if code == "" {
		k.fault(FaultReason, r.Location, `reason: code must be a literal string`)
		return ""
	}
	signal := signalOf(head, code)
	if has["signal"] && literal(head, "signal") == "" {
		k.fault(FaultReason, r.Location, "reason %s: signal must be a literal string", code)
	} else if (has["signal"] || has["weight"]) && k.signals[signal] == nil {
		k.fault(FaultReason, r.Location, "reason %s: signal %s", code, notOneOf(signal, slices.Collect(maps.Keys(k.signals))))
	}
	if k.signals[signal] != nil {
		k.weighs[signal] = true
	}
	if has["weight"] != has["min"] || has["weight"] != has["max"] {
		k.fault(FaultReason, r.Location, "reason %s: weight, min and max go together", code)
	}
	if worth(has) != 1 {
		k.fault(FaultReason, r.Location, "reason %s: needs either nats, or weight with min and max, or invariant", code)
	}
	return code
}

// worth counts the ways in which a reason says what it is worth.
func worth(has map[string]bool) int {
	n := 0
	for _, name := range []string{"nats", "weight", "invariant"} {
		if has[name] {
			n++
		}
	}
	return n
}

func literal(o ast.Object, name string) string {
	if t := o.Get(ast.StringTerm(name)); t != nil {
		s, _ := text(t.Value)
		return s
	}
	return ""
}

func signalOf(head ast.Object, code string) string {
	if s := literal(head, "signal"); s != "" {
		return s
	}
	return code
}

func sameWords(a, b *riskd.Rule) bool {
	x, y := *a, *b
	x.File, x.Line, y.File, y.Line = "", 0, "", 0
	return x == y
}

// readMetadata reads what a rule's annotations say, and says what they don't.
func (k *catalogue) readMetadata(r *ast.Rule, code, signal string) *riskd.Rule {
	rule := &riskd.Rule{Code: code, File: r.Location.File, Line: r.Location.Row}
	i := slices.IndexFunc(r.Annotations, func(a *ast.Annotations) bool { return a.Scope == "rule" })
	if i < 0 {
		k.fault(FaultMetadata, r.Location, "reason %s: has no # METADATA; it needs title, labels.rule, labels.severity, labels.group, labels.channel, custom.user and custom.admin", code)
		return rule
	}
	notes := r.Annotations[i]
	wrong := func(path, format string, args ...any) {
		k.fault(FaultMetadata, k.placeOf(path, notes.Location), "reason %s: metadata %s: %s", code, path, fmt.Sprintf(format, args...))
	}
	need := func(path string, value any) string {
		s, _ := value.(string)
		if s == "" {
			wrong(path, "is required: a string")
		}
		return s
	}
	// parse reads a label that is one of a few words.
	parse := func(name string, read func(string) error) {
		path := "labels." + name
		if s := need(path, notes.Labels[name]); s != "" {
			if err := read(s); err != nil {
				wrong(path, "%s", err)
			}
		}
	}
	template := func(name string) string {
		path := "custom." + name
		s := need(path, notes.Custom[name])
		if err := k.checkTemplate(s, signal); err != nil {
			wrong(path, "%s", err)
		}
		return s
	}
	rule.Title = need("title", notes.Title)
	if label := need("labels.rule", notes.Labels["rule"]); label != "" && label != code {
		wrong("labels.rule", "is %q; it must be the reason's code", label)
	}
	parse("severity", func(s string) error { rule.Severity = s; return checkSeverity(s) })
	parse("group", func(s string) (err error) { rule.Group, err = riskd.ParseGroup(s); return err })
	parse("channel", func(s string) (err error) { rule.Channel, err = riskd.ParseChannel(s); return err })
	rule.User, rule.Admin = template("user"), template("admin")
	return rule
}

// placeOf is where metadata give a value, the metadata's beginning when they
// don't. OPA tells where they begin only, and keeps the comments.
func (k *catalogue) placeOf(path string, begin *ast.Location) *ast.Location {
	name := path[strings.LastIndexByte(path, '.')+1:] + ":"
	row := begin.Row
	for _, c := range k.module.Comments {
		if c.Location.Row != row {
			continue
		}
		row++
		if text := string(c.Text); strings.HasPrefix(strings.TrimSpace(text), name) {
			before, value, _ := strings.Cut(text, name)
			at := *c.Location
			at.Col += 1 + len(before) + len(name) + len(value) - len(strings.TrimLeft(value, " "))
			return &at
		}
	}
	return begin
}

func checkSeverity(s string) error {
	severities := []string{"low", "medium", "high", "critical"}
	if !slices.Contains(severities, s) {
		return errors.New(notOneOf(s, severities))
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// checkTemplate looks for placeholders that the reading can't fill.
func (k *catalogue) checkTemplate(template, signal string) error {
	var known []string
	if s := k.signals[signal]; s != nil {
		known = append(known, "value", "nats")
		for _, d := range s.Details {
			known = append(known, d.Name)
		}
	}
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		switch {
		case slices.Contains(known, m[1]):
		case known == nil:
			return fmt.Errorf("{%s} stands for nothing: the reason has no signal", m[1])
		default:
			return fmt.Errorf("placeholder %s", notOneOf(m[1], known))
		}
	}
	return nil
}
