package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
	"github.com/riskd/riskd/tune"
)

// tuneRecorder runs the traces through engines.
type tuneRecorder struct {
	run    *tuneRun
	traces []tuneTrace
}

// record is [tune.RunOptions.Record].
func (r *tuneRecorder) record(ctx context.Context, changes []tune.Change, enforce bool) (*tune.Log, error) {
	document, err := tune.Rewrite(r.run.document, changes)
	if err != nil {
		return nil, err
	}
	pack, err := r.run.pack.compile(document)
	if err != nil {
		return nil, err
	}
	key, err := riskd.NewSessionKey(replayKey)
	if err != nil {
		return nil, err
	}
	recorder, err := tune.NewRecorder(tune.Options{
		Policy: pack, Tuned: pack.Tuned(), Signals: signals.Descriptions(), Labels: r.run.labels, Enforce: enforce,
		Engine: func(policy tune.Policy) (tune.Engine, error) { return r.engine(policy) },
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for batch := range r.read(ctx, key) {
		lines := <-batch
		for i := range lines {
			if err := take(ctx, recorder, &lines[i]); err != nil {
				return nil, err
			}
		}
	}
	return recorder.Close(), ctx.Err()
}

func take(ctx context.Context, recorder *tune.Recorder, line *tuneLine) error {
	switch {
	case line.err != nil:
		return &problems{"tune found a line that is none: a trace for tuning must be whole", flatten(line.err)}
	case line.in.identity != nil:
		// What a pack can't act on is nothing to this one's numbers.
		_ = recorder.Identity(ctx, line.in.identity)
		return nil
	}
	return recorder.Event(ctx, line.in.event)
}

// tuneEngine decides for tuning as it does for comparing.
type tuneEngine struct{ *sideEngine }

func (r *tuneRecorder) engine(policy scoring.Policy) (*tuneEngine, error) {
	s := &sideEngine{}
	memory := &r.run.config.Memory
	var err error
	s.replayEngine, err = newReplayEngine(policy, r.run.locator, sessions.Options{MaxSessions: memory.MaxSessions, MaxProfiles: memory.MaxProfiles}, s.newID, nil)
	return &tuneEngine{s}, err
}

// Decide answers an event as of its time.
func (e *tuneEngine) Decide(ctx context.Context, number int, event *riskd.Event) riskd.Decision {
	return e.sideEngine.Decide(ctx, number, event).Decision
}

// tuneLine is a decoded line of a trace.
type tuneLine struct {
	in  replayLine
	err error
}

// tuneBatch is how many lines are decoded at once, beside the engine's work.
const tuneBatch = 256

// read decodes the traces' lines ahead of the engine, in their order.
func (r *tuneRecorder) read(ctx context.Context, key *riskd.SessionKey) <-chan (<-chan []tuneLine) {
	batches := make(chan (<-chan []tuneLine), 8)
	go func() {
		defer close(batches)
		total := 0
		for i := range r.traces {
			if !r.split(ctx, &r.traces[i], key, batches, &total) {
				return
			}
		}
	}()
	return batches
}

// split sends a trace's lines on, and reports whether there is to be more.
func (r *tuneRecorder) split(ctx context.Context, t *tuneTrace, key *riskd.SessionKey, batches chan<- (<-chan []tuneLine), total *int) bool {
	lines := bufio.NewScanner(io.NewSectionReader(t.in, 0, math.MaxInt64))
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	number, more := 0, true
	for more {
		var texts [][]byte
		first := number + 1
		for len(texts) < tuneBatch {
			if more = lines.Scan(); !more {
				break
			}
			number++
			texts = append(texts, bytes.Clone(lines.Bytes()))
		}
		fault := lines.Err()
		if errors.Is(fault, bufio.ErrTooLong) {
			fault = fmt.Errorf("is longer than %d bytes", maxLine)
		}
		out := make(chan []tuneLine, 1)
		go func() { out <- decodeLines(t.name, first, texts, fault, key) }()
		select {
		case batches <- out:
		case <-ctx.Done():
			return false
		}
		before := *total / tuneProgress
		if *total += len(texts); *total/tuneProgress > before {
			r.run.tell("%d lines so far", *total)
		}
		if fault != nil {
			return false
		}
	}
	return true
}

// tuneProgress is after how many lines progress is shown.
const tuneProgress = 250_000

func decodeLines(name string, first int, texts [][]byte, fault error, key *riskd.SessionKey) []tuneLine {
	lines := make([]tuneLine, 0, len(texts))
	for i, text := range texts {
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		line := tuneLine{}
		if line.in, line.err = decodeLine(text, key); line.err != nil {
			line.err = at(name, first+i, line.err)
		}
		lines = append(lines, line)
	}
	if fault != nil {
		lines = append(lines, tuneLine{err: at(name, first+len(texts), fault)})
	}
	return lines
}
