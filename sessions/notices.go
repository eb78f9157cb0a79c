package sessions

import (
	"slices"

	"github.com/riskd/riskd"
)

// Notices go out under the lock of those who give orders, after what they tell of
// has come into force: who sees a number sees what it stands for.

// LastNumber is the number of the last order or notice. Whoever asks now what is
// in force is answered with all of them up to there taken into account.
func (s *Store) LastNumber() uint64 { return s.told.Load() }

// EndLeases tells that no lease that was given before is good any more.
func (s *Store) EndLeases() { s.tell(riskd.Notice{Kind: riskd.NoticeAll}) }

// tell numbers a notice and sends it out.
func (s *Store) tell(n riskd.Notice) {
	if s.notify == nil {
		return
	}
	s.giving.Lock()
	defer s.giving.Unlock()
	n.Number = s.number.Add(1)
	s.notify(n)
	s.told.Store(n.Number)
}

// announce tells of orders that are in force now; of those that had been before
// it was told then. The caller holds giving.
func (s *Store) announce(orders []riskd.Epoch) {
	last := s.told.Load()
	for i := range orders {
		e := &orders[i]
		if e.Number <= last {
			continue
		}
		last = e.Number
		if s.notify != nil {
			s.notify(s.noticeOf(e))
		}
	}
	s.told.Store(last)
}

func (s *Store) noticeOf(e *riskd.Epoch) riskd.Notice {
	n := riskd.Notice{Number: e.Number, Kind: riskd.NoticeOrder, Order: nameless(*e)}
	if t := &e.Target; t.Kind == riskd.TargetSession {
		n.Sessions = append(s.family(t.Session), t.Session)
	}
	return n
}

// nameless takes the pseudonym of one who was erased out of an order: nobody
// knows him by that.
func nameless(e riskd.Epoch) riskd.Epoch {
	if isPseudonym(e.Target.ID) {
		e.Target.ID = ""
	}
	return e
}

// MaxInForce is how many orders InForce gives.
const MaxInForce = 10_000

// InForce gives as notices the orders in force that end sessions or hold them up,
// the newest MaxInForce of them, oldest first. Those over a session name it alone.
func (s *Store) InForce() []riskd.Notice {
	var all []riskd.Notice
	for before := uint64(0); len(all) < MaxInForce; {
		page := s.Orders(before, MaxPage)
		for i := range page {
			switch e := &page[i]; e.Effect {
			case riskd.EffectRevoke, riskd.EffectSuspend, riskd.EffectResume, riskd.EffectStepUp:
				n := riskd.Notice{Number: e.Number, Kind: riskd.NoticeOrder, Order: nameless(*e)}
				if e.Target.Kind == riskd.TargetSession {
					n.Sessions = []riskd.SessionID{e.Target.Session}
				}
				all = append(all, n)
			}
		}
		if len(page) < MaxPage {
			break
		}
		before = page[len(page)-1].Number
	}
	slices.Reverse(all)
	return all
}

// turned makes the notice of a session that isn't any more what leases were given
// to; due is false where it still is, or where nobody holds one. Sessions that are
// revoked or suspended are so by an order, of which is told by itself. The caller
// holds session and shard.
func (s *Store) turned(r *sessionRow, before *facts) (n riskd.Notice, due bool) {
	v := &r.value
	now := &v.facts
	if s.notify == nil || !v.Leased || !v.turnedFrom(before) {
		return n, false
	}
	n = riskd.Notice{Kind: riskd.NoticeSession, Sessions: []riskd.SessionID{r.key}, Status: now.status}
	if now.next != before.next {
		n.Sessions = append(n.Sessions, now.next)
	}
	v.Leased = false
	return n, true
}

// turnedFrom compares a session with what leases were given to: it has to prove
// itself, is over, has another device, by which orders would meet it, goes on under
// another id, or ends earlier.
func (v *session) turnedFrom(before *facts) bool {
	now := &v.facts
	return now.status == riskd.StatusStepUp && before.status != now.status ||
		now.status == riskd.StatusExpired && before.status != now.status ||
		before.device != "" && now.device != before.device ||
		now.next != before.next ||
		!before.end.IsZero() && now.end.Before(before.end) && !now.end.IsZero()
}
