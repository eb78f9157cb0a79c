package scoring

import (
	"container/list"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// standing is where a session stands with a candidate: the evidence that its
// rules have gathered.
type standing struct {
	identity, behaviour riskd.Sum
	cells               []riskd.Cell // of all signals, the candidate's own among them
	provedAt            time.Time    // the last proof whose evidence is cleared
	counted, differs    uint64       // the tallies that count it, and as one disagreed on
}

// standingOf begins where the policy in force stands.
func standingOf(s *riskd.Session) *standing {
	return &standing{
		identity:  riskd.Sum{At: s.Identity.At, Open: slices.Clone(s.Identity.Open)},
		behaviour: riskd.Sum{At: s.Behaviour.At, Open: slices.Clone(s.Behaviour.Open)},
		cells:     slices.Clone(s.Cells), provedAt: s.ProvedAt,
	}
}

// standings are those of the sessions seen last, a bounded number. Whoever makes
// room begins anew when he comes back. It isn't safe for concurrent use.
type standings struct {
	limit int
	byID  map[riskd.SessionID]*list.Element
	order list.List // of *named, the one seen last in front
}

type named struct {
	id riskd.SessionID
	*standing
}

// find gives the standing of a scene's session, which may be new here.
func (l *standings) find(s *riskd.Session) *standing {
	if at := l.byID[s.ID]; at != nil {
		l.order.MoveToFront(at)
		return at.Value.(*named).standing
	}
	if len(l.byID) >= l.limit {
		oldest := l.order.Back()
		delete(l.byID, oldest.Value.(*named).id)
		l.order.Remove(oldest)
	}
	own := standingOf(s)
	l.byID[s.ID] = l.order.PushFront(&named{s.ID, own})
	return own
}

func newStandings(limit int) standings {
	return standings{limit: limit, byID: map[riskd.SessionID]*list.Element{}}
}
