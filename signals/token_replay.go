package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "token_replay",
		Doc:   "Whether the session is used in two places at once: it comes back to a network that it left less than ten minutes ago, again and again, as it does when a copied token is used beside its owner's. Places are autonomous systems; prefixes only where neither side's system is known. One machine that goes back and forth between wifi and a mobile network, or between two networks that its user has long used, is counted and no evidence; nor are requests that prove the session's key, which isn't copied with a token. Missing when the address is unknown: address.",
		Value: "how often the session has come back so",
		Details: []riskd.Detail{
			{Name: "from", Doc: "AS number that it came back from; 0 when unknown, and when this request is no return"},
			{Name: "to", Doc: "AS number that it came back to; 0 when unknown, and when this request is no return"},
			{Name: "away_s", Doc: "seconds since its last request from there; 0 when this request is no return"},
			{Name: "machine", Kind: riskd.Text, Doc: "same or other, by device id, fingerprint, browser and system as far as both requests have them; empty when this request is no return"},
		},
		Memory: true,
	}, measureTokenReplay)
}

// Nats of a return, and at most in a session; they come on top of what ip_change
// and device_change say of the same move. All are assumed, in their size as well
// as their bounds, which stay below a step-up: no proof takes a copied token
// back, so that nothing but time clears them (docs/detection.md).
const (
	returnNats      = 1.5 // the same machine, as far as is known
	returnMost      = 4.5
	returnOtherNats = 4 // another machine
	returnOtherMost = 8
)

// usualAfter is how many requests from a network make it one of the user's own:
// that of a house with two lines, not that of a thief who was let pass a few
// times (assumed).
const usualAfter = 50

// What token_replay keeps in its cell.
const (
	leftPlace = iota // as placeOf gives it
	leftAt           // Unix seconds of the last request there
	returns
	returnedNats
)

func measureTokenReplay(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	from, to := in.Session.Here, riskd.ContextOf(in.Event)
	late := in.Now.Before(in.Session.SeenAt)
	if to == (riskd.Context{}) {
		return riskd.NotEvaluableFor("address"), cell
	}
	if in.First || late || !anotherPlace(from, to) {
		return measured(cell[returns], 0, details{}), cell
	}
	away := unixSeconds(in.Now) - cell[leftAt]
	back := cell[leftPlace] == placeOf(to) && away <= alternationWithin.Seconds()
	cell[leftPlace], cell[leftAt] = placeOf(from), unixSeconds(in.Session.SeenAt)
	if !back {
		return measured(cell[returns], 0, details{}), cell
	}
	machine, nats, most := returned(in, from, to)
	nats = max(0, min(nats, most-cell[returnedNats]))
	cell[returns]++
	cell[returnedNats] += nats
	return measured(cell[returns], nats, details{
		number(float64(from.ASN)), number(float64(to.ASN)), number(away), text(machine),
	}), cell
}

// returned weighs a return: what it is worth, and at most in a session.
func returned(in *Input, from, to riskd.Context) (machine string, nats, most float64) {
	mobile := in.Event.Place.Network == riskd.NetworkMobile || in.Session.Network == riskd.NetworkMobile
	machine, nats, most = "same", returnNats, returnMost
	switch {
	case otherMachine(in):
		machine, nats, most = "other", returnOtherNats, returnOtherMost
	case mobile, to.ASN == 0, usual(in, from.ASN) && usual(in, to.ASN):
		nats = 0
	}
	if keyProved(in) {
		nats = 0
	}
	return machine, nats, most
}

// anotherPlace compares networks. Where a database knows only one of the two,
// they may be one: a house with IPv4 and IPv6 looks like that.
func anotherPlace(a, b riskd.Context) bool {
	if a.ASN == 0 || b.ASN == 0 {
		return a.ASN == b.ASN && a.Prefix != b.Prefix
	}
	return a.ASN != b.ASN
}

// placeOf is a network as a cell keeps it: an AS number or, below 0, the mark of
// a prefix.
func placeOf(c riskd.Context) float64 {
	if c.ASN != 0 {
		return float64(c.ASN)
	}
	return -mark(uint64(c.Prefix))
}

func usual(in *Input, asn uint32) bool {
	requests := uint64(0)
	for i := range in.Profile.Contexts {
		if c := &in.Profile.Contexts[i]; c.ASN == asn && c.Tenure.Settled(in.Now) {
			requests += uint64(c.Count)
		}
	}
	return requests >= usualAfter
}

// keyProved reports whether the event proves possession of the session's key.
func keyProved(in *Input) bool {
	bound, now := in.Session.Binding, in.Event.Session.Binding
	return bound.Type != "" && now.Verified && !differentKey(bound, now)
}
