package scoring

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

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
	number               uint64 // 1, 2, 3 …: how often it was begun anew
	added                time.Time
	live                 *riskd.Pack
	decisions, differing uint64
	sessions, affected   uint64
	matrix               riskd.ShadowMatrix
	examples             []riskd.Disagreement // a ring
	next                 int
	errors               map[string]uint64
	dropped              uint64
	took, liveTook       durations
}

func newTally(now time.Time) tally { return tally{number: 1, added: now, errors: map[string]uint64{}} }

// count takes down what became of one scene.
func (c *tally) count(s *scene, w *word, own *standing) {
	if c.live != nil && c.live.Revision != s.live.pack.Revision {
		number := c.number + 1
		*c = newTally(c.added)
		c.number = number
	}
	c.live = s.live.pack
	if own.counted != c.number {
		own.counted = c.number
		c.sessions++
	}
	if w.err != nil {
		c.errors[errorCode(w.err)]++
		return
	}
	c.decisions++
	c.took.add(w.took)
	c.liveTook.add(s.live.took)
	c.matrix.Count(s.live.outcome, w.outcome)
	if w.outcome == s.live.outcome {
		return
	}
	c.differing++
	if own.differs != c.number {
		own.differs = c.number
		c.affected++
	}
	c.keep(riskd.Disagreement{
		Session: s.session.ID, Decision: s.live.id, Time: s.now,
		Live:   riskd.Opinion{Outcome: s.live.outcome, Score: s.live.score, Reasons: without(s.live.reasons, w.reasons)},
		Shadow: riskd.Opinion{Outcome: w.outcome, Score: w.score, Reasons: without(w.reasons, s.live.reasons)},
	})
}

func (c *tally) keep(d riskd.Disagreement) {
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
func (s *Shadows) Report(name string, now time.Time) (riskd.ShadowReport, bool) {
	x := s.find(name)
	if x == nil {
		return riskd.ShadowReport{}, false
	}
	return x.report(now), true
}

// Reports says how all trials go as of now, in the order in which they began.
func (s *Shadows) Reports(now time.Time) []riskd.ShadowReport {
	all := *s.list.Load()
	reports := make([]riskd.ShadowReport, len(all))
	for i := range all {
		reports[i] = all[i].report(now)
	}
	return reports
}

func (x *shadow) report(now time.Time) riskd.ShadowReport {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := &x.tally
	r := riskd.ShadowReport{
		Name: x.Name, Pack: x.Policy.Info().Name, Revision: x.Policy.Info().Revision, Rate: x.Rate, Budget: x.Budget,
		Added: c.added, Expires: x.Expires, Over: !now.Before(x.Expires), Inline: !x.aside.Load(), Held: x.Held,
		Decisions: c.decisions, Differing: c.differing, Sessions: c.sessions, Affected: c.affected, Matrix: c.matrix,
		Examples: append(slices.Clone(c.examples[c.next:]), c.examples[:c.next]...),
		Errors:   maps.Clone(c.errors), Dropped: c.dropped,
		Took: c.took.quantiles(), LiveTook: c.liveTook.quantiles(),
	}
	slices.Reverse(r.Examples)
	if c.live != nil {
		r.LivePack, r.LiveRevision = c.live.Name, c.live.Revision
	}
	r.Refused = refusals(&r)
	return r
}

func (d *durations) quantiles() riskd.Quantiles {
	return riskd.Quantiles{P50: d.quantile(0.5), P99: d.quantile(0.99), Max: d.most}
}

// refusals are the reasons against promoting the candidate.
func refusals(r *riskd.ShadowReport) (against []string) {
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
