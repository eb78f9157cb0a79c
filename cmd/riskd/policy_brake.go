package main

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

// brake bounds what may happen to how many sessions before a person is asked.
type brake struct {
	Off bool `yaml:"off"`
	// Share is that of live sessions, within Window; Factor is how many times more
	// than before a new revision may do. Below MinSessions nothing is braked: one
	// of twenty is no share.
	Share       float64       `yaml:"share"`
	Window      time.Duration `yaml:"window"`
	Factor      float64       `yaml:"factor"`
	MinSessions int           `yaml:"min_sessions"`
}

var defaultBrake = brake{Share: 0.02, Window: time.Minute, Factor: 10, MinSessions: 10}

// What the brake does, as metrics and the audit log name it.
const (
	brakeHeld      = "held"
	brakeReverted  = "reverted"
	brakeConfirmed = "confirmed"
	brakeOrder     = "order"
	brakeIdentity  = "identity_event"
)

// onTrial says why a revision may not come into force after it was tried, "" if it
// may.
func (b *brake) onTrial(t *scoring.Trial) string {
	n := float64(t.Sessions)
	switch {
	case t.Failed >= b.MinSessions && float64(t.Failed) > b.Share*n:
		return fmt.Sprintf("it gives no answer for %d of %d live sessions", t.Failed, t.Sessions)
	case t.Harsher < b.MinSessions:
		return ""
	case float64(t.Harsher) > b.Share*n:
		return fmt.Sprintf("of %d live sessions it would revoke %d and step up %d more than the revision in force; the brake is set to %g %%",
			t.Sessions, t.Revoked, t.SteppedUp, 100*b.Share)
	case t.Before > 0 && float64(t.After) > b.Factor*float64(t.Before):
		return fmt.Sprintf("of %d live sessions it would revoke or step up %d, the revision in force %d; the brake is set to %g times as many",
			t.Sessions, t.After, t.Before, b.Factor)
	}
	return ""
}

// census counts the sessions that a revision has judged within a window, and those
// among them that it has stepped up or revoked.
type census struct {
	revision string
	since    time.Time
	watched  bool    // the revision is new, and nobody has answered for it
	before   float64 // the share that was alarmed in the window before

	seen bits
	mu   sync.Mutex
	hit  map[riskd.SessionID]struct{}
	over atomic.Bool
}

// maxHit bounds the sessions that a census tells apart.
const maxHit = 1 << 16

// counted gives the census that a decision belongs to. It begins a new one for
// each window, and for each revision.
func (g *policyGuard) counted(d *riskd.Decision) *census {
	c := g.census.Load()
	if c != nil && c.revision == d.Revision && d.At.Sub(c.since) < g.brake.Window {
		return c
	}
	next := &census{revision: d.Revision, since: d.At, hit: map[riskd.SessionID]struct{}{}}
	if c != nil {
		next.watched = c.revision != d.Revision && !g.isConfirmed(d.Revision)
		next.before = c.share(g.brake.MinSessions)
	}
	if !g.census.CompareAndSwap(c, next) {
		return g.census.Load()
	}
	return next
}

// share is that of the sessions which were alarmed; that of the window before if
// there are too few to tell.
func (c *census) share(least int) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.seen.count()
	if n < float64(least) {
		return c.before
	}
	return float64(len(c.hit)) / n
}

func (c *census) see(id riskd.SessionID) { c.seen.add(id) }

// alarm counts a session that was stepped up or revoked, and says why this is too
// many, once.
func (c *census) alarm(id riskd.SessionID, b *brake) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hit) < maxHit {
		c.hit[id] = struct{}{}
	}
	n, seen := len(c.hit), max(1, c.seen.count())
	share := float64(n) / seen
	tooMany := share-c.before > b.Share
	tooMuchMore := c.before > 0 && share > b.Factor*c.before
	if !c.watched || n < b.MinSessions || !tooMany && !tooMuchMore || !c.over.CompareAndSwap(false, true) {
		return ""
	}
	return fmt.Sprintf("it has revoked or stepped up %d of the %.0f live sessions that it judged, %.2f %%; the revision before did so to %.2f %%, and the brake is set to %g %% more, or %g times as many",
		n, seen, 100*share, 100*c.before, 100*b.Share, b.Factor)
}

// bits count distinct sessions by the places that their hashes take (linear
// counting, Whang, Vander-Zanden, Taylor 1990): 16 KiB are within 1 % up to some
// 500,000 sessions.
type bits struct {
	words [2048]atomic.Uint64
	used  atomic.Int64
}

func (b *bits) add(id riskd.SessionID) {
	// Ids are keyed hashes: any of their bits will do.
	place := (uint(id[0]) | uint(id[1])<<8 | uint(id[2])<<16) % (64 * uint(len(b.words)))
	bit := uint64(1) << (place % 64)
	if b.words[place/64].Or(bit)&bit == 0 {
		b.used.Add(1)
	}
}

func (b *bits) count() float64 {
	m := float64(64 * len(b.words))
	free := max(1, m-float64(b.used.Load()))
	return m * math.Log(m/free)
}

// alarmed reports whether a decision was one to step up or revoke a session that
// went on until then.
func alarmed(r *riskd.Record) bool {
	for i := range r.Moments {
		if k := r.Moments[i].Kind; k == riskd.Challenged || k == riskd.Ended {
			return true
		}
	}
	return false
}

// failures are the latest events on which a revision gave no answer.
type failures struct {
	mu       sync.Mutex
	revision string
	at       [enoughFailures]time.Time // the latest last
}

// A revision that gives no answer so often within a window has failed. Failures
// that come closer together than a gap count as one: they may be the machine's,
// which stood still, and no pack's.
const (
	enoughFailures = 3
	failureWindow  = 10 * time.Second
	failureGap     = 100 * time.Millisecond
)

// add counts a failure, and reports whether that is enough.
func (f *failures) add(revision string, at time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revision != revision {
		f.revision, f.at = revision, [enoughFailures]time.Time{}
	}
	if at.Sub(f.at[enoughFailures-1]) < failureGap {
		return false
	}
	copy(f.at[:], f.at[1:])
	f.at[enoughFailures-1] = at
	return !f.at[0].IsZero() && at.Sub(f.at[0]) <= failureWindow
}

// policyError is the code of why the policy gave no answer, "" if it gave one.
func policyError(d *riskd.Decision) string {
	if d.Source != riskd.SourceFallback {
		return ""
	}
	for _, code := range d.Degraded {
		if strings.HasPrefix(code, "policy_") {
			return code
		}
	}
	return ""
}
