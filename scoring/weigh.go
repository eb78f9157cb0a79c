package scoring

import (
	"slices"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring/balance"
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
	t.Score = balance.ScoreOf(
		t.Nats.Identity+t.Nats.Behaviour, t.Nats.Request, tuning.StepUpNats, tuning.RevokeNats, tuning.RequestBonus,
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

// Score turns nats into 0..100; see [balance.Score].
func Score(nats, stepUp, revoke float64) float64 { return balance.Score(nats, stepUp, revoke) }

// capGroups bounds what one event adds per group; see [balance.Shares].
func capGroups(reasons []riskd.Reason, bounds *[riskd.Groups]riskd.Bounds) {
	var plus, minus [riskd.Groups]float64
	for i := range reasons {
		if n := reasons[i].Nats; n > 0 {
			plus[reasons[i].Group] += n
		} else {
			minus[reasons[i].Group] += n
		}
	}
	var shares [riskd.Groups][2]float64
	for g := range shares {
		shares[g][0], shares[g][1] = balance.Shares(plus[g], minus[g], bounds[g])
	}
	for i := range reasons {
		switch r := &reasons[i]; {
		case r.Nats > 0:
			r.Nats *= shares[r.Group][0]
		case r.Nats < 0:
			r.Nats *= shares[r.Group][1]
		}
	}
}

// decay lets a sum leak: half of it is gone after each half-life. Time that goes
// backwards leaks nothing.
func decay(s *riskd.Sum, now time.Time, halfLife time.Duration) {
	if elapsed := now.Sub(s.At); elapsed > 0 && len(s.Open) > 0 {
		scale(s, balance.Left(elapsed, halfLife))
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
	if by, change := balance.Settle(s.Nats(), relief, limit); change {
		scale(s, by)
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

// scale multiplies what is open, and closes the reasons that have faded.
func scale(s *riskd.Sum, by float64) {
	kept := s.Open[:0]
	for _, o := range s.Open {
		if o.Nats *= by; o.Nats >= balance.Faded {
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
