package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "new_network",
		Doc:   "Whether the request comes from a network (autonomous system) that neither its session nor its user has used. At a login only the user's history counts, and a user with fewer than three learned sessions has none (missing: history).",
		Value: "1 when the network is new, else 0",
		Details: []riskd.Detail{
			{Name: "from", Doc: "AS number of the session's last request; 0 when unknown and at a login"},
			{Name: "to", Doc: "AS number of this request"},
			{Name: "org", Kind: riskd.Text, Doc: "who runs the network of this request; empty when unknown"},
			{Name: "gap_s", Doc: "seconds since the session's last request; at a login since the user was last seen"},
			{Name: "known", Doc: "1 when the user has used the network in earlier sessions, else 0"},
		},
	}, measureNewNetwork)
}

// As for countries: assumed, and held up in simulation (docs/detection.md).
const (
	networkAttack      = 0.35
	networkRate        = 0.03
	networkAttackLogin = 0.35
	networkLogin       = 0.08
	// Into mobile networks honest sessions move more often than into others, with
	// every telephone that loses its wifi, and stolen ones seldom.
	mobileAttack = 0.05
	mobileRate   = 0.1
)

func measureNewNetwork(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	n := compare(in)
	known := n.prefix() || n.session.ASN || n.user.ASN
	switch {
	case n.to.ASN == 0:
		return riskd.NotEvaluableFor("network"), cell
	case n.login && in.Profile.Young(),
		!n.login && !known && n.from.ASN == 0:
		return riskd.NotEvaluableFor("history"), cell
	}
	d := details{number(float64(n.from.ASN)), number(float64(n.to.ASN)), text(in.Event.Place.Org), number(n.gap.Seconds()), flag(n.user.ASN)}
	switch {
	case known:
		return measured(0, 0, d), cell
	case n.login:
		return measured(1, min(math.Log(networkAttackLogin/networkLogin)+absence(n.gap)/2, novelMost), d), cell
	}
	attack, rate := networkAttack, networkRate
	if in.Event.Place.Network == riskd.NetworkMobile {
		attack, rate = mobileAttack, mobileRate
	}
	return measured(1, n.surprise(riskd.MoveNetwork, attack, rate, novelMost), d), cell
}
