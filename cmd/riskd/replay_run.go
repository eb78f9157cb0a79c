package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// replayRun is one file's engine and what is printed of it.
type replayRun struct {
	replay *replay
	engine *scoring.Engine
	key    *riskd.SessionKey
	screen *screen
	ids    int
}

// replayKey hashes session ids where nobody else's references have to agree.
var replayKey = bytes.Repeat([]byte{0}, riskd.MinSessionKey)

// replayDeadline is so long that the speed of the machine decides nothing.
const replayDeadline = time.Minute

func (r *replay) begin(title string, tuning []byte) (*replayRun, error) {
	pack, err := r.pack.compile(tuning)
	if err != nil {
		return nil, err
	}
	memory, err := sessions.New(sessions.Options{MaxSessions: r.config.Memory.MaxSessions, MaxProfiles: r.config.Memory.MaxProfiles})
	if err != nil {
		return nil, err
	}
	run := &replayRun{replay: r, screen: newScreen(r.out, r.coloured)}
	run.screen.layout = "2006-01-02T15:04:05Z"
	if run.key, err = riskd.NewSessionKey(replayKey); err != nil {
		return nil, err
	}
	set := policies.NewSet(pack)
	run.engine, err = scoring.New(scoring.Options{
		Memory: memory, Locator: r.locator, Policy: func() scoring.Policy { return set.Current() },
		NewID: run.newID, Record: run.record, Deadline: replayDeadline,
	})
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
	kind, document, err := fixtures.SplitLine(line)
	if err != nil {
		return d, false, err
	}
	asked = kind == fixtures.Decision
	e, err := api.DecodeTraceEvent(document, r.key)
	if err != nil {
		return d, asked, err
	}
	if e.Time.IsZero() {
		return d, asked, &riskd.FieldError{Path: "time", Detail: "is required in a trace: it is the clock"}
	}
	return r.engine.Decide(ctx, e, e.Time), asked, nil
}
