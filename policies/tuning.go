package policies

import (
	"fmt"
	"math"
	"time"

	"github.com/riskd/riskd"
)

// tuning is a pack's tuning.json: what Go acts on, and the whole document for
// the rules, as data.tuning.
type tuning struct {
	riskd.Tuning
	data map[string]any
}

var classes = []riskd.Class{riskd.ClassOpen, riskd.ClassStandard, riskd.ClassSensitive, riskd.ClassAdmin}

// The outcomes that an invariant may have.
const (
	invariantRevoke = "revoke"
	invariantStepUp = "step_up"
)

// parseTuning reads tuning.json with the overlay merged over it. The faults are
// all there are, each with its path.
func parseTuning(data, overlay []byte) (*tuning, []error) {
	tree, err := parseJSON(tuningFile, data)
	if err == nil && len(overlay) > 0 {
		var patch any
		if patch, err = parseJSON("overlay", overlay); err == nil {
			tree = merge(tree, patch)
		}
	}
	if err != nil {
		return nil, []error{err}
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return nil, []error{tuningFault("", "must be an object")}
	}
	var faults []error
	t := &tuning{data: members}
	t.read(&document{members: members, asked: map[string]bool{}, faults: &faults})
	if members["rules"] == nil {
		members["rules"] = map[string]any{}
	}
	return t, faults
}

func (t *tuning) read(d *document) {
	score := d.object("score")
	t.StepUpNats = score.number("step_up_nats", 0.1, 1000)
	t.RevokeNats = score.number("revoke_nats", 0.1, 1000)
	t.RequestBonus = score.number("request_bonus", 0, 1000)
	if t.RevokeNats <= t.StepUpNats && t.RevokeNats > 0 {
		score.fault("revoke_nats", "must be above step_up_nats, %g; it is %g", t.StepUpNats, t.RevokeNats)
	}
	score.done()
	t.readChannels(d)
	t.readGroups(d.object("group_cap"))
	t.readFailures(d.object("on_failure"))
	t.LastDecisionFor = d.duration("last_decision_for")
	t.readDemands(d.object("step_up"))
	t.readTimeouts(d.object("timeouts"))
	t.readChallenge(d.object("challenge"))
	trust := d.object("trust")
	t.TrustFor = trust.durationUpTo("for", longestTrust)
	trust.done()
	t.readLeases(d.optionalObject("lease"))
	t.readIdentity(d.object("identity_events"))
	invariants := d.object("invariants")
	for _, code := range invariants.names() {
		invariants.word(code, invariantRevoke, invariantStepUp)
	}
	d.number("default_privilege", 0, riskd.MaxPrivilege)
	roles := d.optionalObject("roles")
	for _, name := range roles.names() {
		role := roles.object(name)
		role.number("privilege", 0, riskd.MaxPrivilege)
		role.done()
	}
	d.optionalObject("rules") // checkOverrides looks into it
	d.done()
}

func (t *tuning) readChannels(d *document) {
	halfLife, limit := d.object("half_life"), d.object("cap")
	for _, c := range []riskd.Channel{riskd.ChannelIdentity, riskd.ChannelBehaviour} {
		t.HalfLife[c] = halfLife.duration(c.String())
		t.Cap[c] = limit.number(c.String(), 0.1, 1000)
	}
	halfLife.done()
	limit.done()
}

func (t *tuning) readGroups(d *document) {
	for g := range riskd.Groups {
		b := d.object(g.String())
		t.GroupCap[g] = riskd.Bounds{Min: b.number("min", -1000, 0), Max: b.number("max", 0, 1000)}
		b.done()
	}
	d.done()
}

// readFailures holds sensitive and admin routes to the safe answer.
func (t *tuning) readFailures(d *document) {
	for _, class := range classes {
		words := []string{riskd.FailAllow.String(), riskd.FailLast.String(), riskd.FailStepUp.String()}
		if class == riskd.ClassSensitive || class == riskd.ClassAdmin {
			words = words[2:]
		}
		// A word that doesn't parse has its fault already.
		t.OnFailure[class], _ = riskd.ParseFailure(d.word(class.String(), words...))
	}
	d.done()
}

func (t *tuning) readDemands(d *document) {
	for _, class := range classes {
		demand := d.object(class.String())
		t.Demand[class] = riskd.Demand{
			ACR:    demand.words("acr_values"),
			AMR:    demand.words("amr_values"),
			MaxAge: demand.duration("max_age"),
		}
		demand.done()
	}
	d.done()
}

func (t *tuning) readTimeouts(d *document) {
	t.WarnBefore = d.duration("warn_before")
	for _, limit := range d.objects("limits") {
		timeout := riskd.Timeout{
			Role: limit.optionalText("role"), UserType: limit.optionalText("user_type"),
			Environment: limit.optionalText("environment"), Tenant: limit.optionalText("tenant"),
			Limits: riskd.Limits{Idle: limit.optionalDuration("idle"), Absolute: limit.optionalDuration("absolute")},
		}
		if _, timeout.OfClass = limit.optional("class"); timeout.OfClass {
			// A word that doesn't parse has its fault already.
			timeout.Class, _ = riskd.ParseClass(limit.word("class", "open", "standard", "sensitive", "admin"))
		}
		if limit.members["idle"] == nil && limit.members["absolute"] == nil {
			limit.fault("idle", "is required, unless there is an absolute")
		}
		limit.done()
		t.Timeouts = append(t.Timeouts, timeout)
	}
	d.done()
}

// Bounds of what a pack may ask for: numbers beyond them are slips.
const (
	mostAttempts = 20
	mostPrompts  = 1000 // a day
	longestTrust = 365 * 24 * time.Hour
	longestLease = 5 * time.Minute
)

func (t *tuning) readChallenge(d *document) {
	t.Challenge = riskd.Challenge{
		Expires:       d.duration("expires"),
		Attempts:      d.integer("attempts", 1, mostAttempts),
		PromptsPerDay: d.integer("prompts_per_day", 1, mostPrompts),
	}
	// A word that doesn't parse has its fault already.
	t.Challenge.Exhausted, _ = riskd.ParseEffect(d.word("exhausted", riskd.EffectRevoke.String(), riskd.EffectSuspend.String()))
	d.done()
}

// readLeases knows no others than those of open and standard routes: every request
// to the others is asked about.
func (t *tuning) readLeases(d *document) {
	for _, class := range []riskd.Class{riskd.ClassOpen, riskd.ClassStandard} {
		t.Lease[class] = d.optionalDurationUpTo(class.String(), longestLease)
	}
	d.done()
}

// readIdentity asks for every type of event, so that one that does nothing was
// meant to: it has an empty list.
func (t *tuning) readIdentity(d *document) {
	t.Identity = map[string][]riskd.Action{}
	for _, event := range riskd.IdentityTypes() {
		names := d.words(event)
		actions := make([]riskd.Action, len(names))
		for i, name := range names {
			var err error
			if actions[i], err = riskd.ParseAction(name); err != nil && name != "" {
				d.fault(fmt.Sprintf("%s[%d]", event, i), "is unknown: %s", notOneOf(name, riskd.ActionNames()))
			}
		}
		t.Identity[event] = actions
	}
	d.done()
}

// checkOverrides holds rules.<name> to the defaults that the rules give to
// lib.tuned: what isn't tuned there would change nothing.
func (t *tuning) checkOverrides(defaults map[string]map[string]string) []error {
	var faults []error
	rules := (&document{members: t.data, asked: map[string]bool{}, faults: &faults}).optionalObject("rules")
	for name := range defaults {
		rules.asked[name] = true
	}
	for _, name := range rules.names() {
		if defaults[name] == nil {
			continue
		}
		rule := rules.object(name)
		for member, kind := range defaults[name] {
			v, ok := rule.optional(member)
			if f, isNumber := v.(float64); ok && (kindOf(v) != kind || isNumber && math.Abs(f) > 1e9) {
				rule.fault(member, "must be %s, as its default; it is %s", kind, show(v))
			}
		}
		rule.done()
	}
	rules.done()
	return faults
}
