package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/journal"
)

// keys are the keys under which orders were given. Its lock is only ever held for
// moments, since the ledger's own goroutine takes it.
type keys struct {
	sync.Mutex
	given map[string]key
}

type key struct {
	at        time.Time
	commit    *journal.Commit             // nil when it is on disk for sure
	witnessed func(context.Context) error // nil when it is on record for sure
}

func (k *keys) get(under string) (key, bool) {
	k.Lock()
	defer k.Unlock()
	in, ok := k.given[under]
	return in, ok
}

func (k *keys) put(under string, in key) {
	k.Lock()
	k.given[under] = in
	k.Unlock()
}

// settle notes that the orders of a key are on disk, or that they can't be: then
// the key is free again, so that giving them once more tries once more.
func (k *keys) settle(under string, ok bool) {
	k.Lock()
	defer k.Unlock()
	if in, there := k.given[under]; ok && there {
		k.given[under] = key{at: in.at}
	} else {
		delete(k.given, under)
	}
}

func (k *keys) sweep(now time.Time, retention time.Duration) {
	k.Lock()
	defer k.Unlock()
	maps.DeleteFunc(k.given, func(_ string, in key) bool { return now.Sub(in.at) > retention })
}

// Impose puts orders in force, all or none, and returns when they are on disk.
// From the moment on at which it has returned, with or without an error that
// wraps [riskd.ErrNotDurable], no decision passes them any more; such an error
// says that they may not survive the process. Other errors are
// [*riskd.FieldError]s of an invalid order, and nothing has happened.
//
// Epochs of one target and effect merge by taking the later time: an order that
// is not later than the one in force changes nothing, and gives that one.
//
// Orders given under a key that was used before do nothing, for as long as
// revocations are retained; key "" is none.
func (s *Store) Impose(ctx context.Context, under string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	for i := range orders {
		if err := orders[i].Validate(); err != nil {
			return riskd.Imposed{}, err
		}
	}
	done := riskd.Imposed{Epochs: make([]riskd.Epoch, len(orders))}
	hits := make([][]riskd.SessionID, len(orders))
	for i := range orders {
		if t := &orders[i].Target; t.Kind == riskd.TargetPredicate {
			hits[i] = s.hitBy(t)
		}
	}
	s.giving.Lock()
	if before, ok := s.keys.get(under); ok {
		s.giving.Unlock()
		return riskd.Imposed{Repeated: true}, s.settled(ctx, under, before)
	}
	var lines []line
	for i := range orders {
		e := orders[i]
		lines = append(lines, s.impose(&e, hits[i])...)
		done.Epochs[i] = e
	}
	var at time.Time
	if len(orders) > 0 {
		at = orders[0].At
	}
	s.announce(done.Epochs)
	witnessed := s.witness(done.Epochs)
	commit := s.write(lines, under, at)
	s.giving.Unlock()
	for i := range done.Epochs {
		done.Matched += s.meet(&done.Epochs[i])
	}
	return done, s.settled(ctx, under, key{commit: commit, witnessed: witnessed})
}

// impose takes one order in, which becomes the epoch in force, and gives the
// records that it needs; hit are the sessions that its predicate hits. The caller
// holds giving.
func (s *Store) impose(e *riskd.Epoch, hit []riskd.SessionID) (lines []line) {
	if e.Target.Kind == riskd.TargetPredicate {
		return s.imposePredicate(e, hit)
	}
	*e = s.orders[e.Effect].raise(*e, &s.number)
	lines = append(lines, line{Order: newOrderLine(e, 0)})
	if e.Effect == riskd.EffectRevoke && e.Target.Kind == riskd.TargetSession {
		for _, id := range s.family(e.Target.Session) {
			if s.orders[e.Effect].sessions.inherit(id, *e) {
				lines = append(lines, line{Inherit: newOrderLine(e, 0), For: id.String()})
			}
		}
	}
	return lines
}

// write puts records into the ledger; nil if there is none. The caller holds
// giving.
func (s *Store) write(lines []line, under string, at time.Time) *journal.Commit {
	if under != "" {
		lines = append(lines, line{Key: under, At: at})
		s.keys.put(under, key{at: at})
	}
	if s.ledger == nil {
		return nil
	}
	payloads := make([][]byte, len(lines))
	for i := range lines {
		payloads[i] = lines[i].bytes()
	}
	commit := s.ledger.Append(payloads...)
	if under != "" {
		s.keys.put(under, key{at: at, commit: &commit})
	}
	return &commit
}

// settled waits until a key's orders are on disk.
func (s *Store) settled(ctx context.Context, under string, k key) error {
	var err error
	if k.commit != nil {
		err = k.commit.Wait(ctx)
	}
	if k.witnessed != nil {
		err = errors.Join(err, k.witnessed(ctx))
	}
	if under != "" {
		s.keys.settle(under, err == nil)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", riskd.ErrNotDurable, err)
	}
	return nil
}

// Lift undoes one order, whose number it is: what the order ended goes on,
// unless another order meets it. It fails with [riskd.ErrUnknownEpoch], or with
// an error that wraps [riskd.ErrNotDurable] if the order may be back after a
// restart.
func (s *Store) Lift(ctx context.Context, number uint64) (riskd.Epoch, error) {
	s.giving.Lock()
	dropped := s.drop(number)
	if dropped == nil {
		s.giving.Unlock()
		return riskd.Epoch{}, riskd.ErrUnknownEpoch
	}
	commit := s.write([]line{{Lift: number}}, "", time.Time{})
	s.giving.Unlock()
	s.revive(number)
	s.tell(riskd.Notice{Kind: riskd.NoticeLifted, Order: *dropped})
	return *dropped, s.settled(ctx, "", key{commit: commit})
}

// drop takes an order out of force.
func (s *Store) drop(number uint64) (dropped *riskd.Epoch) {
	for i := range s.orders {
		if e := s.orders[i].drop(number); e != nil {
			dropped = e
		}
	}
	if e := s.predicates.drop(number); e != nil {
		dropped = e
	}
	// What leaves memory or comes back from disk has to know later.
	s.lifted.Store(number, true)
	return dropped
}

// revive lets go on what a lifted order has ended.
func (s *Store) revive(number uint64) {
	var ended []*sessionRow
	s.sessions.each(func(r *sessionRow) {
		if r.value.endedBy.Load() == number {
			r.pins++
			ended = append(ended, r)
		}
	})
	for _, r := range ended {
		r.value.mu.Lock()
		r.value.reviveFrom(number)
		s.leave(r)
	}
}

// reviveFrom undoes what being ended by an order did. The caller holds the session.
func (v *session) reviveFrom(number uint64) {
	if !v.endedBy.CompareAndSwap(number, 0) || v.Status != riskd.StatusRevoked {
		return
	}
	if v.Status = v.Waiting(); !v.expiredAt.IsZero() {
		v.Status = riskd.StatusExpired
	}
}

// Orders gives the epochs in force whose number is below before, newest first, at
// most limit of them; 0 begins with the newest. limit is DefaultPage if it isn't
// positive, and at most MaxPage.
func (s *Store) Orders(before uint64, limit int) []riskd.Epoch {
	p := newPage(limit, func(a, b *riskd.Epoch) int { return cmp.Compare(b.Number, a.Number) })
	add := func(e *riskd.Epoch) {
		if before == 0 || e.Number < before {
			p.add(e)
		}
	}
	for i := range s.orders {
		s.orders[i].each(add)
	}
	for _, in := range s.predicates.all() {
		add(&in.Epoch)
	}
	newest, _ := p.close()
	list := make([]riskd.Epoch, len(newest))
	for i, e := range newest {
		list[i] = *e
	}
	return list
}

// Order gives the order in force of a number.
func (s *Store) Order(number uint64) (found riskd.Epoch, ok bool) {
	seek := func(e *riskd.Epoch) {
		if e.Number == number {
			found, ok = *e, true
		}
	}
	for i := range s.orders {
		s.orders[i].each(seek)
	}
	for _, in := range s.predicates.all() {
		seek(&in.Epoch)
	}
	return found, ok
}

// Durable reports whether what was acknowledged survives the process now.
func (s *Store) Durable() bool { return s.ledger != nil && s.ledger.Err() == nil }

// Sweep takes out the orders whose retention has passed, and counts them.
// Retention begins with the first sweep that meets an order, so Sweep has to
// be called every now and then, such as every minute. With now straight from
// time.Now, setting the clock doesn't shorten it. It also mends the ledger if
// that has failed, and makes it shorter when most of it is dead.
func (s *Store) Sweep(ctx context.Context, now time.Time) (swept int, err error) {
	for i := range s.orders {
		swept += s.orders[i].sweep(now, s.retention)
	}
	swept += s.predicates.sweep(now, s.retention)
	s.keys.sweep(now, s.retention)
	if s.ledger == nil {
		return swept, nil
	}
	return swept, s.tend(ctx, now)
}

// rewriteAfter is how often the ledger is written anew at least, since only that
// keeps the ages of its orders.
const rewriteAfter = 24 * time.Hour

// tend writes the ledger anew if it has failed, is mostly dead, or is old.
func (s *Store) tend(ctx context.Context, now time.Time) error {
	if s.rewritten.IsZero() {
		s.rewritten = now
	}
	dead := s.ledger.Size().Records > 2*int64(s.orderCount())+10_000
	if s.ledger.Err() == nil && !dead && now.Sub(s.rewritten) < rewriteAfter {
		return nil
	}
	if err := s.ledger.Rewrite(ctx, s.live(now)); err != nil {
		return fmt.Errorf("the ledger of revocations can't be written anew: %w", err)
	}
	s.rewritten = now
	return nil
}

func (s *Store) orderCount() (n int) {
	for i := range s.orders {
		n += s.orders[i].count()
	}
	return n + len(s.predicates.all())
}
