package signals

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

// novelty is how an event's context compares with those that are remembered.
// Several signals look at it from their own side.
type novelty struct {
	to, from riskd.Context // from is the zero Context at a login
	// session and user say which levels of the context each of them knows. At a
	// login the session knows nothing.
	session, user riskd.Familiarity
	login         bool
	gap           time.Duration
	profile       *riskd.Profile
}

func compare(in *Input) novelty {
	n := novelty{to: riskd.ContextOf(in.Event), login: in.login(), gap: in.gap(), profile: in.Profile}
	n.user = in.Profile.Contexts.Settled(n.to, ownMachine(in), in.Now)
	if n.login {
		return n
	}
	n.from = in.Session.Here
	n.session = in.Session.Known.Familiar(n.to)
	n.session.Prefix = n.session.Prefix || n.to.Prefix == n.from.Prefix && n.to != riskd.Context{}
	n.session.ASN = n.session.ASN || n.to.ASN == n.from.ASN && n.to.ASN != 0
	n.session.Country = n.session.Country || n.to.Country == n.from.Country && n.to.Country != riskd.Country{}
	return n
}

// unknown reports whether it can't be told, within a session, if the event has moved.
func (n *novelty) unknown() bool { return n.to == riskd.Context{} || n.from == riskd.Context{} }

// prefix reports whether session or user know the prefix. Its country and ASN
// are then no news, whatever a new database calls them.
func (n *novelty) prefix() bool { return n.session.Prefix || n.user.Prefix }

// rarest bounds from below how seldom a benign change can be: less than once in
// 5000 requests nobody has measured (assumed).
const rarest = 2e-4

// hazardPrior is how many hours of the user's own activity the population's rate
// counts as much as: enough that a few changes, which may be the first of an
// attack, don't excuse those that follow (assumed: docs/detection.md).
const hazardPrior = 20

// surprise is the evidence of a change within a session: ln(attack/P), where P
// is the chance that the change happens benignly within the gap, at rate an hour
// in the population and as often as the user is known to make it. A change right
// after the last request says more than one after a night.
func (n *novelty) surprise(move riskd.Move, attack, rate, most float64) float64 {
	p := n.profile
	if !p.Young() {
		rate = (float64(p.Moves[move]) + hazardPrior*rate) / (p.ActiveFor.Hours() + hazardPrior)
	}
	chance := max(-math.Expm1(-rate*n.gap.Hours()), rarest)
	return min(max(math.Log(attack/chance), 0), most)
}

// Arrival reports whether the event is a login, or comes from another prefix or
// machine than the session's last.
func (in *Input) Arrival() bool {
	if in.login() {
		return in.Event.User.ID != ""
	}
	return in.otherPrefix() || otherMachine(in)
}

// otherPrefix reports whether the event comes from another prefix than the session's
// last; nobody knows that of an unknown address.
func (in *Input) otherPrefix() bool {
	here := riskd.ContextOf(in.Event)
	return here != riskd.Context{} && here.Prefix != in.Session.Here.Prefix
}

// Move says by which move, if any, the event has come within its session.
func (in *Input) Move() (riskd.Move, bool) {
	n := compare(in)
	switch {
	case n.login || n.unknown() || n.to.Prefix == n.from.Prefix:
		return 0, false
	case n.to.ASN == n.from.ASN || n.to.ASN == 0 || n.from.ASN == 0:
		return riskd.MovePrefix, true
	case n.prefix() || n.session.ASN || n.user.ASN:
		return riskd.MoveKnown, true
	case n.session.Country || n.user.Country || n.to.Country == riskd.Country{}:
		return riskd.MoveNetwork, true
	}
	return riskd.MoveCountry, true
}

// The benign logins that come from a new address, by the time since the user was
// last seen (population table of the RBA data set, accounts with history). Used
// in steps, as counted.
var newAtLogin = []struct {
	below time.Duration
	share float64
}{
	{time.Minute, 0.024},
	{10 * time.Minute, 0.054},
	{time.Hour, 0.120},
	{24 * time.Hour, 0.223},
	{7 * 24 * time.Hour, 0.351},
	{30 * 24 * time.Hour, 0.539},
	{math.MaxInt64, 0.759},
}

// absence is ln(1/P) of that table: how little a user's absence explains a new
// address.
func absence(gap time.Duration) float64 {
	for _, row := range newAtLogin {
		if gap < row.below {
			return -math.Log(row.share)
		}
	}
	return 0
}
