package sessions

import "time"

// Forget takes out of memory the sessions that have been over for a week, and those
// without a limit that were not heard of for as long as revocations are retained, and
// counts them: what SweepArchive does on disk. A store with a folder needs no Forget:
// what it has written leaves memory when there is no room. It walks the whole table,
// holding one shard at a time, and is for those who run through much time at once.
func (s *Store) Forget(now time.Time) (forgotten int) {
	if s.archive != nil {
		return 0
	}
	s.sessions.each(func(r *sessionRow) {
		f := &r.value.facts
		over := f.status.Over() || due(f.end, now) || s.ended(r)
		silent := now.Sub(latest(time.UnixMilli(r.seen), f.end))
		if r.pins > 0 || over && silent <= forgetAfter || !over && (!f.end.IsZero() || silent <= s.retention) {
			return
		}
		s.keepEnded(r)
		s.sessions.remove(r)
		forgotten++
	})
	return forgotten
}
