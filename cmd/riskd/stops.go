package main

import (
	"context"
	"sync"
)

// stops are what has to be done at the end, last begun first. Every part that
// lives long adds its own when it starts, so that a start that fails half-way
// undoes what was done.
type stops struct{ list []func() }

func (s *stops) add(stop func()) { s.list = append(s.list, stop) }

func (s *stops) run() {
	for i := len(s.list) - 1; i >= 0; i-- {
		s.list[i]()
	}
	s.list = nil
}

// spawn runs work in its own goroutine until the stops run; they wait for it.
func (s *stops) spawn(work func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { work(ctx) })
	s.add(func() {
		cancel()
		done.Wait()
	})
}
