package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Report is what a comparison finds. Its JSON is described in docs/replay.md; members
// are only ever added.
type Report struct {
	Version int       `json:"version"` // 1
	A       Pack      `json:"a"`
	B       Pack      `json:"b"`
	Traces  []string  `json:"traces"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`

	Events         int `json:"events"`
	IdentityEvents int `json:"identity_events"`
	Unread         int `json:"unread_lines"`
	Sessions       int `json:"sessions"`
	Users          int `json:"users"`

	StepUps  StepUpReport  `json:"step_ups"`
	Identity IdentityFault `json:"identity_events_refused"`
	// Answers counts events by class under each pack, in the order of severity.
	Answers []AnswerCount `json:"answers"`
	// ByEvent and BySession count by how A (outer) and B (inner) answer, in the order of
	// Answers; a session by its worst answer.
	ByEvent   Matrix        `json:"by_event"`
	BySession Matrix        `json:"by_session"`
	Reasons   []ReasonCount `json:"reasons"`

	Diverging Rate     `json:"diverging_sessions"`
	Changes   []Change `json:"changes"`
	// Divergences are the sessions that are answered differently, in the order of the
	// trace.
	Divergences []Divergence `json:"divergences"`
	Detection   *Detection   `json:"detection,omitzero"`
}

// Pack is a pack's name and revision.
type Pack struct {
	Name     string `json:"pack"`
	Revision string `json:"revision"`
	// StepUpNats and RevokeNats are its thresholds.
	StepUpNats float64 `json:"step_up_nats"`
	RevokeNats float64 `json:"revoke_nats"`
}

// StepUpReport is what has become of challenges.
type StepUpReport struct {
	Mode string      `json:"mode"`
	A    StepUpCount `json:"a"`
	B    StepUpCount `json:"b"`
}

// StepUpCount counts sessions that were asked for a step-up, those of them that
// were still waiting for it at their last event, and the proofs that were made up.
type StepUpCount struct {
	Asked   int `json:"sessions_asked"`
	Waiting int `json:"sessions_left_waiting"`
	Proved  int `json:"proofs_made_up"`
}

// IdentityFault counts the identity events that a pack couldn't act on, and why it
// couldn't on the first.
type IdentityFault struct {
	A      int    `json:"a"`
	B      int    `json:"b"`
	FirstA string `json:"first_a,omitzero"`
	FirstB string `json:"first_b,omitzero"`
}

// AnswerCount counts events that were answered in one way.
type AnswerCount struct {
	Answer string `json:"answer"`
	A      int    `json:"a"`
	B      int    `json:"b"`
}

// ReasonCount counts the events and the sessions in which a reason was given.
type ReasonCount struct {
	Code      string `json:"code"`
	EventsA   int    `json:"events_a"`
	EventsB   int    `json:"events_b"`
	SessionsA int    `json:"sessions_a"`
	SessionsB int    `json:"sessions_b"`
}

// Change is what becomes of sessions, by their worst answers.
type Change struct {
	Change   string       `json:"change"`
	Sessions int          `json:"sessions"`
	Users    []UserChange `json:"users"` // those with most sessions first
}

// UserChange counts a user's sessions; one who isn't signed in has no name.
type UserChange struct {
	Tenant   string `json:"tenant,omitzero"`
	User     string `json:"user"`
	Sessions int    `json:"sessions"`
}

// Divergence is a session that the packs answer differently.
type Divergence struct {
	Session string   `json:"session"`
	Tenant  string   `json:"tenant,omitzero"`
	User    string   `json:"user"`
	WorstA  string   `json:"worst_a"`
	WorstB  string   `json:"worst_b"`
	Change  string   `json:"change"`
	Attacks []string `json:"attacks,omitzero"`
	// Events are the session's, DivergingEvents those that are answered differently.
	Events          int   `json:"events"`
	DivergingEvents int   `json:"diverging_events"`
	First           First `json:"first"`
}

// The changes, most severe first: what B does to a session that A didn't, and what it
// doesn't any more.
const (
	NewlyRevoked      = "newly_revoked"
	NewlySteppedUp    = "newly_stepped_up"
	NewlyEnded        = "newly_ended"
	NoLongerRevoked   = "no_longer_revoked"
	NoLongerSteppedUp = "no_longer_stepped_up"
	NoLongerEnded     = "no_longer_ended"
	SameWorst         = "same_worst" // answered differently on the way
)

var changes = []string{NewlyRevoked, NewlySteppedUp, NewlyEnded, NoLongerRevoked, NoLongerSteppedUp, NoLongerEnded, SameWorst}

func changeOf(a, b Class) string {
	newly := [classes]string{Ended: NewlyEnded, StepUp: NewlySteppedUp, Revoke: NewlyRevoked}
	noLonger := [classes]string{Ended: NoLongerEnded, StepUp: NoLongerSteppedUp, Revoke: NoLongerRevoked}
	switch {
	case b > a:
		return newly[b]
	case b < a:
		return noLonger[a]
	default:
		return SameWorst
	}
}

func (c *collector) report() *Report {
	o, t := c.order, c.tally
	r := &Report{
		Version: 1, A: c.options.Packs[0], B: c.options.Packs[1], Traces: []string{}, From: o.first, To: o.last,
		Events: t.events.Total(), IdentityEvents: t.identity, Unread: o.unread, Sessions: t.sessions.Total(), Users: o.signedIn(),
		ByEvent: t.events, BySession: t.sessions, Reasons: []ReasonCount{}, Divergences: []Divergence{},
		Diverging: rateOf(len(t.diverging), t.sessions.Total()),
		StepUps:   StepUpReport{Mode: c.options.StepUps.String(), A: t.stepUpCount(0), B: t.stepUpCount(1)},
		Identity:  IdentityFault{A: t.refused[0].count, B: t.refused[1].count, FirstA: t.refused[0].text(), FirstB: t.refused[1].text()},
	}
	for i := range c.options.Traces {
		r.Traces = append(r.Traces, c.options.Traces[i].Name)
	}
	for class := range classes {
		r.Answers = append(r.Answers, AnswerCount{class.String(), t.events.Of(0, class), t.events.Of(1, class)})
	}
	for _, code := range slices.Sorted(maps.Keys(t.reasons)) {
		in := t.reasons[code]
		r.Reasons = append(r.Reasons, ReasonCount{code, in.events[0], in.events[1], in.sessions[0], in.sessions[1]})
	}
	users := map[string]map[[2]string]int{}
	for _, s := range t.sorted() {
		d := s.divergence()
		r.Divergences = append(r.Divergences, d)
		if users[d.Change] == nil {
			users[d.Change] = map[[2]string]int{}
		}
		users[d.Change][[2]string{s.tenant, s.user}]++
	}
	for _, change := range changes {
		r.Changes = append(r.Changes, newChange(change, users[change]))
	}
	if o.labels != nil {
		r.Detection = c.detection()
	}
	return r
}

func (s *story) divergence() Divergence {
	d := Divergence{
		Session: s.id.String(), Tenant: s.tenant, User: s.user,
		WorstA: s.worst[0].String(), WorstB: s.worst[1].String(), Change: changeOf(s.worst[0], s.worst[1]),
		Events: s.events, DivergingEvents: s.diverging, First: *s.first,
	}
	for _, a := range s.attacks {
		d.Attacks = append(d.Attacks, a.id)
	}
	return d
}

func newChange(name string, users map[[2]string]int) Change {
	c := Change{Change: name, Users: []UserChange{}}
	for user, sessions := range users {
		c.Sessions += sessions
		c.Users = append(c.Users, UserChange{user[0], user[1], sessions})
	}
	slices.SortFunc(c.Users, func(a, b UserChange) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.User, b.User))
	})
	return c
}

// Count gives how many sessions have changed so.
func (r *Report) Count(change string) int {
	for i := range r.Changes {
		if r.Changes[i].Change == change {
			return r.Changes[i].Sessions
		}
	}
	return 0
}

func (t *tally) stepUpCount(side int) StepUpCount {
	in := &t.stepUps[side]
	return StepUpCount{in.asked, in.waiting, in.proved}
}

func (r *refusals) text() string {
	if r.err == nil {
		return ""
	}
	return r.err.Error()
}
