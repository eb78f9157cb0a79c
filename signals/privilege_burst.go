package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "privilege_burst",
		Doc:   "Whether the session asks for power more often than its user is in the habit of: requests by what they are about (reads, writes; of sensitive and of administrative routes), and those that use a privilege. The evidence of its requests adds up, and ordinary ones take it back. A user without history isn't compared (missing: history).",
		Value: "nats that the session's requests have added up to, fading by half in 8 minutes, 0 to 14",
		Details: []riskd.Detail{
			{Name: "kind", Kind: riskd.Text, Doc: "what the request is about: read, write, sensitive_read, sensitive_write, admin_read, admin_write"},
			{Name: "usual_pct", Doc: "how many of the user's requests are of this kind, smoothed with 40 of the population's; 0 to 100 %"},
			{Name: "attack_pct", Doc: "how many of an attacker's would be; 0 to 100 %"},
			{Name: "admin_pct", Doc: "how many of the session's last twenty requests or so administer; 0 to 100 %"},
		},
		Memory: true,
	}, measurePrivilegeBurst)
}

// What attackers and honest users ask for, by riskd.RequestKind. Attackers: the
// simulation's mix of reading 0.42, listing 0.32, writing 0.10, exporting 0.09,
// administering 0.03 (taken as half reading, half writing) and changes of
// credentials 0.04. Honest users: 0.64, 0.18, 0.11, 0.008 and 0.0015, and
// administration of 0.06 by the 8 % who do any (docs/detection.md).
var (
	attackKinds = [riskd.RequestKinds]float64{
		riskd.KindRead: 0.74, riskd.KindWrite: 0.10, riskd.KindSensitiveRead: 0.09,
		riskd.KindSensitiveWrite: 0.04, riskd.KindAdminRead: 0.015, riskd.KindAdminWrite: 0.015,
	}
	usualKinds = [riskd.RequestKinds]float64{
		riskd.KindRead: 0.868, riskd.KindWrite: 0.1164, riskd.KindSensitiveRead: 0.0085,
		riskd.KindSensitiveWrite: 0.0016, riskd.KindAdminRead: 0.00275, riskd.KindAdminWrite: 0.00275,
	}
	kindNames = [riskd.RequestKinds]string{"read", "write", "sensitive_read", "sensitive_write", "admin_read", "admin_write"}
)

const (
	kindsPrior = 40 // the user's own requests that the population's mix counts as much as (assumed)
	kindLeast  = -0.35
	kindMost   = 1.6
	// Attackers administer all the time or not at all. So the share expected of them
	// follows the session's own, from attackKinds, which counts as much as adminPrior
	// requests, up to adminTimes that: an administrator's own habits stay beyond
	// reach. All assumed.
	adminPrior  = 10
	adminTimes  = 3
	adminWindow = 20 // requests over which the session's share is averaged
	burstMost   = 14 // as the behaviour channel's cap
)

// What privilege_burst keeps in its cell.
const (
	burstSum      = iota // nats, as of the last event
	burstAdmin           // requests that administer, fading with each request
	burstRequests        // all requests, fading in the same way
)

func measurePrivilegeBurst(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p, e := in.Profile, in.Event
	kind, admin := riskd.KindOf(&e.Request), 0.0
	if kind >= riskd.KindAdminRead {
		admin = 1
	}
	share := (cell[burstAdmin] + adminPrior*2*attackKinds[riskd.KindAdminRead]) / (cell[burstRequests] + adminPrior)
	const stays = 1 - 1.0/adminWindow
	cell[burstAdmin], cell[burstRequests] = stays*cell[burstAdmin]+admin, stays*cell[burstRequests]+1
	if p.Young() {
		cell[burstSum] = 0
		return riskd.NotEvaluableFor("history"), cell
	}
	attack, usual := attackKinds[kind], usualOf(p, kind)
	if admin == 1 {
		attack *= clip(share/(2*attack), 1, adminTimes)
	}
	nats := math.Log(attack / usual)
	switch {
	case kind > riskd.KindWrite:
	case e.Privilege.Level > 0: // whatever the route's class is
		nats = privilegedHabit(p)
	default: // nobody needs power for that
		nats = min(nats, 0)
	}
	var news float64
	cell[burstSum], news = cusum(in.left(cell[burstSum]), clip(nats, kindLeast, kindMost), burstMost)
	return measured(cell[burstSum], news, details{
		text(kindNames[kind]), number(100 * usual), number(100 * attack), number(100 * cell[burstAdmin] / cell[burstRequests]),
	}), cell
}

// usualOf is the share that requests of a kind have among the user's own.
func usualOf(p *riskd.Profile, kind riskd.RequestKind) float64 {
	all := 0.0
	for _, n := range p.Kinds {
		all += float64(n)
	}
	return (float64(p.Kinds[kind]) + kindsPrior*usualKinds[kind]) / (all + kindsPrior)
}

// How often requests use a privilege: an attacker's, with 9 % exports, 3 %
// administration and 4 % changes of credentials, and an honest population's, with
// 0.8 % exports, 0.15 % changes of credentials and 6 % administration by the 8 %
// who administer (assumed, held up in simulation: docs/detection.md).
const (
	privilegedAttack   = 0.16
	privilegedOrdinary = 0.0143
)

// privilegedHabit is what one more request with a privilege says, given how usual
// they are for the user.
func privilegedHabit(p *riskd.Profile) float64 {
	usual := (float64(p.Privileged) + kindsPrior*privilegedOrdinary) / (float64(p.Requests) + kindsPrior)
	return clip(math.Log(privilegedAttack/usual), kindLeast, kindMost)
}
