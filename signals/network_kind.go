package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "network_kind",
		Doc:   "What kind of network the request comes from, and whether it hides its users: hosting, VPN, proxy and Tor do. Evidence only on arrival: staying in such a network, or using the usual one, is none.",
		Value: "1 when the network hides where its users are, else 0",
		Details: []riskd.Detail{
			{Name: "kind", Kind: riskd.Text, Doc: "residential, mobile, business, satellite, hosting, vpn, proxy or tor"},
			{Name: "known", Doc: "1 when user or session are known to use this network in that way, else 0"},
		},
	}, measureNetworkKind)
}

// What a hiding network that is new to the user adds to the evidence of the move
// (both assumed, held up in simulation: docs/detection.md).
const (
	hiddenNats      = 1
	hiddenLoginNats = 1.5
)

func measureNetworkKind(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	kind := in.Event.Place.Network
	if kind == riskd.NetworkUnknown {
		return riskd.NotEvaluableFor("network"), cell
	}
	n := compare(in)
	user := n.user
	if kind.Anonymous() {
		user = in.Profile.Anonymous.Settled(n.to, ownMachine(in), in.Now)
	}
	known := user.Prefix || user.ASN || n.session.Prefix ||
		n.session.ASN && in.Session.Network.Anonymous() == kind.Anonymous()
	d := details{text(kind.String()), flag(known)}
	switch {
	case !kind.Anonymous():
		return measured(0, 0, d), cell
	case known:
		return measured(1, 0, d), cell
	case n.login:
		return measured(1, hiddenLoginNats, d), cell
	}
	return measured(1, hiddenNats, d), cell
}
