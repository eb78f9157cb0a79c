package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "privilege_novelty",
		Doc:   "Whether the request uses power in a way that its user never has: a kind of request, a level or a named action. Each counts once a session. A request without privilege on an open or standard route uses none; a user without history has no ways yet (missing: history).",
		Value: "2 for a kind or level of power that the user has never used, 1 for an action only, 0 for what is usual or was counted before",
		Details: []riskd.Detail{
			{Name: "kind", Kind: riskd.Text, Doc: "what the request is about: read, write, sensitive_read, sensitive_write, admin_read, admin_write"},
			{Name: "action", Kind: riskd.Text, Doc: "what the gateway calls the privileged action; empty when it doesn't say"},
			{Name: "level", Doc: "privilege level of the request, 0 to 10"},
			{Name: "usual", Doc: "highest level that the user is known to have used, 0 to 10"},
			{Name: "new_nats", Doc: "nats of what was new in this session so far, at most 3.6"},
		},
		Memory: true,
	}, measurePrivilegeNovelty)
}

// A class of power that was never used is worth as much as in the simulation; a new
// action of a class that is in use, less: applications have many, and learn more.
// The bound leaves room for three that are new (assumed).
const (
	neverUsedNats = 1.2
	newActionNats = 0.4
	newPowerMost  = 3.6
)

// What privilege_novelty keeps in its cell: the nats given, and marks of what was
// counted, marksBits to a number so that they are exact.
const (
	novelNats = iota
	novelMarks
	marksBits = 48
)

func measurePrivilegeNovelty(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p, e := in.Profile, in.Event
	kind, level, action := riskd.KindOf(&e.Request), e.Privilege.Level, e.Privilege.Action
	powerful := kind > riskd.KindWrite
	if p.Young() {
		return riskd.NotEvaluableFor("history"), cell
	}
	value, nats := 0.0, 0.0
	switch {
	case level == 0 && !powerful:
	case powerful && p.Kinds[kind] == 0, level > p.PrivilegeMax:
		value, nats = 2, neverUsedNats
	case action != "" && !p.Actions.Knows(action):
		value, nats = 1, newActionNats
	}
	if value > 0 {
		if action == "" {
			action = kindNames[kind]
		}
		if markOnce(cell[novelMarks:], action) {
			nats = min(nats, newPowerMost-cell[novelNats])
			cell[novelNats] += nats
		} else {
			value, nats = 0, 0
		}
	}
	return measured(value, nats, details{
		text(kindNames[kind]), text(e.Privilege.Action), number(float64(level)), number(float64(p.PrivilegeMax)), number(cell[novelNats]),
	}), cell
}

// markOnce marks a name, and reports whether it wasn't before. Of twenty names one
// or two are taken for marked that aren't.
func markOnce(marks []float64, name string) bool {
	at := nameHash(name) % (marksBits * uint64(len(marks)))
	word, bit := &marks[at/marksBits], math.Exp2(float64(at%marksBits))
	if math.Mod(math.Floor(*word/bit), 2) == 1 {
		return false
	}
	*word += bit
	return true
}

// nameHash is FNV-1a, spread over all bits.
func nameHash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
