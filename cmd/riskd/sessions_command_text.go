package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rows are the lines that something is told in, each with its name.
type rows struct{ strings.Builder }

// add adds a line, unless it has nothing to say.
func (r *rows) add(name, value string) {
	if value != "" {
		fmt.Fprintf(r, "  %-9s  %s\n", name, plainText(value))
	}
}

// text is all there is to say of a session.
func (s *sessionDocument) text(now time.Time) string {
	r := &rows{}
	fmt.Fprintln(r, plainText(s.Session))
	s.facts(r, now)
	s.waits(r, now)
	s.history(r)
	return r.String()
}

// facts are who it is, from where, and how long it goes on.
func (s *sessionDocument) facts(r *rows, now time.Time) {
	at := func(t time.Time) string { return parenthesised(stamp(t), ago(t, now)) }
	r.add("user", parenthesised(s.User, joined("; ", s.UserType, strings.Join(s.Roles, ", "))))
	r.add("tenant", s.Tenant)
	r.add("where", s.Environment)
	r.add("status", s.Status)
	r.add("score", fmt.Sprintf("%d (%s)", s.Score, s.Level))
	if s.Decision != "" {
		r.add("decision", s.Decision+", "+at(s.DecidedAt))
	}
	r.add("started", at(s.StartedAt))
	if !s.Auth.Time.IsZero() {
		r.add("signed in", joined(", ", at(s.Auth.Time), s.Auth.ACR, strings.Join(s.Auth.AMR, ", ")))
	}
	r.add("active", at(s.active()))
	r.add("seen", joined(", ", at(s.SeenAt), count(s.Requests, "request")))
	r.add("ends", s.Expires.text(now))
	r.add("network", s.Network.text())
	r.add("device", parenthesised(s.Device, s.agent()))
	r.add("bound by", s.Binding)
	r.add("previous", s.Previous)
	r.add("next", s.Next)
}

// waits are what keeps it from going on.
func (s *sessionDocument) waits(r *rows, now time.Time) {
	if h := s.Suspended; h != nil {
		r.add("suspended", fmt.Sprintf("by order %d, %s", h.Epoch, joined(", ", stamp(h.At), h.Actor, h.Reason)))
	}
	if s.StepUp != nil {
		r.add("step-up", s.StepUp.text(now))
	}
	if s.Asked != nil {
		r.add("asked", s.Asked.text(now)+"; by one action, nothing else waits")
	}
	if s.Failures > 0 {
		r.add("failed", count(s.Failures, "step-up")+" since the last that was passed")
	}
}

// history is what is left of what was found, and what has happened.
func (s *sessionDocument) history(r *rows) {
	for _, e := range slices.Concat(s.Evidence.Identity, s.Evidence.Behaviour) {
		text := fmt.Sprintf("%-20s  %5.2f nats", e.Code, e.Nats)
		if len(e.ClearsWith) > 0 {
			text += ", cleared by " + strings.Join(e.ClearsWith, " or ")
		}
		r.add("evidence", text)
	}
	name := "timeline"
	for i := range s.Timeline {
		m := &s.Timeline[i]
		r.add(name, fmt.Sprintf("%s  %-14s  %s", stamp(m.At), m.Kind, joined(", ", m.Network.text(), m.Note)))
		name = ""
	}
}

// text says what a session waits for.
func (u *stepUpDocument) text(now time.Time) string {
	parts := []string{strings.Join(slices.Concat(u.ACRValues, u.AMRValues), " or ")}
	if u.MaxAge > 0 {
		parts = append(parts, "at most "+span(time.Duration(u.MaxAge)*time.Second)+" old")
	}
	parts = append(parts, count(u.AttemptsLeft, "attempt")+" left")
	if !u.ExpiresAt.IsZero() {
		parts = append(parts, "expires "+ahead(u.ExpiresAt, now))
	}
	if len(u.Clears) > 0 {
		parts = append(parts, "clears "+strings.Join(u.Clears, " and "))
	}
	if u.OverBudget {
		parts = append(parts, "over the day's budget")
	}
	return u.ID + ": " + joined(", ", parts...)
}

// text says when a session ends.
func (e *expiryDocument) text(now time.Time) string {
	var idle, absolute string
	if !e.IdleAt.IsZero() {
		idle = fmt.Sprintf("%s if idle (%s)", stamp(e.IdleAt), ahead(e.IdleAt, now))
	}
	if !e.AbsoluteAt.IsZero() {
		absolute = fmt.Sprintf("%s in any case (%s)", stamp(e.AbsoluteAt), ahead(e.AbsoluteAt, now))
	}
	return joined(", ", idle, absolute)
}
