package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:   "trust_lost",
		Doc:    "Whether a session that was on a trusted device still is. Requests of class open that carry no device say nothing (missing: device), nor do those without a user (missing: user). That no device is told carries nats once a session, as many applications have calls that never tell; another device carries them when it appears, and again when it reappears after a trusted one.",
		Value:  "0 on a trusted device or never on one, 1 the request carries no device id, 2 it carries another one, which isn't trusted, 3 it carries the same, in which trust has ended",
		Memory: true,
	}, measureTrustLost)
}

// trustLostNats make a step-up by themselves, and no revocation: those of one
// request ask for proof from 6 on, and revoke from 10 (assumed: docs/detection.md).
const trustLostNats = 7

// What trust_lost keeps in its cell.
const (
	trustedDevice = iota // mark of the device's id
	lostSilent           // 1 once a request came without a device
	lostTo               // mark of the other device that came instead
)

func measureTrustLost(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	id := riskd.MarkOf(&in.Event.Device).ID
	device := mark(id)
	switch {
	case in.Profile.Trusted(id, in.Now) != nil:
		cell[trustedDevice], cell[lostTo] = device, 0
		return measured(0, 0, details{}), cell
	case cell[trustedDevice] == 0:
		return measured(0, 0, details{}), cell
	case in.Event.User.ID == "":
		return riskd.NotEvaluableFor("user"), cell
	case id == 0 && in.Event.Request.Class == riskd.ClassOpen:
		return riskd.NotEvaluableFor("device"), cell
	case device == cell[trustedDevice]:
		return measured(3, 0, details{}), cell
	}
	value, nats := 1.0, 0.0
	known, now := &cell[lostSilent], 1.0
	if id != 0 {
		value, known, now = 2, &cell[lostTo], device
	}
	if *known != now {
		*known, nats = now, trustLostNats
	}
	return measured(value, nats, details{}), cell
}
