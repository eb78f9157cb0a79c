package scoring

import (
	"context"
	"slices"
	"strings"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// Explain says how a kept decision came about. The policy has to be the revision
// that has decided; nil is one that isn't kept any more. It takes as many questions
// to the policy as there are subsets of the reasons, at worst; past the end of ctx
// it says what it has found.
func Explain(ctx context.Context, k *riskd.KeptDecision, policy Policy) riskd.Explanation {
	x := riskd.Explanation{KeptDecision: *k}
	var weighed *turn
	if policy != nil && policy.Info().Revision == k.Revision {
		x.Explained = k.Revision
		if k.Source == riskd.SourceFresh {
			weighed = again(&k.Weighing, k.At, policy, nil)
		}
	} else {
		policy = nil
	}
	x.Reasons = explainReasons(k, weighed)
	if weighed != nil {
		x.Sums, x.Alarms = weighed.explainSums(), weighed.alarms()
	}
	x.Counterfactual = counterfactual(ctx, k, policy)
	return x
}

// explainReasons follows each reason's evidence, those of the decision first, then
// the weightiest; what speaks for the session comes last.
func explainReasons(k *riskd.KeptDecision, weighed *turn) []riskd.ExplainedReason {
	l := reasonList{}
	for i := range k.Reasons {
		r := l.of(k.Reasons[i].Code)
		r.Reason = k.Reasons[i]
		r.Nats = 0 // of the alarm; what is left follows
	}
	for channel, before := range k.Weighing.Before {
		for i := range before {
			l.open(riskd.Channel(channel), &before[i])
		}
	}
	for i := range k.Weighing.Request {
		l.fired(k, &k.Weighing.Request[i])
	}
	for i := range k.Weighing.Open {
		l.of(k.Weighing.Open[i].Code).Nats = k.Weighing.Open[i].Nats
	}
	for i := range l {
		r := &l[i]
		if weighed != nil {
			r.HalfLife = weighed.pack.Tuning.HalfLife[r.Channel]
		}
		if against := r.Found - r.GroupCap; against >= 0 {
			r.Taken = r.Before + against - r.Nats
		} else {
			r.Taken = r.Before - r.Nats
		}
	}
	slices.SortStableFunc(l[len(k.Reasons):], func(a, b riskd.ExplainedReason) int {
		switch weight := func(r *riskd.ExplainedReason) float64 { return r.Nats + min(0, r.Found-r.GroupCap) }; {
		case weight(&a) > weight(&b):
			return -1
		case weight(&a) < weight(&b):
			return 1
		}
		return strings.Compare(a.Code, b.Code)
	})
	return l
}

// reasonList has one entry for each code.
type reasonList []riskd.ExplainedReason

func (l *reasonList) of(code string) *riskd.ExplainedReason {
	i := slices.IndexFunc(*l, func(r riskd.ExplainedReason) bool { return r.Code == code })
	if i < 0 {
		i = len(*l)
		*l = append(*l, riskd.ExplainedReason{Reason: riskd.Reason{Code: code}})
	}
	return &(*l)[i]
}

// open takes up what was left of earlier events.
func (l *reasonList) open(channel riskd.Channel, e *riskd.Evidence) {
	r := l.of(e.Code)
	r.Group, r.Channel, r.ClearsWith, r.Rule = e.Group, channel, e.ClearsWith, e.Rule
	r.Before, r.FiredAt, r.FiredNats = r.Before+e.Nats, e.FiredAt, e.FiredNats
}

// fired takes up what the event itself gave.
func (l *reasonList) fired(k *riskd.KeptDecision, q *riskd.Reason) {
	r := l.of(q.Code)
	if !r.Fired {
		r.Found = 0
	}
	r.Signal, r.Group, r.Channel, r.ClearsWith, r.Rule, r.Invariant = q.Signal, q.Group, q.Channel, q.ClearsWith, q.Rule, q.Invariant
	r.Found += q.Found
	r.GroupCap += q.Found - q.Nats
	r.Fired, r.FiredAt, r.FiredNats = true, k.At, r.Before+max(0, r.Found-r.GroupCap)
	r.Reading = explainReading(q.Signal, k.Readings)
}

// explainReading puts a reading into words; nil where it wasn't kept.
func explainReading(signal string, readings []riskd.Reading) *riskd.ExplainedReading {
	all := signals.All()
	i := slices.IndexFunc(all, func(s signals.Signal) bool { return s.Name == signal })
	if i < 0 || i >= len(readings) || readings[i].State != riskd.Measured {
		return nil
	}
	x := &riskd.ExplainedReading{Signal: signal, Value: readings[i].Value, Nats: readings[i].Nats, Unit: all[i].Value}
	for j, d := range all[i].Details {
		v := readings[i].Details[j]
		x.Details = append(x.Details, riskd.ExplainedDetail{Name: d.Name, IsText: d.Kind == riskd.Text, Text: v.Text, Number: v.Number})
	}
	return x
}

// explainSums follows the two sums.
func (t *turn) explainSums() []riskd.ExplainedSum {
	var out []riskd.ExplainedSum
	for _, s := range t.sums() {
		x := riskd.ExplainedSum{
			Channel: s.channel, Nats: *s.nats, Cap: t.pack.Tuning.Cap[s.channel], HalfLife: t.pack.Tuning.HalfLife[s.channel],
		}
		for i := range t.weighing.Before[s.channel] {
			x.Before += t.weighing.Before[s.channel][i].Nats
		}
		var relief float64
		for i := range t.request {
			if r := &t.request[i]; r.Channel == s.channel {
				x.Added += max(0, r.Nats)
				relief -= min(0, r.Nats)
			}
		}
		x.Relief = min(relief, x.Before+x.Added)
		x.Capped = max(0, x.Before+x.Added-x.Relief-x.Cap)
		out = append(out, x)
	}
	return out
}

func (t *turn) alarms() []riskd.Alarm {
	tuning := &t.pack.Tuning
	request := riskd.Alarm{
		Name: "request", Nats: t.Nats.Request, StepUp: tuning.StepUpNats - tuning.RequestBonus, Revoke: tuning.RevokeNats - tuning.RequestBonus,
		Score: t.requestScore(),
	}
	session := riskd.Alarm{
		Name: "session", Nats: t.Nats.Identity + t.Nats.Behaviour, StepUp: tuning.StepUpNats, Revoke: tuning.RevokeNats,
	}
	session.Score = Score(session.Nats, session.StepUp, session.Revoke)
	request.Decided = t.Score > 0 && request.Score == t.Score // as answerReasons has it
	session.Decided = t.Score > 0 && !request.Decided
	return []riskd.Alarm{session, request}
}
