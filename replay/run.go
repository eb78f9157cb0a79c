package replay

import (
	"context"
	"fmt"
	"sync"

	"github.com/riskd/riskd"
)

// run runs the batches and adds up what they give, in their order.
func (c *comparison) run(ctx context.Context, batches [][]uint32) (*tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		part *tally
		err  error
	}
	type job struct {
		lines []uint32
		out   chan<- result
	}
	jobs := make(chan job)
	results := make(chan (<-chan result), 2*c.Workers) // how far the quickest may be ahead
	var working sync.WaitGroup
	for range c.Workers {
		working.Go(func() {
			for j := range jobs {
				part, err := c.batch(ctx, j.lines)
				j.out <- result{part, err}
			}
		})
	}
	working.Go(func() {
		defer close(jobs)
		defer close(results)
		for _, lines := range batches {
			out := make(chan result, 1)
			select {
			case results <- out:
				jobs <- job{lines, out}
			case <-ctx.Done():
				return
			}
		}
	})
	total, lines := newTally(), 0
	var failed error
	for out := range results {
		r := <-out
		if r.err != nil && failed == nil {
			failed = r.err
			cancel()
		}
		if failed != nil {
			continue
		}
		before := lines / progressEvery
		if lines += r.part.lines(); lines/progressEvery > before {
			c.Progress(2, lines)
		}
		total.add(r.part)
	}
	working.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return total, failed
}

// batch runs the lines of some whole groups under both packs.
func (c *comparison) batch(ctx context.Context, lines []uint32) (*tally, error) {
	engines, err := c.Engines(len(lines))
	if err != nil {
		return nil, err
	}
	b := &batch{comparison: c, engines: engines, tally: newTally(), stories: map[riskd.SessionID]*story{}, days: map[userDay]*[2]bool{}}
	var text []byte
	for _, number := range lines {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := &c.index.lines[number]
		if cap(text) < int(at.size) {
			text = make([]byte, at.size)
		}
		t := &c.Traces[at.trace]
		if n, err := t.In.ReadAt(text[:at.size], at.offset); err != nil && n < int(at.size) { // EOF may come along
			return nil, fmt.Errorf("%s:%d: %w", t.Name, at.line, err)
		}
		in, err := c.Decode(trim(text[:at.size]))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: has changed while it was read: %w", t.Name, at.line, err)
		}
		if in.Identity != nil {
			b.tell(ctx, number, in.Identity)
		} else {
			b.decide(ctx, number, in.Event)
		}
	}
	b.close()
	return b.tally, nil
}

// batch is one batch at work.
type batch struct {
	*comparison
	engines [2]Engine
	tally   *tally
	stories map[riskd.SessionID]*story
	told    []*story // in the order of their first events
	days    map[userDay]*[2]bool
}

// userDay is a user's day (UTC).
type userDay struct {
	tenant, user string
	day          int64
}

func (b *batch) tell(ctx context.Context, number uint32, e *riskd.IdentityEvent) {
	b.tally.identity++
	for side, engine := range b.engines {
		if err := engine.Tell(ctx, int(number), e); err != nil {
			b.tally.refuse(side, number, fmt.Errorf("%s: %w", b.whereIs(number), err))
		}
	}
}

// decide decides an event under both packs.
func (b *batch) decide(ctx context.Context, number uint32, e *riskd.Event) {
	b.tally.see(e)
	s := b.story(e)
	s.meet(b.index.marks[number], number)
	var answers [2]Answer
	for side, engine := range b.engines {
		own := *e // the engine may write into its event
		answers[side] = engine.Decide(ctx, int(number), &own)
	}
	classes := [2]Class{classOf(&answers[0]), classOf(&answers[1])}
	b.tally.events[classes[0]][classes[1]]++
	s.take(b, number, e, &answers, classes)
	b.mark(s, e, classes)
	if b.StepUps != Passed || len(s.attacks) > 0 {
		return
	}
	for side, engine := range b.engines {
		if u := answers[side].StepUp; u != nil && engine.Prove(ctx, int(number), u, e.Time) {
			b.tally.stepUps[side].proved++
			s.waits[side] = false
		}
	}
}

// story gives what has become of the event's session so far.
func (b *batch) story(e *riskd.Event) *story {
	s := b.stories[e.Session.ID]
	if s == nil {
		s = &story{id: e.Session.ID, tenant: e.Tenant, attacked: b.index.attacked[e.Session.ID], codes: map[string]sideSet{}}
		b.stories[e.Session.ID] = s
		b.told = append(b.told, s)
	}
	if s.user == "" {
		s.user = e.User.ID
	}
	return s
}

// mark notes the alarms on a user's day, if no attack ever comes to the session.
func (b *batch) mark(s *story, e *riskd.Event, classes [2]Class) {
	if s.attacked || s.user == "" {
		return
	}
	const secondsPerDay = 24 * 60 * 60
	key := userDay{s.tenant, s.user, e.Time.Unix() / secondsPerDay}
	alarms := b.days[key]
	if alarms == nil {
		alarms = new([2]bool)
		b.days[key] = alarms
	}
	for side := range alarms {
		alarms[side] = alarms[side] || classes[side].Alarm()
	}
}

// close adds up what the batch's sessions have come to.
func (b *batch) close() {
	users := map[[2]string]bool{}
	for _, s := range b.told {
		if s.user != "" {
			users[[2]string{s.tenant, s.user}] = true
		}
		b.tally.close(s)
	}
	b.tally.users = len(users)
	for _, alarms := range b.days {
		b.tally.days.add(*alarms)
	}
}
