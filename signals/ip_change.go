package signals

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "ip_change",
		Doc:   "How far the address has moved since the session's last request, in prefixes (IPv4 /24, IPv6 /48) and networks rather than single addresses. Moves to a network new to session and user carry no nats here: new_network and new_country weigh them. At a login the user's history is what counts (missing: history while there is none). Missing as well: address, when this or the session's last is unknown.",
		Value: "0 same prefix (at a login: one that the user is known to use), 1 another prefix of the same network, 2 another network that session or user knows, 3 a network new to both",
		Details: []riskd.Detail{
			{Name: "change", Kind: riskd.Text, Doc: "none, return (to a prefix that the session has used, or the user in this network), prefix (new, same network), known_network or new_network"},
			{Name: "gap_s", Doc: "seconds since the session's last request; at a login since the user was last seen"},
			{Name: "alternations", Doc: "how often the session has gone from one network to another and back within ten minutes"},
			{Name: "roaming_nats", Doc: "nats that moves inside known networks have come to in this session, at most 4"},
		},
		Memory: true,
	}, measureIPChange)
}

// How often an attacker shows such a move, and how often an hour an honest user
// makes it; the bounds of a single move and of all in a session (all assumed,
// held up in simulation: docs/detection.md).
const (
	prefixAttack  = 0.08
	prefixRate    = 0.5
	prefixMost    = 2.5
	knownAttack   = 0.05
	knownRate     = 0.12
	knownMost     = 3.5
	roamingMost   = 4
	stillNats     = -0.04
	knownAtLogin  = -1.5
	loginAttack   = 0.10 // of a new prefix in a known network, at a login
	loginOrdinary = 0.70
)

// Going from A to B and back within ten minutes is what two users of one session
// look like. Honest users do it 0.25 times an hour, attackers half of the time:
// ln(0.5/P) exceeds its bound of 2 for every gap below ten minutes, so that it
// is always 2 (assumed, as is the bound a session).
const (
	alternationWithin = 10 * time.Minute
	alternationNats   = 2
	alternationsMost  = 6 // nats a session
)

// What ip_change keeps in its cell.
const (
	roamed = iota // nats from moves inside known networks
	alternated
	alternations
)

func measureIPChange(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	n := compare(in)
	if n.login {
		return ipAtLogin(in, &n, cell), cell
	}
	if n.unknown() {
		return riskd.NotEvaluableFor("address"), cell
	}
	value, change, nats := 0.0, "none", stillNats
	if n.to.Prefix != n.from.Prefix {
		value, change = n.move()
		nats = n.roaming(change, &cell)
		if change == "return" && value == 2 {
			nats = alternation(in, &n, &cell)
		}
	}
	return measured(value, nats, ipDetails(change, &n, &cell)), cell
}

// move names a change of prefix. A network that isn't known counts as the same:
// the move is at least that far.
func (n *novelty) move() (value float64, change string) {
	same := n.to.ASN == n.from.ASN || n.to.ASN == 0 || n.from.ASN == 0
	switch {
	case same && n.prefix():
		return 1, "return"
	case n.session.Prefix:
		return 2, "return"
	case same:
		return 1, "prefix"
	case n.session.ASN || n.user.ASN || n.user.Prefix: // the prefix alone, if a database renamed its network
		return 2, "known_network"
	}
	return 3, "new_network"
}

// roaming is the evidence of a move inside known networks, as far as the session
// hasn't used up its allowance: phones and laptops do it all day.
func (n *novelty) roaming(change string, cell *riskd.Cell) float64 {
	nats := 0.0
	switch change {
	case "prefix":
		nats = n.surprise(riskd.MovePrefix, prefixAttack, prefixRate, prefixMost)
	case "known_network":
		nats = n.surprise(riskd.MoveKnown, knownAttack, knownRate, knownMost)
	}
	nats = min(nats, roamingMost-cell[roamed])
	cell[roamed] += nats
	return nats
}

func alternation(in *Input, n *novelty, cell *riskd.Cell) float64 {
	s := in.Session
	if s.Before.ASN != n.to.ASN || s.MovedAt.IsZero() || in.Now.Sub(s.MovedAt) > alternationWithin {
		return 0
	}
	nats := min(alternationNats, alternationsMost-cell[alternated])
	cell[alternated] += nats
	cell[alternations]++
	return nats
}

func ipAtLogin(in *Input, n *novelty, cell riskd.Cell) riskd.Reading {
	switch {
	case n.to == riskd.Context{}:
		return riskd.NotEvaluableFor("address")
	case in.Profile.Young():
		return riskd.NotEvaluableFor("history")
	case n.user.Prefix:
		return measured(0, knownAtLogin, ipDetails("none", n, &cell))
	case n.to.ASN == 0:
		return riskd.NotEvaluableFor("network")
	case n.user.ASN:
		return measured(2, math.Log(loginAttack/loginOrdinary)+absence(n.gap), ipDetails("known_network", n, &cell))
	}
	return measured(3, 0, ipDetails("new_network", n, &cell))
}

func ipDetails(change string, n *novelty, cell *riskd.Cell) details {
	return details{text(change), number(n.gap.Seconds()), number(cell[alternations]), number(cell[roamed])}
}
