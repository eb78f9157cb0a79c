package signals

import (
	"math/bits"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "session_fixation",
		Doc:   "Whether somebody signs in under a session id that was first seen elsewhere before the login: an id that an attacker fixed for his victim. Measured on the event that signs in; an id that is rotated at the login is a new one.",
		Value: "0 no, 1 signed in from another network than the id was first seen in, 2 from another network and another device or browser",
		Details: []riskd.Detail{
			{Name: "from", Doc: "AS number where the id was first seen; 0 when unknown or not measured"},
			{Name: "to", Doc: "AS number where it signs in; 0 when unknown or not measured"},
		},
		Memory: true,
	}, measureSessionFixation)
}

// fixationNats is for another network alone: assumed, held up in simulation
// (docs/detection.md). Another device as well needs no weighing.
const fixationNats = 7

// What session_fixation keeps in its cell: who came first with the id.
const (
	firstASN    = iota
	firstPrefix // marks, see mark
	firstDevice
	firstAgent
)

func measureSessionFixation(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	e, s := in.Event, in.Session
	opens := in.First && e.User.ID == ""
	rotated := !e.Session.PreviousID.IsZero() && e.Session.PreviousID != e.Session.ID
	signsIn := !in.First && s.BeforeLogin && s.User == "" && e.User.ID != "" && !rotated
	if !opens && !signsIn {
		return measured(0, 0, details{}), cell
	}
	here := riskd.ContextOf(e)
	prefix, device, agent := mark(uint64(here.Prefix)), mark(riskd.MarkOf(&e.Device).ID), agentMark(in.Agent)
	if opens {
		return measured(0, 0, details{}), riskd.Cell{float64(here.ASN), prefix, device, agent}
	}
	d := details{number(cell[firstASN]), number(float64(here.ASN))}
	switch {
	case prefix == cell[firstPrefix]:
		return measured(0, 0, d), cell
	case here.ASN == 0 || cell[firstASN] == 0:
		return riskd.NotEvaluableFor("network"), cell
	case float64(here.ASN) == cell[firstASN]:
		return measured(0, 0, d), cell
	case differ(device, cell[firstDevice]) || differ(agent, cell[firstAgent]):
		return measured(2, fixationNats, d), cell
	}
	return measured(1, fixationNats, d), cell
}

// differ compares two marks; an absent one differs from nothing.
func differ(a, b float64) bool { return a != b && a != 0 && b != 0 }

// mark folds a hash or a number into the 52 bits that a cell keeps exactly.
// Zero, for absent, stays zero.
func mark(x uint64) float64 {
	const golden = 0x9e3779b97f4a7c15 // odd: multiplying mixes and loses nothing
	return float64(bits.ReverseBytes64(x*golden) >> 12)
}

// agentMark marks the family and the system of an agent, by FNV-1a.
func agentMark(a riskd.Agent) float64 {
	if a.Family == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, s := range [...]string{a.Family, "/", a.OS} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return mark(h)
}
