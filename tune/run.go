package tune

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// RunOptions are what a tuning needs.
type RunOptions struct {
	SearchOptions
	// Record runs the trace through the engine, under the pack with some of its numbers
	// changed. It must be safe for concurrent use. enforce is Options.Enforce.
	Record func(ctx context.Context, changes []Change, enforce bool) (*Log, error)
	// From is when counting begins, given when the trace does and ends.
	From func(first, last time.Time) time.Time
	// LeaveOneOut tunes without each family in turn, too.
	LeaveOneOut bool
	// Say is told what is being done. Optional.
	Say func(what string)
}

// Run tunes a pack: it records the trace, searches, records once more under what was
// found, since other numbers have other consequences, searches on from there, and
// runs what it has come to, and the pack as it was with thresholds for the same
// budget, through the engine. The error is [ErrNoAttacks] or says what is missing.
func Run(ctx context.Context, o RunOptions) (*Report, error) {
	if o.Record == nil {
		return nil, errors.New("tune.RunOptions.Record: is required")
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.From == nil {
		o.From = func(first, last time.Time) time.Time {
			return first.Add(time.Duration(DefaultFrom * float64(last.Sub(first))))
		}
	}
	t := &tuning{RunOptions: o}
	if err := t.search(ctx); err != nil {
		return nil, err
	}
	if err := t.verify(ctx); err != nil {
		return nil, err
	}
	r := t.report()
	if o.LeaveOneOut && !o.ThresholdsOnly {
		if err := t.leaveOut(ctx, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// tuning is a run at work.
type tuning struct {
	RunOptions
	first, again *Log // as the pack is, and under what was found first
	split        Split
	splitAgain   Split
	found        *Found
	tried        []Point
	atBudget     []Change // the thresholds that keep the pack as it is to the budget

	chosen, shipped           Split // by the engine
	chosenTrain, chosenTest   *Outcome
	shippedTrain, shippedTest *Outcome
}

// part parts a log.
func (t *tuning) part(l *Log) Split {
	first, last := l.Span()
	return l.Split(t.Seed, t.From(first, last))
}

func (t *tuning) search(ctx context.Context) (err error) {
	t.Say("recording the evidence under the pack as it is")
	if t.first, err = t.Record(ctx, nil, false); err != nil {
		return err
	}
	t.split = t.part(t.first)
	if err := t.split.Enough(t.Budget, t.ThresholdsOnly); err != nil {
		return err
	}
	t.Say(fmt.Sprintf("searching: %d requests, %.1f bytes of evidence each", t.first.Requests(), float64(t.first.Bytes())/float64(t.first.Requests())))
	found, err := Search(ctx, t.split.Train, t.SearchOptions)
	if err != nil {
		return err
	}
	t.tried = found.Tried
	for _, k := range thresholdKnobs {
		if own := t.first.Own(); k.get(own) != k.get(found.Shipped) {
			t.atBudget = append(t.atBudget, changeOf(&k, own, found.Shipped))
		}
	}
	t.Say("recording the evidence under what was found")
	if t.again, err = t.Record(ctx, found.Changes, false); err != nil {
		return err
	}
	t.splitAgain = t.part(t.again)
	t.Say("searching on from there")
	o := t.SearchOptions
	o.Since = found.Changes
	if t.found, err = Search(ctx, t.splitAgain.Train, o); err != nil {
		return err
	}
	t.tried = append(t.tried, t.found.Tried...)
	return nil
}

// verify runs both through the engine.
func (t *tuning) verify(ctx context.Context) error {
	t.Say("running what was found, and the pack as it was at the same budget, through the engine")
	var logs [2]*Log
	var faults [2]error
	var working sync.WaitGroup
	for i, changes := range [][]Change{t.found.Changes, t.atBudget} {
		working.Go(func() { logs[i], faults[i] = t.Record(ctx, changes, true) })
	}
	working.Wait()
	if err := errors.Join(faults[:]...); err != nil {
		return err
	}
	t.chosen, t.shipped = t.part(logs[0]), t.part(logs[1])
	own := func(s *Split) (train, test *Outcome) {
		p := s.Train.log.Own()
		return s.Train.Measure(p), s.Test.Measure(p)
	}
	t.chosenTrain, t.chosenTest = own(&t.chosen)
	t.shippedTrain, t.shippedTest = own(&t.shipped)
	return nil
}

// leaveOut tunes without each family in turn and tells what is caught of it.
func (t *tuning) leaveOut(ctx context.Context, r *Report) error {
	for i := range r.Held.Chosen.Families {
		name := r.Held.Chosen.Families[i].Name
		t.Say("searching without family " + name)
		o := t.SearchOptions
		o.Without, o.Progress = name, nil
		found, err := Search(ctx, t.split.Train, o)
		if err != nil {
			return err
		}
		out := LeftOut{Family: name}
		for _, side := range []struct {
			of *float64
			p  *Params
		}{{&out.Shipped, found.Shipped}, {&out.Without, found.Chosen}} {
			for _, f := range t.split.Test.Measure(side.p).Figures().Families {
				if f.Name == name {
					*side.of = f.TPR
				}
			}
		}
		out.With = r.Held.Chosen.Families[i].TPR
		r.LeftOut = append(r.LeftOut, out)
	}
	return nil
}
