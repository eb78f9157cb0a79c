package policies_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// Rules and inputs at random, over the real fields. Their constants come from
// the same few, so that conditions hold about as often as not.

var (
	texts     = []string{"a", "b", "user", "admin", "FR", "mfa", "/a/b", "10.1.2.3", "7", "os", "Ab"}
	numbers   = []string{"-1", "0", "0.1", "1", "1.0", "2", "60", "85", "1.5", "1e2", "100000000000000000000"}
	values    = []float64{-1, 0, 0.1, 1, 2, 60, 85, 1.5, 100, 1e20, 1 << 53, 0.30000000000000004}
	orders    = []string{"<", "<=", ">", ">="}
	relations = []string{"==", "!=", "<", "<=", ">", ">="}
)

// generator writes conditions over some fields, and over the helpers before.
type generator struct {
	*rand.Rand
	fields  map[string][]string
	helpers []string // conditions that hold when a helper does
	unique  int
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (g *generator) field(kind string) string { return pick(g.Rand, g.fields[kind]) }

func (g *generator) any() string {
	return g.field(pick(g.Rand, []string{"number", "text", "flag", "list"}))
}

func (g *generator) text() string { return fmt.Sprintf("%q", pick(g.Rand, texts)) }

func (g *generator) number() string { return pick(g.Rand, numbers) }

func (g *generator) scalar() string {
	return pick(g.Rand, []string{g.text(), g.number(), "true", "false", "null"})
}

func (g *generator) constant() string {
	return pick(g.Rand, []string{g.scalar(), g.collection(g.scalar), "{}", "[]"})
}

func (g *generator) collection(member func() string) string {
	var members []string
	for range 1 + g.IntN(3+9*g.IntN(2)) {
		members = append(members, member())
	}
	list := strings.Join(members, ", ")
	switch g.IntN(3) {
	case 0:
		return "[" + list + "]"
	case 1:
		return "{" + list + "}"
	}
	pairs := map[string]bool{}
	for i, m := range members {
		pairs[fmt.Sprintf("%q: %s", fmt.Sprint("k", i), m)] = true
	}
	var all []string
	for p := range pairs {
		all = append(all, p)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// mixed is a collection with members of several types; without one of the type
// that is looked for, the compiler would know that none is found.
func (g *generator) mixed() string {
	members := strings.Join([]string{g.text(), g.number(), pick(g.Rand, []string{"true", "false"}), g.scalar()}, ", ")
	return pick(g.Rand, []string{"[" + members + "]", "{" + members + "}"})
}

func (g *generator) name(prefix string) string {
	g.unique++
	return fmt.Sprint(prefix, g.unique)
}

// about is a condition on a text that is held by a variable.
func (g *generator) about(x string) string {
	return pick(g.Rand, []string{
		x + " " + pick(g.Rand, relations) + " " + g.text(), x + " in " + g.collection(g.text), "startswith(" + x + ", " + g.text() + ")",
		"not " + x + " == " + g.text(), x + " " + pick(g.Rand, orders) + " " + g.field("text"),
	})
}

// condition is one condition, or a few that belong together, on lines of their own.
func (g *generator) condition() string {
	x := g.name("x")
	conditions := []func() string{
		func() string { return g.field("number") + " " + pick(g.Rand, relations) + " " + g.number() },
		func() string { return g.field("number") + " " + pick(g.Rand, relations) + " " + g.number() },
		func() string { return g.field("text") + " " + pick(g.Rand, relations) + " " + g.text() },
		func() string { return g.any() + " " + pick(g.Rand, orders) + " " + g.constant() },
		func() string { return g.constant() + " " + pick(g.Rand, orders) + " " + g.any() },
		func() string { return g.any() + " " + pick(g.Rand, orders) + " " + g.any() },
		func() string { return g.field("text") + " == " + g.field("text") },
		func() string { return g.field("text") + " in " + g.mixed() },
		func() string { return g.field("number") + " in " + g.mixed() },
		func() string { return "not " + g.field("number") + " in " + g.mixed() },
		func() string { return g.field("flag") },
		func() string { return "not " + g.field("flag") },
		func() string { return g.field("flag") + " == " + pick(g.Rand, []string{"true", "false"}) },
		func() string { return g.any() },
		func() string { return "not " + g.any() },
		func() string { return "not " + g.field("number") + " " + pick(g.Rand, relations) + " " + g.number() },
		func() string { return g.text() + " in " + g.field("list") },
		func() string { return "not " + g.text() + " in " + g.field("list") },
		func() string { return g.field("text") + " in " + g.field("list") },
		func() string { return g.field("list") + " " + pick(g.Rand, []string{"==", "!="}) + " []" },
		func() string {
			return g.field("list") + " " + pick(g.Rand, relations) + " [" + g.text() + ", " + g.text() + "]"
		},
		func() string { return "count(" + g.field("list") + ") " + pick(g.Rand, relations) + " " + g.number() },
		func() string { return fmt.Sprintf("some %s in %s\n\t%s", x, g.field("list"), g.about(x)) },
		func() string {
			return fmt.Sprintf("some %[1]s in %[2]s\n\t%[3]s\n\tsome %[1]sb in %[4]s\n\t%[1]s != %[1]sb", x, g.field("list"), g.about(x), g.field("list"))
		},
		func() string { return fmt.Sprintf("some %s in %s\n\t%s", x, g.collection(g.text), g.about(x)) },
		func() string {
			return fmt.Sprintf("some i%s, %s in %s\n\t%s\n\ti%s > 0", x, x, g.field("list"), g.about(x), x)
		},
		func() string {
			return fmt.Sprintf("every %s in %s {\n\t\t%s\n\t}", x, g.field("list"), g.about(x))
		},
		func() string { return g.field("list") + "[0] == " + g.text() },
		func() string { return g.field("list") + "[_] == " + g.text() },
		func() string { return "input.device.attributes.os " + pick(g.Rand, relations) + " " + g.text() },
		func() string { return "not input.device.attributes[" + g.field("text") + "]" },
		func() string { return "input.device.attributes[" + g.field("text") + "] == " + g.text() },
		func() string {
			return fmt.Sprintf("some k%s, %s in input.device.attributes\n\t%s\n\tk%s != \"a\"", x, x, g.about(x), x)
		},
		func() string {
			return "input.event.attributes[\"subject.role\"] " + pick(g.Rand, relations) + " " + g.text()
		},
		func() string { return "not input.event.attributes[\"subject.role\"]" },
		func() string {
			return "object.get(input.event.attributes, \"subject.role\", \"a\") == input.event.attributes[" + g.field("text") + "]"
		},
		func() string { return "input.device.attributes != {\"os\": " + g.text() + "}" },
		func() string { return "object.get(input.device.attributes, \"os\", \"a\") == " + g.text() },
		func() string {
			return pick(g.Rand, []string{"startswith", "endswith", "contains"}) + "(" + g.field("text") + ", " + g.text() + ")"
		},
		func() string { return "lower(" + g.field("text") + ") == " + g.text() },
		func() string { return "glob.match(\"/*/b\", [\"/\"], " + g.field("text") + ")" },
		func() string { return "regex.match(`^[a-b/]+$`, " + g.field("text") + ")" },
		func() string { return "net.cidr_contains(\"10.0.0.0/8\", input.client.ip)" },
		func() string { return fmt.Sprintf("%s := %s + 1\n\t%s > 2", x, g.field("number"), x) },
		func() string { return fmt.Sprintf("%s := %s\n\t%s", x, g.field("text"), g.about(x)) },
		func() string { return fmt.Sprintf("%s := %s > 1\n\t%s", x, g.field("number"), x) },
		func() string {
			return fmt.Sprintf("some %[1]s, habit%[1]s in data.tuning.roles\n\t%[1]s in %[2]s\n\tinput.privilege.level <= habit%[1]s.privilege", x, g.field("list"))
		},
		func() string { return "data.tuning.roles[" + g.field("text") + "].privilege > 3" },
		func() string { return fmt.Sprintf("%q in [%s, %s]", pick(g.Rand, texts), g.field("text"), g.any()) },
	}
	if n := len(g.helpers); n > 0 {
		for range 6 {
			conditions = append(conditions,
				func() string { return pick(g.Rand, g.helpers) },
				func() string { return "not " + pick(g.Rand, g.helpers) })
		}
	}
	if g.IntN(120) == 0 { // what may fail, and what isn't compiled
		return pick(g.Rand, []string{
			"to_number(" + g.field("text") + ") > 3", "net.cidr_contains(\"10.0.0.0/8\", " + g.field("text") + ")",
			"10 / " + g.field("number") + " > 1", "not net.cidr_contains(\"10.0.0.0/8\", " + g.field("text") + ")",
			"count([1 | some y in " + g.field("list") + "; y != \"a\"]) > 1",
		})
	}
	return pick(g.Rand, conditions)()
}

func (g *generator) body() string {
	var lines []string
	for range 1 + g.IntN(3) {
		lines = append(lines, "\t"+g.condition())
	}
	return "{\n" + strings.Join(lines, "\n") + "\n}\n"
}

// define writes a helper of a random kind, and what refers to it.
func (g *generator) define() string {
	h := g.name("h")
	var text string
	switch g.IntN(8) {
	case 0: // several ways to hold
		for range 1 + g.IntN(3) {
			text += h + " if " + g.body()
		}
		g.helpers = append(g.helpers, h)
	case 1: // ordered alternatives
		text = h + " := " + g.scalar() + " if " + g.body()
		for range 1 + g.IntN(3) {
			text += "else := " + pick(g.Rand, []string{g.scalar(), g.field("text")}) + " if " + g.body()
		}
		if g.IntN(2) == 0 {
			text += "else := " + g.scalar() + "\n"
		}
		g.helpers = append(g.helpers, h, h+" in "+g.collection(g.scalar))
	case 2: // one value or another, or both: a conflict
		for range 2 {
			text += h + " := " + pick(g.Rand, []string{`"a"`, `"b"`, "1"}) + " if " + g.body()
		}
		g.helpers = append(g.helpers, h, h+" in "+g.collection(g.scalar), h+" < "+g.text())
	case 3: // a default
		text = "default " + h + " := " + g.scalar() + "\n" + h + " := true if " + g.body()
		g.helpers = append(g.helpers, h, h+" in {true, false}")
	case 4: // a function
		text = fmt.Sprintf("%s(v) := \"a\" if {\n\tv %s %s\n}\n%s(v) := \"b\" if {\n\tv in %s\n\tv != \"a\"\n}\n", h, pick(g.Rand, orders), g.scalar(), h, g.mixed())
		if g.IntN(4) != 0 {
			text = fmt.Sprintf("%s(v) := \"a\" if {\n\tv %s %s\n}\nelse := v if v != \"a\"\nelse := \"c\"\n", h, pick(g.Rand, orders), g.scalar())
		}
		g.helpers = append(g.helpers, h+"("+g.any()+")", h+"("+g.any()+") in "+g.collection(g.scalar))
	case 5: // a set
		for range 1 + g.IntN(2) {
			text += h + " contains " + g.scalar() + " if " + g.body()
		}
		text += fmt.Sprintf("%s contains v if {\n\tsome v in %s\n\t%s\n}\n", h, g.field("list"), g.about("v"))
		g.helpers = append(g.helpers, g.scalar()+" in "+h, g.field("text")+" in "+h, h+"["+g.text()+"]")
	case 6: // a value of the input
		text = h + " := " + g.any() + " if " + g.body()
		g.helpers = append(g.helpers, h, h+" "+pick(g.Rand, orders)+" "+g.scalar())
	case 7: // a function that only holds
		text = fmt.Sprintf("%s(v, w) if {\n\tv %s w\n}\n%s(_, w) if w == %s\n", h, pick(g.Rand, orders), h, g.text())
		g.helpers = append(g.helpers, h+"("+g.any()+", "+g.field("text")+")")
	}
	return text
}

func newGenerator(r *rand.Rand, judgement bool) *generator {
	return &generator{Rand: r, fields: policies.FieldKinds(testSignals, judgement)}
}

func generateRules(r *rand.Rand) string {
	g := newGenerator(r, false)
	text := "package riskd.rules\n\nimport data.riskd.lib\n\n"
	for range 4 {
		text += g.define()
	}
	code := func(i int) string { return fmt.Sprint("r", i) }
	for i := range 6 {
		for range 1 + g.IntN(2) {
			text += metadata(code(i), "network") + fmt.Sprintf(`reasons contains {"code": %q, "nats": t.nats} if `, code(i)) +
				strings.Replace(g.body(), "{\n", fmt.Sprintf("{\n\tt := lib.tuned(%q, {\"nats\": %d})\n", code(i), g.IntN(4)), 1)
		}
	}
	return text + metadata("speed", "network") + `reasons contains {"code": "speed", "weight": 2, "min": 0, "max": 9} if ` + g.body()
}

func generatePolicy(r *rand.Rand) string {
	g := newGenerator(r, true)
	var text string
	for range 4 {
		text += g.define()
	}
	outcome := func() string { return fmt.Sprintf("%q", pick(r, []string{"allow", "step_up", "revoke"})) }
	if g.IntN(2) == 0 {
		text += "decision := " + outcome() + " if " + g.body()
		for range 2 + g.IntN(3) {
			text += "else := " + outcome() + " if " + g.body()
		}
	} else {
		for range 2 + g.IntN(3) {
			text += "decision := " + outcome() + " if " + g.body()
		}
	}
	if g.IntN(3) == 0 {
		text += "default decision := \"step_up\"\n"
	}
	switch g.IntN(3) {
	case 0:
		text += "step_up := data.tuning.step_up[input.request.class]\n"
	case 1:
		text += `step_up := {"acr_values": [], "amr_values": ["mfa"], "max_age": "5m"} if ` + g.body()
	}
	return text
}

func generateCase(r *rand.Rand) *riskd.Case {
	word := func() string {
		if r.IntN(3) == 0 {
			return ""
		}
		return pick(r, texts)
	}
	words := func() []string {
		var all []string
		for range r.IntN(4) {
			all = append(all, pick(r, texts))
		}
		return all
	}
	chance := func() bool { return r.IntN(2) == 0 }
	now := time.Unix(int64(r.IntN(200)), 0)
	at := func() time.Time {
		if chance() {
			return time.Time{}
		}
		return now.Add(-time.Duration(pick(r, values[:8]) * float64(time.Second)))
	}
	c := &riskd.Case{
		Now: now,
		Event: &riskd.Event{
			ID: word(), Time: now, Tenant: word(), Environment: word(),
			Session:   riskd.EventSession{AuthTime: at(), ACR: word(), AMR: words(), Binding: riskd.Binding{Type: word(), Verified: chance()}},
			User:      riskd.User{ID: word(), Type: word(), Roles: words()},
			Device:    riskd.Device{ID: word(), Fingerprint: word()},
			Client:    riskd.Client{IP: netip.AddrFrom4([4]byte{byte(10 + r.IntN(2)), 1, 2, 3}), UserAgent: word(), Language: word(), JA4: word()},
			Place:     riskd.Place{Country: word(), City: word(), Org: word(), ASN: uint32(r.IntN(3)), Network: riskd.NetworkKind(r.IntN(9))},
			Request:   riskd.Request{Method: word(), Route: word(), Class: riskd.Class(r.IntN(4)), Activity: riskd.Activity(r.IntN(2)), Status: r.IntN(3) * 100, Bytes: int64(r.IntN(3))},
			Privilege: riskd.Privilege{Level: r.IntN(11), Action: word()},
		},
		Session:    &riskd.Session{Start: at(), Requests: uint32(r.IntN(3)), BeforeLogin: chance(), ACR: word(), AMR: words(), AuthTime: at(), Failures: r.IntN(3)},
		Score:      pick(r, values),
		Nats:       riskd.Nats{Identity: pick(r, values), Behaviour: pick(r, values), Request: pick(r, values)},
		Invariants: words(),
	}
	if chance() {
		c.Event.Device.Attributes = map[string]string{}
		for range r.IntN(4) {
			c.Event.Device.Attributes[pick(r, texts)] = pick(r, texts)
		}
	}
	if chance() {
		c.Event.Attributes = map[string]string{pick(r, texts): pick(r, texts)}
		if chance() {
			c.Event.Attributes["subject.role"] = pick(r, texts)
		}
	}
	if chance() {
		compliant := chance()
		c.Event.Device.Compliant = &compliant
	}
	if chance() {
		c.Session.StepUp = &riskd.StepUp{}
	}
	if chance() {
		c.Profile = &riskd.Profile{Sessions: uint32(r.IntN(8))}
	}
	for range r.IntN(3) {
		c.Reasons = append(c.Reasons, riskd.Reason{Code: pick(r, texts)})
	}
	for _, s := range testSignals {
		switch r.IntN(5) {
		case 0:
			c.Readings = append(c.Readings, riskd.Reading{})
		case 1:
			c.Readings = append(c.Readings, riskd.NotEvaluableFor(pick(r, texts)))
		default:
			m := riskd.Reading{State: riskd.Measured, Value: pick(r, values), Nats: pick(r, values)}
			for i := range s.Details {
				m.Details[i] = riskd.DetailValue{Number: pick(r, values), Text: word()}
			}
			c.Readings = append(c.Readings, m)
		}
	}
	return c
}
