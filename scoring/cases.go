package scoring

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// Cases keep the latest event of a bounded number of sessions, so that a policy
// can be tried on them before it comes into force. It is safe for concurrent use;
// decisions never wait for it.
type Cases struct {
	slots []atomic.Pointer[scene] // a session's place is its hash
}

// DefaultCases is how many are kept when nobody says; some 8 KB each.
const DefaultCases = 2048

// keptFor is how long a case stays before the same or another session may take
// its place: what is kept costs a copy, and so many a second at most.
const keptFor = time.Second

// NewCases keeps so many cases, DefaultCases if 0.
func NewCases(limit int) (*Cases, error) {
	if limit < 0 {
		return nil, errors.New("scoring.NewCases: limit: must not be negative")
	}
	if limit == 0 {
		limit = DefaultCases
	}
	return &Cases{slots: make([]atomic.Pointer[scene], limit)}, nil
}

func (c *Cases) slot(id riskd.SessionID) *atomic.Pointer[scene] {
	return &c.slots[spread(id, 0)%uint64(len(c.slots))]
}

func (c *Cases) wants(id riskd.SessionID, now time.Time) bool {
	kept := c.slot(id).Load()
	return kept == nil || now.Sub(kept.now) >= keptFor || now.Before(kept.now)
}

// put keeps a scene that lasts.
func (c *Cases) put(s *scene) { c.slot(s.session.ID).Store(s) }

// Trial is what two policies make of the same cases, a session each.
type Trial struct {
	Sessions int
	// Before and After are those that the one policy steps up or revokes, and that
	// the other does; Harsher are those to which the other does more.
	Before, After, Harsher int
	// Failed are those on which the other gave no answer.
	Failed int
	// Revoked and SteppedUp are of Harsher.
	Revoked, SteppedUp int
}

// Try has two policies judge the cases that aren't older than since. Each gets so
// much time for one case as each asks for.
func (e *Engine) Try(ctx context.Context, before, after Policy, since time.Time, each time.Duration) (t Trial) {
	for i := range e.Cases.slots {
		s := e.Cases.slots[i].Load()
		if s == nil || s.now.Before(since) || ctx.Err() != nil {
			continue
		}
		old := e.tried(ctx, before, s, each)
		next := e.tried(ctx, after, s, each)
		t.add(old, next)
	}
	return t
}

// tried judges a case that lies in the store.
func (e *Engine) tried(ctx context.Context, p Policy, s *scene, each time.Duration) word {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	return e.judged(ctx, p, s, standingOf(&s.session), e.extras(p.Info(), s.reads))
}

func (t *Trial) add(before, after word) {
	if before.err != nil {
		before.outcome = riskd.Allow // nothing to compare with: all that the other does counts
	}
	t.Sessions++
	if before.outcome != riskd.Allow {
		t.Before++
	}
	if after.err != nil {
		t.Failed++
		return
	}
	if after.outcome != riskd.Allow {
		t.After++
	}
	if after.outcome <= before.outcome {
		return
	}
	t.Harsher++
	if after.outcome == riskd.Revoke {
		t.Revoked++
	} else {
		t.SteppedUp++
	}
}
