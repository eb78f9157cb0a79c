package signals

import (
	"math/bits"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "session_fixation",
		Doc:   "Whether an authentication strengthens a session id that somebody else holds: an id that was first seen elsewhere before the login, as one that an attacker fixed for his victim, or one whose later authentication (a step-up, an elevation) comes from another client than the session's. Measured on the event that signs in or brings a later authentication time; an id that is rotated with it is a new one. Missing when it can't be told where from: network.",
		Value: "0 no, 1 signed in from another network than the id was first seen in, 2 from another network and another device or browser, 3 the id was kept at a login or later authentication by what may be the same client, 4 authenticated again from another network and another device or browser than the session's last before it",
		Details: []riskd.Detail{
			{Name: "from", Doc: "AS number of who held the id; 0 when unknown or not measured"},
			{Name: "to", Doc: "AS number that the authentication comes from; 0 when unknown or not measured"},
		},
		Memory: true,
	}, measureSessionFixation)
}

// fixationNats is for another network alone at the login: assumed, held up in
// simulation (docs/detection.md); another device as well needs no weighing.
// elsewhereNats make a step-up by themselves, and no revocation (assumed): the
// client that brings the proof has to bring its own.
const (
	fixationNats  = 7
	elsewhereNats = 7
)

// What session_fixation keeps in its cell: the client that holds the id. Before
// the login that is who came first with it; afterwards, that of the last request
// before a step-up was asked for, so that it is the challenged one's.
const (
	holderASN    = iota
	holderPrefix // marks, see mark
	holderDevice
	holderAgent
)

func measureSessionFixation(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	e, s := in.Event, in.Session
	here := riskd.ContextOf(e)
	client := riskd.Cell{float64(here.ASN), mark(uint64(here.Prefix)), mark(riskd.MarkOf(&e.Device).ID), agentMark(in.Agent)}
	signsIn := s.User == "" && e.User.ID != "" && s.BeforeLogin
	proves := s.User != "" && !s.AuthTime.IsZero() && e.Session.AuthTime.After(s.AuthTime)
	rotated := !e.Session.PreviousID.IsZero() && e.Session.PreviousID != e.Session.ID
	nothing := measured(0, 0, details{})
	switch {
	case in.First:
		return nothing, client
	case s.User == "" && e.User.ID == "":
		return nothing, cell
	case rotated:
		return nothing, client
	case signsIn:
		return heldBefore(cell, client), client
	case proves:
		return provedElsewhere(cell, client), client
	case s.StepUp != nil:
		return nothing, cell
	}
	for i := range client {
		if client[i] == 0 && (i >= holderDevice || here == riskd.Context{}) { // an event that leaves it out hides nothing
			client[i] = cell[i]
		}
	}
	return nothing, client
}

// heldBefore compares who signs in with who first had the id.
func heldBefore(holder, client riskd.Cell) riskd.Reading {
	other, known := otherNetwork(holder, client)
	d := holders(holder, client)
	switch {
	case !known:
		return riskd.NotEvaluableFor("network")
	case !other:
		return measured(3, 0, d)
	case otherHolder(holder, client):
		return measured(2, fixationNats, d)
	}
	return measured(1, fixationNats, d)
}

// provedElsewhere compares who authenticates again with the session's client.
// Another network alone is somebody who moved on.
func provedElsewhere(holder, client riskd.Cell) riskd.Reading {
	other, known := otherNetwork(holder, client)
	d := holders(holder, client)
	switch {
	case !otherHolder(holder, client) || known && !other:
		return measured(3, 0, d)
	case !known:
		return riskd.NotEvaluableFor("network")
	}
	return measured(4, elsewhereNats, d)
}

func holders(holder, client riskd.Cell) details {
	return details{number(holder[holderASN]), number(client[holderASN])}
}

func otherNetwork(a, b riskd.Cell) (other, known bool) {
	switch {
	case a[holderPrefix] == 0 || b[holderPrefix] == 0: // an unknown address
		return false, false
	case a[holderPrefix] == b[holderPrefix]:
		return false, true
	case a[holderASN] == 0 || b[holderASN] == 0:
		return false, false
	}
	return a[holderASN] != b[holderASN], true
}

func otherHolder(a, b riskd.Cell) bool {
	return differ(a[holderDevice], b[holderDevice]) || differ(a[holderAgent], b[holderAgent])
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
