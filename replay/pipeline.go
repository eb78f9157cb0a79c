package replay

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/riskd/riskd"
)

// pipeline runs the stages side by side: reading, decoding, putting in order, the packs
// each for itself, and adding up. Batches go from stage to stage and back to the reader;
// there are as many as depth.
type pipeline struct {
	options   *Options
	order     *order
	free      chan *batch
	undecoded chan *batch // in any order from there
	ordered   chan *batch
	sides     []chan *batch
	decided   []chan *batch
}

const depth = 16

func newPipeline(o *Options, order *order) *pipeline {
	p := &pipeline{
		options: o, order: order,
		free: make(chan *batch, depth), undecoded: make(chan *batch, depth), ordered: make(chan *batch, depth),
	}
	for range depth {
		p.free <- &batch{decoded: make(chan struct{}, 1)}
	}
	for range o.Engines {
		p.sides = append(p.sides, make(chan *batch, depth))
		p.decided = append(p.decided, make(chan *batch, depth))
	}
	return p
}

// run hands every batch to collect, in the order of the trace. The first error of a
// stage ends all of them.
func (p *pipeline) run(ctx context.Context, collect func(*batch)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stages sync.WaitGroup
	stage := func(run func(context.Context) error, closing ...chan *batch) {
		stages.Go(func() {
			if err := run(ctx); err != nil {
				cancel(err)
			}
			for _, c := range closing {
				close(c)
			}
		})
	}
	go func() { // nobody waits for input that may never come
		if err := p.read(ctx); err != nil {
			cancel(err)
		}
		close(p.ordered)
		close(p.undecoded)
	}()
	for range runtime.GOMAXPROCS(0) {
		stage(p.decode)
	}
	stage(p.arrange, p.sides...)
	for side := range p.sides {
		stage(func(ctx context.Context) error { return p.decide(ctx, side) }, p.decided[side])
	}
	stage(func(ctx context.Context) error { return p.collect(ctx, collect) })
	stages.Wait()
	return context.Cause(ctx)
}

// arrange puts what was decoded in order.
func (p *pipeline) arrange(ctx context.Context) error {
	for {
		b, err := receive(ctx, p.ordered)
		if err != nil {
			return end(err)
		}
		if _, err := receive(ctx, b.decoded); err != nil {
			return err
		}
		if err := p.order.take(b); err != nil {
			return err
		}
		for _, side := range p.sides {
			if err := send(ctx, side, b); err != nil {
				return err
			}
		}
	}
}

// decide decides the batches under one pack.
func (p *pipeline) decide(ctx context.Context, side int) error {
	engine := p.options.Engines[side]
	for {
		b, err := receive(ctx, p.sides[side])
		if err != nil {
			return end(err)
		}
		for i := range b.items {
			switch in := &b.items[i]; {
			case in.fault != nil:
			case in.Identity != nil:
				in.refused[side] = engine.Tell(ctx, in.number, in.Identity)
			case in.Event != nil:
				own := in.Event
				if len(p.sides) > 1 { // the engine may write into its event
					own = new(riskd.Event)
					*own = *in.Event
				}
				a := &in.answers[side]
				*a = engine.Decide(ctx, in.number, own)
				if p.options.StepUps == Passed && len(in.came) == 0 && a.StepUp != nil {
					in.proved[side] = engine.Prove(ctx, in.number, a.StepUp, in.Event.Time)
				}
			}
		}
		if err := send(ctx, p.decided[side], b); err != nil {
			return err
		}
	}
}

// collect hands on the batches that all packs have decided, and gives them back.
func (p *pipeline) collect(ctx context.Context, collect func(*batch)) error {
	for {
		var b *batch
		for _, side := range p.decided { // the same batch from each
			var err error
			if b, err = receive(ctx, side); err != nil {
				return end(err)
			}
		}
		collect(b)
		clear(b.items)
		if err := send(ctx, p.free, b); err != nil {
			return err
		}
	}
}

func send[T any](ctx context.Context, to chan<- T, x T) error {
	select {
	case to <- x:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// receive gives io.EOF when there is nothing more to come.
func receive[T any](ctx context.Context, from <-chan T) (x T, err error) {
	select {
	case x, more := <-from:
		if !more {
			return x, io.EOF
		}
		return x, nil
	case <-ctx.Done():
		return x, context.Cause(ctx)
	}
}

// end makes the end of what there is to do the end of a stage.
func end(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
