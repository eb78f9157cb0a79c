package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/riskd/riskd"
)

// newLogger makes the log that a config asks for.
func newLogger(out io.Writer, c *config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Log.Level}
	if c.Log.Format == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// journal writes decisions to the log: those that aren't allow at info, the
// others at debug. It holds no id but those that riskd gave itself.
type journal struct {
	queue[slog.Record]
	log *slog.Logger
}

func newJournal(log *slog.Logger) *journal {
	return &journal{log: log, queue: newQueue(func(line slog.Record) {
		_ = log.Handler().Handle(context.Background(), line) // a log that fails has no place to say so
	})}
}

// record takes one decision down, or reports that there was no room for it.
func (j *journal) record(r *riskd.Record) (taken bool) {
	d := r.Decision
	level := slog.LevelInfo
	if d.Outcome == riskd.Allow {
		level = slog.LevelDebug
	}
	if !j.log.Enabled(context.Background(), level) {
		return true
	}
	line := slog.NewRecord(d.At, level, "decision", 0)
	line.AddAttrs(
		slog.String("decision_id", d.ID), slog.String("decision", d.Outcome.String()), slog.Int("score", d.Score),
		slog.String("session", d.Session.String()), slog.Any("reasons", codesOf(d.Reasons)),
		slog.String("source", d.Source.String()), slog.String("pack", d.Pack), slog.String("revision", d.Revision),
		slog.Float64("took_s", r.Took.Seconds()),
	)
	if len(d.Degraded) > 0 {
		line.AddAttrs(slog.Any("degraded", slices.Clone(d.Degraded)))
	}
	return j.offer(line)
}

func codesOf(reasons []riskd.Reason) []string {
	codes := make([]string, len(reasons))
	for i := range reasons {
		codes[i] = reasons[i].Code
	}
	return codes
}
