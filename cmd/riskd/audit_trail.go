package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
	"github.com/riskd/riskd/identity"
	records "github.com/riskd/riskd/journal"
)

// auditTrail puts on record what is done: what it records names users and devices
// by references. Without a log it records nothing.
type auditTrail struct {
	log     *audit.Log
	key     *riskd.SessionKey
	share   float64 // of the decisions that change nothing
	metrics *metrics
	failed  func(error)
}

const auditFolder = "audit"

// openAuditTrail opens the log in the data folder, if there is one.
func openAuditTrail(c *config, key *riskd.SessionKey, m *metrics, repair bool, failed func(error)) (*auditTrail, error) {
	t := &auditTrail{key: key, share: c.Audit.Decisions, metrics: m, failed: failed}
	if c.DataDir == "" {
		return t, nil
	}
	var err error
	var report records.Report
	t.log, report, err = audit.Open(audit.Options{
		Dir: filepath.Join(c.DataDir, auditFolder), Keep: c.Audit.Keep, Ref: key.Ref, Repair: repair,
	})
	if err != nil {
		return nil, c.source.at("data_dir", "%w", err)
	}
	tellOpened(failed, "audit", report)
	return t, nil
}

func (t *auditTrail) close() error {
	if t.log == nil {
		return nil
	}
	return t.log.Close()
}

// fault is why nothing is put on record, nil if all is well.
func (t *auditTrail) fault() error {
	if t.log == nil {
		return nil
	}
	if err := t.log.Err(); err != nil {
		return fmt.Errorf("the audit log takes nothing: %w", err)
	}
	return nil
}

// must puts entries on record before what they tell of is acknowledged. An error
// wraps riskd.ErrNotDurable.
func (t *auditTrail) must(ctx context.Context, entries ...audit.Entry) error {
	if t.log == nil || len(entries) == 0 {
		return nil
	}
	if err := t.log.Append(entries...).Wait(ctx); err != nil {
		return fmt.Errorf("%w: it is not on record: %w", riskd.ErrNotDurable, err)
	}
	return nil
}

// note is must for what has happened anyway.
func (t *auditTrail) note(ctx context.Context, entries ...audit.Entry) {
	if err := t.must(ctx, entries...); err != nil {
		t.metrics.unaudited.Add(float64(len(entries)))
		t.failed(err)
	}
}

// witness puts orders on record.
func (t *auditTrail) witness(orders []riskd.Epoch) func(context.Context) error {
	if t.log == nil || len(orders) == 0 {
		return nil
	}
	entries := make([]audit.Entry, len(orders))
	for i := range orders {
		entries[i] = t.order(&orders[i])
	}
	return t.log.Append(entries...).Wait
}

// order is the entry of an order; how many sessions it met isn't known yet.
func (t *auditTrail) order(e *riskd.Epoch) audit.Entry {
	in := t.log.Order(e, time.Now(), 0)
	in.Matched = nil
	return in
}

// mend lets a log that has failed go on.
func (t *auditTrail) mend(ctx context.Context) error {
	if t.log == nil || t.log.Err() == nil {
		return nil
	}
	if err := t.log.Heal(ctx); err != nil {
		return fmt.Errorf("the audit log takes nothing: %w", err)
	}
	return nil
}

// acts are the moments of a session that are put on record one by one, by their
// acts; how a session was revoked stands with its order.
var acts = map[riskd.MomentKind]audit.Act{
	riskd.Challenged: audit.Challenged, riskd.Proved: audit.Proved, riskd.Failed: audit.Failed,
}

// auditPatience is how long a decision that has changed a session waits to be on
// record. It is answered anyway.
const auditPatience = 50 * time.Millisecond

// decision puts on record what a decision has changed, and a share of the others.
func (t *auditTrail) decision(r *riskd.Record) {
	if t.log == nil {
		return
	}
	var entries []audit.Entry
	for i := range r.Moments {
		m := &r.Moments[i]
		act, ok := acts[m.Kind]
		if m.Kind == riskd.Ended && r.Decision.Source == riskd.SourceExpiry {
			act, ok = audit.Expired, true
		}
		if ok {
			e := t.log.Decided(act, r)
			e.Change = m.Note
			entries = append(entries, e)
		}
	}
	switch {
	case len(entries) > 0:
		ctx, cancel := context.WithTimeout(context.Background(), auditPatience)
		defer cancel()
		t.note(ctx, entries...)
	case t.share > 0 && rand.Float64() < t.share:
		t.log.Offer(t.log.Decided(audit.Decision, r))
	}
}

// session is the entry of something that was done to a session.
func (t *auditTrail) session(s *riskd.Session, act audit.Act, actor string, at time.Time) audit.Entry {
	return audit.Entry{
		At: at, Act: act, Actor: actor, Tenant: s.Tenant, Session: s.ID.String(),
		User: t.log.User(s.Tenant, s.User), Device: t.log.Device(s.Tenant, s.DeviceID), Change: s.Status.String(),
	}
}

// policy puts on record which pack is in force, and which isn't and why.
func (t *auditTrail) policy(n packNews) {
	e := audit.Entry{
		At: time.Now(), Act: audit.Policy, Actor: "riskd", Pack: n.pack.Name, Revision: n.pack.Revision,
		Details: map[string]string{"source": n.source.kind()},
	}
	if n.change != packInForce {
		e.Change = string(n.change)
		e.Details["because"] = n.because[:min(len(n.because), maxBecause)]
	}
	if b := n.bundle; b != nil && b.Revision != "" {
		e.Details["bundle"] = b.Revision
	}
	if b := n.bundle; b != nil && b.Signature != nil {
		e.Details["signed_by"] = b.Signature.KeyID
	}
	t.note(context.Background(), e)
}

// maxBecause bounds what is recorded of a pack's faults, in bytes; the log has all
// of them.
const maxBecause = 2000

// identityEvents puts identity events on record.
type identityEvents struct {
	*identity.Handler
	trail *auditTrail
}

// Apply carries an identity event out.
func (i identityEvents) Apply(ctx context.Context, e riskd.IdentityEvent, now time.Time) (identity.Result, error) {
	done, err := i.Handler.Apply(ctx, e, now)
	if done.Repeated || err != nil && len(done.Actions) == 0 {
		return done, err
	}
	if i.trail.log == nil {
		return done, err
	}
	in := i.trail.log.Identity(&e, now)
	in.Matched = &done.Matched
	if failed := i.trail.must(ctx, in); err == nil {
		err = failed
	}
	return done, err
}

// stepUps puts on record what identity providers tell of step-ups.
type stepUps struct {
	engine interface {
		Answer(ctx context.Context, a riskd.StepUpAnswer, now time.Time) (riskd.Session, error)
	}
	trail *auditTrail
}

// Answer takes an answer to a challenge.
func (s stepUps) Answer(ctx context.Context, a riskd.StepUpAnswer, now time.Time) (riskd.Session, error) {
	after, err := s.engine.Answer(ctx, a, now)
	result := riskd.Proved
	switch {
	case errors.Is(err, riskd.ErrUnknownStepUp) || errors.Is(err, riskd.ErrSessionOver):
		return after, err
	case !a.Passed || errors.Is(err, riskd.ErrNotProved):
		result = riskd.Failed
	}
	s.trail.metrics.stepUp(result, nil)
	if s.trail.log == nil {
		return after, err
	}
	in := s.trail.session(&after, acts[result], a.Actor, now)
	in.Details = map[string]string{"step_up": a.ID}
	if failed := s.trail.must(ctx, in); err == nil {
		err = failed
	}
	return after, err
}
