package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
)

// shadowConfig is a candidate that is on trial from the start.
type shadowConfig struct {
	Name               string        `yaml:"name"`
	Pack               string        `yaml:"pack"`
	SampleRate         float64       `yaml:"sample_rate"`
	DisagreementBudget float64       `yaml:"disagreement_budget"`
	Expires            time.Duration `yaml:"expires"`
	Inline             bool          `yaml:"inline"`
}

// policyTrials puts packs on trial and in force, as operators say.
type policyTrials struct {
	shadows *scoring.Shadows
	cases   *scoring.Cases
	guard   *policyGuard
	// prove finds the pack of a name, as the pack in force was found, and gives it
	// if it is as good as one that may come into force.
	prove func(name string) (*policies.Pack, error)
}

// openGuard makes the parts that packs are tried with.
func (s *service) openGuard() error {
	m := newPolicyMetrics(s.metrics.registry)
	cases, err := scoring.NewCases(scoring.DefaultCases)
	if err != nil {
		return err
	}
	shadows := scoring.NewShadows(scoring.ShadowOptions{Judged: m.judged, Failed: m.gaveNone})
	s.stops.add(shadows.Close)
	s.guard = &policyGuard{
		brake: s.config.Policy.Brake, set: s.pack.set, shadows: shadows, inForce: s.pack.switched,
		trail: s.store.trail, metrics: m, log: s.log,
		try: func(ctx context.Context, before, after scoring.Policy) scoring.Trial {
			return s.engine.Try(ctx, before, after, time.Now().Add(-casesFor), s.config.Decision.Deadline)
		},
	}
	s.trials = &policyTrials{shadows, cases, s.guard, s.pack.proveNamed}
	s.orders = &orderBrake{
		brake: s.config.Policy.Brake, metrics: m, log: s.log,
		preview: func(t riskd.Target) int { n, _ := s.store.Preview(t); return n },
		users:   func() int { return s.store.Stats().Profiles },
		table:   func() map[string][]riskd.Action { return s.pack.set.Current().Info().Tuning.Identity },
	}
	return nil
}

// casesFor is how old a case may be that a new revision is tried on.
const casesFor = time.Hour

// beginTrials lets revisions be held from now on, and puts the candidates of the
// config on trial.
func (s *service) beginTrials() error {
	s.pack.setAdmit(s.guard.admit)
	var faults []error
	now := time.Now()
	for i, c := range s.config.Policy.Shadows {
		o := riskd.ShadowOrder{
			Name: c.Name, Pack: c.Pack, Rate: c.SampleRate, Budget: c.DisagreementBudget, Expires: now.Add(c.Expires),
		}
		if c.Inline {
			o.Inline = &c.Inline
		}
		if _, err := s.trials.Try(o, now); err != nil {
			faults = append(faults, s.config.source.at(fmt.Sprintf("policy.shadows[%d]", i), "%w", err))
		}
	}
	return errors.Join(faults...)
}

// setAdmit has every pack from now on ask whether it may come into force.
func (k *packKeeper) setAdmit(admit func(next *policies.Pack) (held string)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.admit = admit
}

// proveNamed gives the pack that a name means, checked as one that comes into force
// is, and signed if those have to be.
func (k *packKeeper) proveNamed(name string) (*policies.Pack, error) {
	source, err := openPackSource(name, k.source.verify)
	if err != nil {
		return nil, err
	}
	if k.source.verify != nil && source.remote == nil && source.file == "" {
		return nil, fmt.Errorf("%s is no bundle; with policy.verify only signed bundles will do", name)
	}
	read := source.read
	if source.once != nil {
		read = source.once
	}
	c, err := read()
	if err != nil {
		return nil, err
	}
	p, err := k.prove(c)
	if err != nil {
		return nil, err
	}
	return p.pack, nil
}

// Try puts a pack on trial.
func (t *policyTrials) Try(o riskd.ShadowOrder, now time.Time) (riskd.ShadowReport, error) {
	pack, err := t.prove(o.Pack)
	if err != nil {
		var faults []error
		for _, e := range flatten(err) {
			faults = append(faults, &riskd.FieldError{Path: "pack", Detail: e.Error()})
		}
		return riskd.ShadowReport{}, errors.Join(faults...)
	}
	// A pack that OPA evaluates takes its time; it judges aside unless it is meant
	// to be seen in answers.
	uncompiled := func(p policies.RulePlan) bool { return !p.Compiled }
	inline := !slices.ContainsFunc(pack.Plan(), uncompiled)
	if o.Inline != nil {
		inline = *o.Inline
	}
	err = t.shadows.Add(scoring.Candidate{Name: o.Name, Policy: pack, Rate: o.Rate, Budget: o.Budget, Expires: o.Expires, Inline: inline}, now)
	if err != nil {
		return riskd.ShadowReport{}, err
	}
	r, _ := t.shadows.Report(o.Name, now)
	return r, nil
}

// Reports says how all trials go.
func (t *policyTrials) Reports(now time.Time) []riskd.ShadowReport { return t.shadows.Reports(now) }

// Report says how one trial goes.
func (t *policyTrials) Report(name string, now time.Time) (riskd.ShadowReport, bool) {
	return t.shadows.Report(name, now)
}

// End ends a trial. A held pack stays held.
func (t *policyTrials) End(name string) bool {
	ended := t.shadows.Remove(name)
	if ended {
		t.guard.metrics.gone(name)
	}
	return ended
}

// Promote puts a candidate in force if its report says so, or whatever it says.
func (t *policyTrials) Promote(name string, force bool, actor, reason string, now time.Time) (riskd.ShadowReport, error) {
	report, _ := t.shadows.Report(name, now)
	c, ok := t.shadows.Candidate(name)
	if !ok {
		return report, riskd.ErrUnknownShadow
	}
	if len(report.Refused) > 0 && !force {
		return report, &riskd.NotPromoted{Reasons: report.Refused}
	}
	pack, ok := c.Policy.(*policies.Pack)
	if !ok {
		return report, fmt.Errorf("candidate %s is no pack that can be put in force", name)
	}
	if force {
		t.guard.force(pack, "promoted by force", actor, reason)
	} else {
		t.guard.put(pack, "promoted", actor, cmp.Or(reason, "its report says so"))
	}
	t.End(name)
	return report, nil
}

// Confirm lets a held revision in.
func (t *policyTrials) Confirm(revision, actor, reason string) error {
	return t.guard.confirm(revision, actor, reason)
}
