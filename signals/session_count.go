package signals

import (
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "session_count",
		Doc:   "How many sessions of the user are in use: seen within the last 30 minutes, this one among them. Evidence only at a login: for more than the user has devices, and for one that was in use in another country, or in another network, shortly before, when this login isn't on a machine or in a place of the user's own: two people can be in two places. One that was signed out counts until then; the ids of a rotation are one. Missing: user, when nobody is signed in.",
		Value: "sessions in use, 1 to 5; no more than four others are remembered",
		Details: []riskd.Detail{
			{Name: "usual", Doc: "how many the user may well have: one for each known device, at least 2"},
			{Name: "elsewhere", Kind: riskd.Text, Doc: "country or network, when another session was in use there shortly before this login; none otherwise"},
			{Name: "elsewhere_s", Doc: "seconds since that session's last request; 0 without one"},
		},
	}, measureSessionCount)
}

// A session is in use for inUse after its last request, and speaks of its user's
// whereabouts for reachable: within that, hardly anybody gets to another country.
// Both are assumed, as are the nats, which stay small since new_country and
// new_network weigh the arrival itself (docs/detection.md).
const (
	inUse          = 30 * time.Minute
	reachable      = 4 * time.Hour
	extraNats      = 0.5 // for each session beyond the usual
	extraMost      = 1
	abroadNats     = 1.5 // while a session in another country is in use
	abroadLateNats = 0.75
	apartNats      = 0.75 // while one in another network is
)

func measureSessionCount(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	if in.Event.User.ID == "" {
		return riskd.NotEvaluableFor("user"), cell
	}
	count, usual := 1.0, max(2, ownDevices(in))
	where, since, nats := "none", 0.0, 0.0
	judge := in.login() && !ownMachine(in)
	for i := range in.Profile.Live {
		s := &in.Profile.Live[i]
		if s.Session == 0 || sameSession(in, s.Session) {
			continue
		}
		idle := max(0, in.Now.Sub(time.Unix(s.At, 0)))
		if idle <= inUse {
			count++
		}
		if !judge {
			continue
		}
		if word, x := apart(in, s.Here, idle); x > nats {
			where, since, nats = word, idle.Seconds(), x
		}
	}
	if judge {
		nats += clamp(extraNats*(count-usual), 0, extraMost)
	}
	return measured(count, nats, details{number(usual), text(where), number(since)}), cell
}

// sameSession reports whether a mark is of this session, under the id that it has or
// had.
func sameSession(in *Input, mark uint64) bool {
	e, s := &in.Event.Session, in.Session
	for _, id := range [...]riskd.SessionID{e.ID, e.PreviousID, s.ID, s.Previous, s.Next} {
		if !id.IsZero() && id.Mark() == mark {
			return true
		}
	}
	return false
}

// apart weighs a session that was in use elsewhere. A place of the user's own is
// where one of his devices may be, and a network that hides its users is nowhere.
func apart(in *Input, other riskd.Context, idle time.Duration) (where string, nats float64) {
	here := riskd.ContextOf(in.Event)
	prefix, network := ownPlace(in)
	switch {
	case prefix || network || idle > reachable || other.Prefix == here.Prefix:
		return "none", 0
	case here.Country != riskd.Country{} && other.Country != riskd.Country{} && here.Country != other.Country:
		if idle > inUse {
			return "country", abroadLateNats
		}
		return "country", abroadNats
	case idle <= inUse && here.ASN != 0 && other.ASN != 0 && here.ASN != other.ASN && !ownAgent(in):
		return "network", apartNats
	}
	return "none", 0
}

// ownDevices counts the user's devices.
func ownDevices(in *Input) float64 {
	n := 0.0
	for i := range in.Profile.Devices {
		d := &in.Profile.Devices[i]
		if d.Count > 0 && d.Tenure.Settled(in.Now) {
			n++
		}
	}
	return n
}
