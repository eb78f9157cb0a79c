package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "concurrent_use",
		Doc:   "Whether two clients take turns in the session within one network: it comes back to a prefix that it left less than ten minutes ago for another of the same autonomous system, as it does when a neighbour with the same provider uses a copied token beside its owner. Turns between networks are token_replay's, between devices and TLS stacks device_change's and tls_fingerprint_change's. IPv4 is compared with IPv4 and IPv6 with IPv6, as one house has both. One machine's turns are counted and no evidence in mobile networks, satellites and networks that hide their users, which give a client addresses of many prefixes, and between prefixes that the user has long used; nor are requests that prove the session's key.",
		Value: "how often the session has come back so",
		Details: []riskd.Detail{
			{Name: "asn", Doc: "AS number of the network; 0 when this request is no return"},
			{Name: "away_s", Doc: "seconds since its last request from there; 0 when this request is no return"},
			{Name: "machine", Kind: riskd.Text, Doc: "same or other, by device id, fingerprint, browser and system as far as both requests have them; empty when this request is no return"},
		},
		Memory: true,
	}, measureConcurrentUse)
}

// Nats of a return, on top of what ip_change says of the move itself. A line that
// gets a new address doesn't come back to its old one, and none changes hands
// within handOver. All are assumed, as is the bound, which with ip_change's own
// stays below a step-up: whoever's provider spreads his connections over prefixes
// must not be asked for that alone (docs/detection.md).
const (
	turnNats      = 1
	quickTurnNats = 2
	otherTurnNats = 3 // another machine
	turnsMost     = 6 // nats a session
	handOver      = 60
)

// What concurrent_use keeps in its cell.
const (
	turnLeft   = iota // mark of the prefix that was left
	turnLeftAt        // Unix seconds of the last request there
	turns
	turnsNats
)

func measureConcurrentUse(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	from, to := in.Session.Here, riskd.ContextOf(in.Event)
	late := in.Now.Before(in.Session.SeenAt)
	if to.ASN == 0 {
		return riskd.NotEvaluableFor("network"), cell
	}
	if in.First || late || !withinNetwork(from, to) {
		return measured(cell[turns], 0, details{}), cell
	}
	away := unixSeconds(in.Now) - cell[turnLeftAt]
	back := cell[turnLeft] == mark(uint64(to.Prefix)) && away <= alternationWithin.Seconds()
	cell[turnLeft], cell[turnLeftAt] = mark(uint64(from.Prefix)), unixSeconds(in.Session.SeenAt)
	if !back {
		return measured(cell[turns], 0, details{}), cell
	}
	machine, nats := turn(in, from, to, away)
	nats = max(0, min(nats, turnsMost-cell[turnsNats]))
	cell[turns]++
	cell[turnsNats] += nats
	return measured(cell[turns], nats, details{number(float64(to.ASN)), number(away), text(machine)}), cell
}

// withinNetwork reports whether a client, or another one, moved from prefix to
// prefix of one network and one kind of address.
func withinNetwork(from, to riskd.Context) bool {
	const family = 62 // bits of a prefix that aren't its kind of address
	return from.ASN == to.ASN && from.Prefix != to.Prefix && from.Prefix>>family == to.Prefix>>family
}

// turn weighs a return. Another machine each time is no matter of addresses.
func turn(in *Input, from, to riskd.Context, away float64) (machine string, nats float64) {
	machine, nats = "same", turnNats
	switch {
	case otherMachine(in):
		machine, nats = "other", otherTurnNats
	case pools(in.Event.Place.Network), pools(in.Session.Network), usualPrefix(in, from.Prefix) && usualPrefix(in, to.Prefix):
		nats = 0
	case away <= handOver:
		nats = quickTurnNats
	}
	if keyProved(in) {
		nats = 0
	}
	return machine, nats
}

// pools reports whether a network takes its users' addresses from many prefixes.
func pools(k riskd.NetworkKind) bool {
	return k == riskd.NetworkMobile || k == riskd.NetworkSatellite || k.Anonymous()
}

func usualPrefix(in *Input, prefix riskd.Prefix) bool {
	requests := uint64(0)
	for i := range in.Profile.Contexts {
		if c := &in.Profile.Contexts[i]; c.Prefix == prefix && c.Tenure.Settled(in.Now) {
			requests += uint64(c.Count)
		}
	}
	return requests >= usualAfter
}
