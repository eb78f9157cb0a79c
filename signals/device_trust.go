package signals

import (
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "device_trust",
		Doc:   "Whether the request comes from a device that the user has proved himself on, by a first-party id that only this machine should know; a fingerprint alone is never trusted. Trust explains one thing: that a machine which is known and unchanged is in a network or country that neither session nor user has used. So only such an arrival carries nats, never more than the new network is worth, none on requests of class sensitive or admin, and none where two networks have the id at once.",
		Value: "1 when the user's trust in the device of this id holds, else 0",
		Details: []riskd.Detail{
			{Name: "excused", Doc: "1 when trust has excused such an arrival since the session's last authentication, else 0"},
		},
		Memory: true,
	}, measureDeviceTrust)
}

// trustNats is what a trusted device takes from the evidence of a new network:
// it is seven times likelier to be the user's (assumed: docs/detection.md).
const trustNats = 2

// What device_trust keeps in its cell.
const (
	excused   = iota // 1 once an arrival was
	excusedAt        // Unix seconds of the authentication known then
)

func measureDeviceTrust(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	if at := unixSeconds(lastProof(in)); at > cell[excusedAt] {
		cell = riskd.Cell{excusedAt: at}
	}
	trust := in.Profile.Trusted(riskd.MarkOf(&in.Event.Device).ID, in.Now)
	if trust == nil {
		return measured(0, 0, details{number(cell[excused])}), cell
	}
	nats := 0.0
	class := in.Event.Request.Class
	harmless := class == riskd.ClassOpen || class == riskd.ClassStandard
	if harmless && !otherMachine(in) && !trust.ClonedBy(riskd.ContextOf(in.Event), in.Now) {
		nats = -arrival(in)
	}
	if nats < 0 {
		cell[excused] = 1
	}
	return measured(1, nats, details{number(cell[excused])}), cell
}

// arrival is how much of the evidence of a new network, or country, a trusted
// device may take away. Countries are worth more than networks, so that the
// bound holds for both. At a login there is nothing to have come from.
func arrival(in *Input) float64 {
	n := compare(in)
	network := n.to.ASN != 0 && n.from.ASN != 0 && !n.session.ASN && !n.user.ASN
	country := n.to.Country != riskd.Country{} && n.from.Country != riskd.Country{} && !n.session.Country && !n.user.Country
	if n.prefix() || !network && !country {
		return 0
	}
	return min(trustNats, n.surprise(riskd.MoveNetwork, networkAttack, networkRate, novelMost))
}

// lastProof is the last authentication that is known of the session.
func lastProof(in *Input) time.Time {
	if in.Event.Session.AuthTime.After(in.Session.AuthTime) {
		return in.Event.Session.AuthTime
	}
	return in.Session.AuthTime
}
