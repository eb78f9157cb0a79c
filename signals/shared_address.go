package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "shared_address",
		Doc:   "How many different users came from the request's prefix today, as of the session's last arrival (login, or change of network or machine), and whether that is far more than usual: a password spray and what it hits come from where yesterday there was hardly anybody. Offices, campuses and carriers always have many, and in networks that don't hide their users what counts as usual is the whole network's. An arrival in a network or on a machine of the user's own is no evidence. Missing at an arrival when the crowd wasn't counted yesterday (crowd), or its address is unknown (address).",
		Value: "users of the prefix today, this one not counted if he is new there; an estimate, at most about 500",
		Details: []riskd.Detail{
			{Name: "usual", Doc: "users of the prefix on a usual day: yesterday's or an average day's, whichever is more"},
			{Name: "network_before", Doc: "users of the whole network yesterday; 0 when unknown"},
			{Name: "own", Doc: "1 when the user is known to use prefix, network or machine, else 0"},
			{Name: "kind", Kind: riskd.Text, Doc: "kind of the network, as network_kind names it; empty when this is no arrival"},
		},
		Memory: true,
	}, measureSharedAddress)
}

// A prefix is crowded when it has crowdedTimes as many users as usual, and
// crowdedLeast more; from there on every e-fold says crowdedNats more, and a network
// that hides its users hiddenCrowdNats. All of it is assumed (docs/detection.md).
const (
	crowdedTimes    = 3
	crowdedLeast    = 8
	crowdedNats     = 1
	crowdedMost     = 2.5
	hiddenCrowdNats = 1
)

// What shared_address keeps in its cell.
const (
	addressUsers = iota
	addressUsual
	addressNetwork
	addressOwn
)

func measureSharedAddress(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	c, kind := in.Crowd, in.Event.Place.Network
	if !c.Looked {
		return sharedAddress(&cell, 0, ""), cell
	}
	switch {
	case riskd.ContextOf(in.Event) == riskd.Context{}:
		return riskd.NotEvaluableFor("address"), riskd.Cell{}
	case !crowdOfYesterday(c):
		return riskd.NotEvaluableFor("crowd"), riskd.Cell{}
	}
	prefix, network := ownPlace(in)
	own := prefix || network && !kind.Anonymous() || ownMachine(in)
	cell = riskd.Cell{addressUsers: c.Prefix.Users, addressUsual: usualUsers(c.Prefix), addressNetwork: c.ASN.Before, addressOwn: flag(own).Number}
	usual := cell[addressUsual]
	if !kind.Anonymous() { // prefixes come and go in carriers' and providers' pools
		usual = max(usual, c.ASN.Before)
	}
	ordinary := crowdedTimes*usual + crowdedLeast
	if own || c.Prefix.Users <= ordinary {
		return sharedAddress(&cell, 0, kind.String()), cell
	}
	nats := clamp(crowdedNats*(1+math.Log(c.Prefix.Users/ordinary)), 0, crowdedMost)
	if kind.Anonymous() {
		nats += hiddenCrowdNats
	}
	return sharedAddress(&cell, nats, kind.String()), cell
}

func sharedAddress(cell *riskd.Cell, nats float64, kind string) riskd.Reading {
	return measured(cell[addressUsers], nats, details{number(cell[addressUsual]), number(cell[addressNetwork]), number(cell[addressOwn]), text(kind)})
}
