package scoring

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Outcomes is what decisions are counted by: the row is what the policy in force
// said, the column what the candidate did, both in the order of severity.
type Outcomes [riskd.Revoke][riskd.Revoke]uint64

// At is how often the two outcomes met.
func (o *Outcomes) At(live, shadow riskd.Outcome) uint64 { return o[live-1][shadow-1] }

// Disagreement is one event on which candidate and policy in force differ.
type Disagreement struct {
	Session  riskd.SessionID
	Decision string // its id
	Time     time.Time
	Live     Opinion
	Shadow   Opinion
}

// Opinion is what a policy made of one event. Reasons are the codes that the other
// didn't give.
type Opinion struct {
	Outcome riskd.Outcome
	Score   int
	Reasons []string
}

// Quantiles are of the time that a policy took for one event.
type Quantiles struct{ P50, P99, Max time.Duration }

// ShadowReport is how a trial goes.
type ShadowReport struct {
	Candidate
	Added time.Time
	Aside bool // judged aside, not inline
	Over  bool // the trial has expired
	// Live is the pack that it is compared with; what was counted beside another
	// is dropped.
	Live *riskd.Pack
	// Decisions is how many events both judged, Differing on how many of them they
	// disagree; Sessions and Affected are the sessions that these belong to, as far
	// as they're remembered.
	Decisions, Differing uint64
	Sessions, Affected   uint64
	Matrix               Outcomes
	// Examples are the latest disagreements, the newest first.
	Examples []Disagreement
	// Errors counts the events on which it gave no answer, by code, Dropped those
	// that came faster than they were judged.
	Errors  map[string]uint64
	Dropped uint64
	Took    Quantiles
	// LiveTook is of the policy in force, for the same events.
	LiveTook Quantiles
	// Refused is why it should not be promoted; empty if it may be.
	Refused []string
}

// Share is the share of decisions on which the two disagree.
func (r *ShadowReport) Share() float64 {
	if r.Decisions == 0 {
		return 0
	}
	return float64(r.Differing) / float64(r.Decisions)
}

// What a trial needs before it says promote.
const (
	enoughDecisions = 1000
	enoughSessions  = 20
	// tolerableLoss is the share of events that may be dropped, for nobody chooses
	// which.
	tolerableLoss = 0.1
	// tolerablyFast is what a policy may take beside a slower one at the 99th
	// percentile: no deadline is as short.
	tolerablyFast = time.Millisecond
	keptExamples  = 50
)

// tally counts what a candidate said. Whoever has it is alone with it.
type tally struct {
	added                time.Time
	live                 *riskd.Pack
	decisions, differing uint64
	sessions, affected   uint64
	matrix               Outcomes
	examples             []Disagreement // a ring
	next                 int
	errors               map[string]uint64
	dropped              uint64
	took, liveTook       durations
}

func newTally(now time.Time) tally { return tally{added: now, errors: map[string]uint64{}} }

// count takes down what became of one scene.
func (c *tally) count(s *scene, w *word, own *standing, fresh bool) {
	if c.live != nil && c.live.Revision != s.live.pack.Revision {
		*c = newTally(c.added)
		fresh = true
	}
	c.live = s.live.pack
	if fresh {
		c.sessions++
		own.differs = false
	}
	if w.err != nil {
		c.errors[errorCode(w.err)]++
		return
	}
	c.decisions++
	c.took.add(w.took)
	c.liveTook.add(s.live.took)
	c.matrix[s.live.outcome-1][w.outcome-1]++
	if w.outcome == s.live.outcome {
		return
	}
	c.differing++
	if !own.differs {
		own.differs = true
		c.affected++
	}
	c.keep(Disagreement{
		Session: s.session.ID, Decision: s.live.id, Time: s.now,
		Live:   Opinion{s.live.outcome, s.live.score, without(s.live.reasons, w.reasons)},
		Shadow: Opinion{w.outcome, w.score, without(w.reasons, s.live.reasons)},
	})
}

func (c *tally) keep(d Disagreement) {
	if len(c.examples) < keptExamples {
		c.examples = append(c.examples, d)
		return
	}
	c.examples[c.next] = d
	c.next = (c.next + 1) % keptExamples
}

// without gives the codes among reasons that others don't have.
func without(reasons, others []riskd.Reason) (codes []string) {
	for i := range reasons {
		code := reasons[i].Code
		same := func(r riskd.Reason) bool { return r.Code == code }
		if !slices.ContainsFunc(others, same) && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// Report says how a trial goes as of now; false says that there is none of that
// name.
func (s *Shadows) Report(name string, now time.Time) (ShadowReport, bool) {
	x := s.find(name)
	if x == nil {
		return ShadowReport{}, false
	}
	return x.report(now), true
}

// Reports says how all trials go as of now, in the order in which they began.
func (s *Shadows) Reports(now time.Time) []ShadowReport {
	all := *s.list.Load()
	reports := make([]ShadowReport, len(all))
	for i := range all {
		reports[i] = all[i].report(now)
	}
	return reports
}

func (x *shadow) report(now time.Time) ShadowReport {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := &x.tally
	r := ShadowReport{
		Candidate: x.Candidate, Added: c.added, Aside: x.aside.Load(), Over: !now.Before(x.Expires), Live: c.live,
		Decisions: c.decisions, Differing: c.differing, Sessions: c.sessions, Affected: c.affected, Matrix: c.matrix,
		Examples: append(slices.Clone(c.examples[c.next:]), c.examples[:c.next]...),
		Errors:   maps.Clone(c.errors), Dropped: c.dropped,
		Took: c.took.quantiles(), LiveTook: c.liveTook.quantiles(),
	}
	slices.Reverse(r.Examples)
	r.Refused = r.refusals()
	return r
}

func (d *durations) quantiles() Quantiles {
	return Quantiles{d.quantile(0.5), d.quantile(0.99), d.most}
}

// refusals are the reasons against promoting the candidate.
func (r *ShadowReport) refusals() (against []string) {
	refuse := func(format string, args ...any) { against = append(against, fmt.Sprintf(format, args...)) }
	if r.Held != "" {
		refuse("it is held: %s", r.Held)
	}
	if r.Decisions < enoughDecisions {
		refuse("it has judged %d decisions; %d say enough", r.Decisions, enoughDecisions)
	}
	if r.Sessions < enoughSessions {
		refuse("it has judged %d sessions; %d say enough", r.Sessions, enoughSessions)
	}
	if r.Differing > 0 && r.Share() >= r.Budget {
		refuse("it disagrees on %.2f %% of decisions; its budget is %.2f %%", 100*r.Share(), 100*r.Budget)
	}
	var failed uint64
	for _, n := range r.Errors {
		failed += n
	}
	if failed > 0 {
		refuse("it gave no answer on %d events", failed)
	}
	if seen := r.Decisions + failed + r.Dropped; r.Dropped > 0 && float64(r.Dropped) > tolerableLoss*float64(seen) {
		refuse("%d of %d events came faster than they were judged: lower its sample rate", r.Dropped, seen)
	}
	if slow := r.Took.P99; slow > 2*r.LiveTook.P99 && slow > tolerablyFast {
		refuse("it takes %s at the 99th percentile, the policy in force %s", slow.Round(time.Microsecond), r.LiveTook.P99.Round(time.Microsecond))
	}
	return against
}
