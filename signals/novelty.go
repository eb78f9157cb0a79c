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
}

func compare(in *Input) novelty {
	n := novelty{to: riskd.ContextOf(in.Event), login: in.login(), gap: in.gap()}
	n.user = in.Profile.Contexts.Familiar(n.to)
	if n.login {
		return n
	}
	n.from = in.Session.Here
	n.session = in.Session.Known.Familiar(n.to)
	n.session.Prefix = n.session.Prefix || n.to.Prefix == n.from.Prefix
	n.session.ASN = n.session.ASN || n.to.ASN == n.from.ASN && n.to.ASN != 0
	n.session.Country = n.session.Country || n.to.Country == n.from.Country && n.to.Country != riskd.Country{}
	return n
}

// prefix reports whether session or user know the prefix. Its country and ASN
// are then no news, whatever a new database calls them.
func (n *novelty) prefix() bool { return n.session.Prefix || n.user.Prefix }

// rarest bounds from below how seldom a benign change can be: less than once in
// 5000 requests nobody has measured (assumed).
const rarest = 2e-4

// surprise is the evidence of a change within a session: ln(attack/P), where P
// is the chance that the change happens benignly, at rate a hour, within the
// gap. A change right after the last request says more than one after a night.
func surprise(attack, rate float64, gap time.Duration, most float64) float64 {
	p := max(-math.Expm1(-rate*gap.Hours()), rarest)
	return min(max(math.Log(attack/p), 0), most)
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
