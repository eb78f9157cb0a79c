package replay

import (
	"time"

	"github.com/riskd/riskd/replay/measure"
)

// Measurement is what a trace says of one pack. Its JSON is described in
// docs/replay.md; members are only ever added.
type Measurement struct {
	Version int       `json:"version"` // 1
	Pack    Pack      `json:"pack"`
	Traces  []string  `json:"traces"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	// CountFrom and CountUntil bound what is measured; null is no bound.
	CountFrom  *time.Time `json:"counted_from"`
	CountUntil *time.Time `json:"counted_until"`

	Events         int            `json:"events"`
	IdentityEvents int            `json:"identity_events"`
	Unread         int            `json:"unread_lines"`
	Sessions       int            `json:"sessions"`
	Users          int            `json:"users"`
	StepUps        MeasuredProofs `json:"step_ups"`
	Refused        int            `json:"identity_events_refused"`
	FirstRefused   string         `json:"first_refused,omitzero"`
	// Unmatched are labels whose event isn't in the trace.
	Unmatched int             `json:"unmatched_labels"`
	Measures  *measure.Report `json:"measures"`
}

// MeasuredProofs is what has become of challenges.
type MeasuredProofs struct {
	Mode string `json:"mode"`
	StepUpCount
}

func (c *collector) measurement() *Measurement {
	o, t := c.order, c.tally
	m := &Measurement{
		Version: 1, Pack: c.options.Packs[0], Traces: []string{}, From: o.first, To: o.last,
		Events: t.events.Total(), IdentityEvents: t.identity, Unread: o.unread, Sessions: t.sessions.Total(), Users: o.signedIn(),
		StepUps: MeasuredProofs{c.options.StepUps.String(), t.stepUpCount(0)}, Refused: t.refused[0].count, FirstRefused: t.refused[0].text(),
		Unmatched: o.unmatched(), Measures: measure.Of(c.records(0), c.options.Figures),
	}
	for i := range c.options.Traces {
		m.Traces = append(m.Traces, c.options.Traces[i].Name)
	}
	for at, to := range map[*time.Time]**time.Time{&o.from: &m.CountFrom, &o.until: &m.CountUntil} {
		if !at.IsZero() {
			*to = at
		}
	}
	return m
}
