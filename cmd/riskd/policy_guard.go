package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
)

// policyGuard stands between a revision of a pack and everybody's sessions: it
// tries it before it comes into force, looks at what it does for a while after,
// and goes back to the one before if it doesn't answer or does too much.
type policyGuard struct {
	brake   brake
	set     *policies.Set
	shadows *scoring.Shadows
	// try compares two packs on the latest cases.
	try     func(ctx context.Context, before, after scoring.Policy) scoring.Trial
	inForce func(packSwitch) // told when the guard has put another pack in force
	trail   *auditTrail
	metrics *policyMetrics
	log     *slog.Logger

	failures failures
	census   atomic.Pointer[census]

	mu        sync.Mutex
	held      *heldRevision
	faulty    []faultyRevision // the latest
	confirmed string           // the revision that somebody let in
}

// heldRevision is a pack that isn't in force although it was meant to be.
type heldRevision struct {
	pack   *policies.Pack
	reason string
	shadow string // the name of its trial
}

// faultyRevision is one that came into force and didn't answer.
type faultyRevision struct{ revision, why string }

// keptFaults is how many faulty revisions are known, so that none of them comes
// into force a second time by itself.
const keptFaults = 16

// heldFor is how long a held pack is tried.
const heldFor = 7 * 24 * time.Hour

// admit says why a pack doesn't come into force, "" if it does.
func (g *policyGuard) admit(next *policies.Pack) (held string) {
	revision, now := next.Info().Revision, g.set.Current()
	if why := g.faultOf(revision); why != "" {
		return fmt.Sprintf("revision %s was in force before, and failed: %s; change the pack", revision, why)
	}
	if g.brake.Off || revision == now.Info().Revision || g.isConfirmed(revision) {
		g.forget()
		return ""
	}
	if h := g.isHeld(revision); h != nil {
		return h.reason
	}
	ctx, cancel := context.WithTimeout(context.Background(), trialPatience)
	defer cancel()
	trial := g.try(ctx, now, next)
	if held = g.brake.onTrial(&trial); held != "" {
		g.metrics.brake.WithLabelValues(brakeHeld).Inc()
		g.hold(next, held)
		return held
	}
	g.forget()
	return ""
}

// trialPatience is how long a new revision may be tried on the latest cases.
const trialPatience = 30 * time.Second

// hold puts a pack on trial that is kept out of force.
func (g *policyGuard) hold(p *policies.Pack, reason string) {
	g.forget()
	info := p.Info()
	h := &heldRevision{p, reason, "held-" + info.Revision}
	now := time.Now()
	err := g.shadows.Add(scoring.Candidate{
		Name: h.shadow, Policy: p, Rate: 1, Budget: min(g.brake.Share, 0.99), Expires: now.Add(heldFor), Held: reason,
	}, now)
	if err != nil {
		h.shadow = ""
		g.log.Warn("a held policy pack isn't tried", "revision", info.Revision, "error", err.Error())
	}
	g.mu.Lock()
	g.held = h
	g.mu.Unlock()
}

// forget lets go of what was held: another revision has taken its place.
func (g *policyGuard) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.held; h != nil && h.shadow != "" {
		g.shadows.Remove(h.shadow)
	}
	g.held = nil
}

func (g *policyGuard) isHeld(revision string) *heldRevision {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil && g.held.pack.Info().Revision == revision {
		return g.held
	}
	return nil
}

func (g *policyGuard) isConfirmed(revision string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.confirmed == revision
}

// confirm lets a held revision in, as somebody has answered for it.
func (g *policyGuard) confirm(revision, actor, reason string) error {
	h := g.isHeld(revision)
	if h == nil {
		return riskd.ErrNotHeld
	}
	g.metrics.brake.WithLabelValues(brakeConfirmed).Inc()
	g.force(h.pack, brakeConfirmed, actor, reason)
	return nil
}

// force puts a pack in force that nobody looks at any more.
func (g *policyGuard) force(p *policies.Pack, kind, actor, reason string) {
	g.mu.Lock()
	g.confirmed = p.Info().Revision
	g.mu.Unlock()
	g.put(p, kind, actor, reason)
}

// put puts a pack in force, and that on record.
func (g *policyGuard) put(p *policies.Pack, kind, actor, reason string) {
	g.forget()
	p = p.InForceSince(time.Now())
	info := p.Info()
	p.Warm()
	g.set.Swap(p)
	g.absolve(info.Revision)
	g.record(info, kind, actor, reason)
	g.inForce(packSwitch{})
	g.log.Info("policy pack in force", "kind", kind, "pack", info.Name, "revision", info.Revision, "actor", actor, "reason", reason)
}

// note takes down what a decision says of the pack that made it. It is on the way
// of every decision, and waits for nothing.
func (g *policyGuard) note(r *riskd.Record) {
	d := r.Decision
	p := g.set.Current()
	if d.Revision != p.Info().Revision || d.Source != riskd.SourceFresh && d.Source != riskd.SourceFallback {
		return
	}
	if code := policyError(d); code != "" {
		if g.failures.add(d.Revision, d.At) {
			g.fallBack(p, fmt.Sprintf("%d times within %s it gave no answer, the last time %s", enoughFailures, failureWindow, code))
		}
		return
	}
	if g.brake.Off {
		return
	}
	c := g.counted(d)
	c.see(d.Session)
	if alarmed(r) {
		if why := c.alarm(d.Session, &g.brake); why != "" {
			g.revert(p, why)
		}
	}
}

// fallBack goes back from a pack that doesn't answer. Everything but the pack
// itself can wait until the decision is answered.
func (g *policyGuard) fallBack(p *policies.Pack, why string) {
	back := g.set.Back(p)
	if !g.blame(p.Info().Revision, why) {
		return
	}
	go func() {
		g.metrics.fallbacks.Inc()
		if back == nil {
			g.log.Error("policy pack fails, and there is none to fall back on", "revision", p.Info().Revision, "reason", why)
			g.record(p.Info(), "failing", "riskd", why)
			g.inForce(packSwitch{failed: true, because: saidOf(p, "fails", why)})
			return
		}
		g.log.Error("policy pack fails; the one before is in force again", "revision", p.Info().Revision, "reason", why, "in_force", back.Info().Revision)
		g.record(p.Info(), "fallback", "riskd", why)
		g.inForce(packSwitch{failed: true, because: saidOf(p, "has failed and was replaced by the one before", why)})
	}()
}

// revert goes back from a pack that does too much.
func (g *policyGuard) revert(p *policies.Pack, why string) {
	back := g.set.Back(p)
	if back == nil {
		return
	}
	go func() {
		info := p.Info()
		g.metrics.brake.WithLabelValues(brakeReverted).Inc()
		g.hold(p, why)
		g.log.Error("policy pack held after it came into force; the one before is in force again: `riskd policy confirm` lets it in",
			"pack", info.Name, "revision", info.Revision, "because", why, "in_force", back.Info().Revision)
		g.record(info, brakeReverted, "riskd", why)
		g.inForce(packSwitch{held: p, because: why})
	}()
}

func saidOf(p *policies.Pack, what, why string) string {
	return fmt.Sprintf("pack %s: revision %s %s: %s", p.Info().Name, p.Info().Revision, what, why)
}

// blame remembers a revision that fails, and reports whether it didn't know.
func (g *policyGuard) blame(revision, why string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.ContainsFunc(g.faulty, func(f faultyRevision) bool { return f.revision == revision }) {
		return false
	}
	g.faulty = append(g.faulty, faultyRevision{revision, why})
	g.faulty = g.faulty[max(0, len(g.faulty)-keptFaults):]
	return true
}

// absolve forgets that a revision failed: somebody has put it in force again.
func (g *policyGuard) absolve(revision string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faulty = slices.DeleteFunc(g.faulty, func(f faultyRevision) bool { return f.revision == revision })
}

func (g *policyGuard) faultOf(revision string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faulty {
		if f.revision == revision {
			return f.why
		}
	}
	return ""
}

// record puts on record what became of a revision.
func (g *policyGuard) record(p *riskd.Pack, change, actor, reason string) {
	g.trail.note(context.Background(), audit.Entry{
		At: time.Now(), Act: audit.Policy, Actor: actor, Pack: p.Name, Revision: p.Revision, Change: change, Reason: reason,
	})
}
