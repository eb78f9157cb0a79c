package scoring

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// explain fills in the decision's score, the reasons whose points add up to it,
// and the words for both kinds of reader.
func (t *turn) explain() {
	d := &t.decision
	d.Reasons = t.answerReasons()
	score := t.Score
	if len(t.Invariants) > 0 && d.Outcome != riskd.Allow {
		// An invariant has no innocent explanation: it is worth any number of nats.
		score = 100
	}
	d.Score, d.Level = int(math.Floor(score+1e-9)), riskd.LevelOf(score)
	givePoints(d.Reasons, d.Score, d.Score == 100 && len(t.Invariants) > 0)
	if d.Outcome == riskd.Allow {
		return
	}
	d.UserText, d.AdminText = t.words()
}

// answerReasons gives the reasons of the alarm that made the score, the weightiest first;
// those without nats, which a policy may answer all the same, come too.
func (t *turn) answerReasons() []riskd.Reason {
	from := t.Reasons
	if t.Score > 0 && t.requestScore() == t.Score {
		from = t.request
	}
	var out []riskd.Reason
	for i := range from {
		if from[i].Nats > 0 || from[i].Nats == 0 && t.fires(from[i].Code) {
			out = append(out, from[i])
		}
	}
	slices.SortStableFunc(out, func(a, b riskd.Reason) int {
		if a.Invariant != b.Invariant {
			if a.Invariant {
				return -1
			}
			return 1
		}
		switch {
		case a.Nats > b.Nats:
			return -1
		case a.Nats < b.Nats:
			return 1
		}
		return strings.Compare(a.Code, b.Code)
	})
	return out
}

func (t *turn) fires(code string) bool {
	return slices.ContainsFunc(t.request, func(r riskd.Reason) bool { return r.Code == code })
}

// givePoints shares the score out by nats, or among the invariants if there are
// any, in whole points by largest remainder, so that they add up to it.
func givePoints(reasons []riskd.Reason, score int, invariant bool) {
	weight := func(r *riskd.Reason) float64 {
		switch {
		case !invariant:
			return max(0, r.Nats)
		case r.Invariant:
			return 1
		}
		return 0
	}
	var total float64
	for i := range reasons {
		total += weight(&reasons[i])
	}
	if total <= 0 {
		return
	}
	rest := make([]float64, len(reasons))
	left := score
	for i := range reasons {
		share := float64(score) * weight(&reasons[i]) / total
		reasons[i].Points = int(share)
		rest[i] = share - float64(reasons[i].Points)
		left -= reasons[i].Points
	}
	for ; left > 0; left-- {
		most := 0
		for i := range rest {
			if rest[i] > rest[most] {
				most = i
			}
		}
		reasons[most].Points++
		rest[most] = -1
	}
}

// words are what the decision says to the user, who gets the weightiest reason's
// text, and to those who work with riskd, who get every reason's.
func (t *turn) words() (user, admin string) {
	user = "Please confirm that it is you."
	if t.decision.Outcome == riskd.Revoke {
		user = "Your session has ended for your protection. Please sign in again."
	}
	var parts []string
	for i := range t.decision.Reasons {
		r := &t.decision.Reasons[i]
		if r.Rule == nil {
			continue
		}
		if i == 0 && r.Rule.User != "" {
			user = r.Rule.User
		}
		parts = append(parts, r.Code+": "+t.adminText(r))
	}
	if t.err != nil {
		parts = append(parts, codeOf(t.err)+": "+t.err.Error())
	}
	return user, strings.Join(parts, "; ")
}

// adminText fills a rule's template from the reading it judged. Evidence from
// earlier events has no reading any more; the rule's title stands for it.
func (t *turn) adminText(r *riskd.Reason) string {
	i := slices.IndexFunc(t.request, func(q riskd.Reason) bool { return q.Code == r.Code })
	if i < 0 {
		return r.Rule.Title + " (earlier)"
	}
	signal := t.request[i].Signal
	for k := range t.engine.signals {
		if t.engine.signals[k].Name == signal {
			return fill(r.Rule.Admin, &t.engine.signals[k].Signal, &t.readings[k])
		}
	}
	return r.Rule.Title
}

func fill(template string, s *riskd.Signal, r *riskd.Reading) string {
	pairs := []string{"{value}", number(r.Value), "{nats}", number(r.Nats)}
	for i, d := range s.Details {
		text := r.Details[i].Text
		if d.Kind == riskd.Number {
			text = number(r.Details[i].Number)
		}
		if text == "" {
			text = "?"
		}
		pairs = append(pairs, "{"+d.Name+"}", text)
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// number is for people: no decimals where they would say nothing.
func number(x float64) string {
	if x == math.Trunc(x) || math.Abs(x) >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}
