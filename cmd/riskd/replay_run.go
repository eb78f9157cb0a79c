package main

import (
	"context"
	"fmt"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/sessions"
)

// replayRun is one file's engine and what is printed of it.
type replayRun struct {
	replay *replay
	engine *replayEngine
	key    *riskd.SessionKey
	screen *screen
	ids    int
}

func (r *replay) begin(title string, tuning []byte) (*replayRun, error) {
	pack, err := r.pack.compile(tuning)
	if err != nil {
		return nil, err
	}
	run := &replayRun{replay: r, screen: newScreen(r.out, r.coloured)}
	run.screen.layout = "2006-01-02T15:04:05Z"
	if run.key, err = riskd.NewSessionKey(replayKey); err != nil {
		return nil, err
	}
	bounds := sessions.Options{MaxSessions: r.config.Memory.MaxSessions, MaxProfiles: r.config.Memory.MaxProfiles}
	run.engine, err = newReplayEngine(pack, r.locator, bounds, run.newID, run.record)
	if !r.asJSON {
		fmt.Fprintf(r.out, "%s\n%s\n", title, run.screen.header())
	}
	return run, err
}

// newID counts: a replay's ids say nothing but their order.
func (r *replayRun) newID() string {
	r.ids++
	return fmt.Sprintf("%026d", r.ids)
}

// record prints a decision. Events that were only told get theirs too, but
// nobody was waiting for it.
func (r *replayRun) record(rec *riskd.Record) {
	r.replay.sum.add(rec.Decision)
	if r.replay.asJSON {
		r.replay.out.Write(append(api.AppendDecision(nil, rec.Decision), '\n'))
		return
	}
	fmt.Fprintln(r.replay.out, r.screen.line(rec))
}

// line decides one line of a trace, and says whether its decision was asked for.
func (r *replayRun) line(ctx context.Context, line []byte) (d riskd.Decision, asked bool, err error) {
	in, err := decodeLine(line, r.key)
	switch {
	case err != nil:
		return d, in.asked, err
	case in.identity != nil:
		return d, false, r.tell(ctx, in.identity)
	}
	return r.engine.Decide(ctx, in.event, in.event.Time), in.asked, nil
}

// tell lets an identity event act, and prints what it has led to.
func (r *replayRun) tell(ctx context.Context, e *riskd.IdentityEvent) error {
	done, err := r.engine.tell(ctx, e)
	if err == nil && !r.replay.asJSON {
		fmt.Fprintf(r.replay.out, "%s  %s\n", e.Time.UTC().Format(r.screen.layout), toldText(e, &done))
	}
	return err
}
