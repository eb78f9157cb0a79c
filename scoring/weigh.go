package scoring

import (
	"math"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// weigh adds the event's evidence to the session's two sums and makes the score
// of them: the accumulated evidence against the pack's thresholds, or this one
// request's own against thresholds lower by the request bonus, whichever says
// more (docs/detection.md has the measurements behind both alarms).
func (t *turn) weigh() {
	tuning := &t.pack.Tuning
	for i := range t.request {
		t.request[i].Found = t.request[i].Nats
	}
	capGroups(t.request, &tuning.GroupCap)
	for i := range t.request {
		t.Nats.Request += t.request[i].Nats
	}
	t.Nats.Request = max(0, t.Nats.Request)
	for _, s := range t.sums() {
		t.weighing.Before[s.channel] = slices.Clone(s.sum.Open) // add takes from all of them
		add(s.sum, t.request, s.channel, tuning.Cap[s.channel], t.Now)
		*s.nats = s.sum.Nats()
	}
	t.Score = max(
		Score(t.Nats.Identity+t.Nats.Behaviour, tuning.StepUpNats, tuning.RevokeNats),
		t.requestScore(),
	)
	t.nameReasons()
	w := &t.weighing
	w.Request, w.Score = t.request, t.Score
}

func (t *turn) requestScore() float64 {
	tuning := &t.pack.Tuning
	return Score(t.Nats.Request, tuning.StepUpNats-tuning.RequestBonus, tuning.RevokeNats-tuning.RequestBonus)
}

// nameReasons lists what the judgement sees: every open reason, and those of
// this event that carry no nats.
func (t *turn) nameReasons() {
	for _, s := range t.sums() {
		for i := range s.sum.Open {
			o := &s.sum.Open[i]
			t.Reasons = append(t.Reasons, riskd.Reason{
				Code: o.Code, Nats: o.Nats, Group: o.Group, Channel: s.channel, ClearsWith: o.ClearsWith, Rule: o.Rule,
			})
		}
	}
	t.weighing.Open = t.Reasons
	for i := range t.request {
		r := &t.request[i]
		if r.Invariant {
			t.Invariants = append(t.Invariants, r.Code)
		}
		if !slices.ContainsFunc(t.Reasons, func(o riskd.Reason) bool { return o.Code == r.Code }) && (r.Nats >= 0) {
			t.Reasons = append(t.Reasons, *r)
		}
	}
}

type channelSum struct {
	channel riskd.Channel
	sum     *riskd.Sum
	nats    *float64
}

func (t *turn) sums() [2]channelSum {
	return [2]channelSum{
		{riskd.ChannelIdentity, &t.Session.Identity, &t.Nats.Identity},
		{riskd.ChannelBehaviour, &t.Session.Behaviour, &t.Nats.Behaviour},
	}
}

// pastRevoke is how many nats beyond the revoke threshold a score of 100 is.
const pastRevoke = 6

// Score turns nats into 0..100, piecewise linear: nothing is 0, the step-up
// threshold 60, the revoke threshold 85, six nats more 100.
func Score(nats, stepUp, revoke float64) float64 {
	switch {
	case nats <= 0:
		return 0
	case nats < stepUp:
		return riskd.StepUpScore * nats / stepUp
	case nats < revoke:
		return riskd.StepUpScore + (riskd.RevokeScore-riskd.StepUpScore)*(nats-stepUp)/(revoke-stepUp)
	case nats < revoke+pastRevoke:
		return riskd.RevokeScore + (100-riskd.RevokeScore)*(nats-revoke)/pastRevoke
	}
	return 100
}

// capGroups bounds what one event adds per group: facts of one group mostly have
// one cause, and adding them up would count it several times. What exceeds the
// bound is taken from the group's reasons in proportion.
func capGroups(reasons []riskd.Reason, bounds *[riskd.Groups]riskd.Bounds) {
	var plus, minus [riskd.Groups]float64
	for i := range reasons {
		if n := reasons[i].Nats; n > 0 {
			plus[reasons[i].Group] += n
		} else {
			minus[reasons[i].Group] += n
		}
	}
	for i := range reasons {
		r := &reasons[i]
		p, m, b := plus[r.Group], minus[r.Group], bounds[r.Group]
		switch {
		case r.Nats > 0 && p+m > b.Max:
			r.Nats *= max(0, b.Max-m) / p
		case r.Nats < 0 && p+m < b.Min:
			r.Nats *= max(0, p-b.Min) / -m
		}
	}
}

// decay lets a sum leak: half of it is gone after each half-life. Time that goes
// backwards leaks nothing.
func decay(s *riskd.Sum, now time.Time, halfLife time.Duration) {
	if elapsed := now.Sub(s.At); elapsed > 0 && len(s.Open) > 0 {
		scale(s, math.Exp2(-float64(elapsed)/float64(halfLife)))
	}
	if now.After(s.At) {
		s.At = now
	}
}

// add takes a channel's share of the reasons into its sum: what speaks against
// the session opens or feeds a reason, what speaks for it and what exceeds the
// cap is taken from all open ones in proportion, so that they always add up.
func add(s *riskd.Sum, reasons []riskd.Reason, channel riskd.Channel, limit float64, now time.Time) {
	var relief float64
	for i := range reasons {
		switch r := &reasons[i]; {
		case r.Channel != channel:
		case r.Nats > 0:
			open(s, r, now)
		default:
			relief += r.Nats
		}
	}
	total := s.Nats()
	if want := min(max(0, total+relief), limit); total > 0 && want != total {
		scale(s, want/total)
	}
}

func open(s *riskd.Sum, r *riskd.Reason, now time.Time) {
	for i := range s.Open {
		if o := &s.Open[i]; o.Code == r.Code {
			o.Nats += r.Nats
			o.Rule, o.FiredAt, o.FiredNats = r.Rule, now, o.Nats
			return
		}
	}
	s.Open = append(s.Open, riskd.Evidence{
		Code: r.Code, Group: r.Group, Nats: r.Nats, ClearsWith: r.ClearsWith, Rule: r.Rule, FiredAt: now, FiredNats: r.Nats,
	})
}

// faded is the evidence below which a reason is closed: a hundredth of a nat is
// a likelihood ratio of 1.01.
const faded = 0.01

func scale(s *riskd.Sum, by float64) {
	kept := s.Open[:0]
	for _, o := range s.Open {
		if o.Nats *= by; o.Nats >= faded {
			kept = append(kept, o)
		}
	}
	clear(s.Open[len(kept):])
	s.Open = kept
}

// discharge takes out the evidence that a proof of the given kind clears.
func discharge(s *riskd.Sum, with string) {
	s.Open = slices.DeleteFunc(s.Open, func(o riskd.Evidence) bool { return slices.Contains(o.ClearsWith, with) })
}
