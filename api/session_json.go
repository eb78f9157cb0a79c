package api

import (
	"fmt"
	"math"
	"time"

	"github.com/riskd/riskd"
)

// sessionJSON is a session as operators see it.
type sessionJSON struct {
	Session     string       `json:"session"`
	Tenant      string       `json:"tenant"`
	User        string       `json:"user"`
	UserType    string       `json:"user_type,omitzero"`
	Roles       []string     `json:"roles"`
	Environment string       `json:"environment,omitzero"`
	Device      string       `json:"device"`
	Status      string       `json:"status"`
	StartedAt   time.Time    `json:"started_at"`
	SeenAt      time.Time    `json:"seen_at"`
	ActiveAt    time.Time    `json:"active_at,omitzero"`
	Expires     *expiresJSON `json:"expires,omitzero"`
	Requests    uint32       `json:"requests"`
	Decision    string       `json:"decision,omitzero"` // the last one
	DecidedAt   time.Time    `json:"decided_at,omitzero"`
	Score       int          `json:"score"`
	Level       string       `json:"level"`
	Network     networkJSON  `json:"network"`
	Agent       agentJSON    `json:"agent"`
	Auth        authJSON     `json:"auth"`
	Binding     string       `json:"binding,omitzero"`
	Evidence    evidenceJSON `json:"evidence"`
	StepUp      *stepUpJSON  `json:"step_up,omitzero"`
	Asked       *stepUpJSON  `json:"asked,omitzero"` // by a single action, and holds nothing else up
	Failures    int          `json:"failures"`       // since the last step-up that was passed
	Suspended   *holdJSON    `json:"suspended,omitzero"`
	Previous    string       `json:"previous,omitzero"`
	Next        string       `json:"next,omitzero"`
	BeforeLogin bool         `json:"before_login,omitzero"`
}

// expiresJSON is when the session's time is up.
type expiresJSON struct {
	IdleAt     time.Time `json:"idle_at,omitzero"`
	AbsoluteAt time.Time `json:"absolute_at,omitzero"`
}

// holdJSON is the order that holds a session up.
type holdJSON struct {
	Epoch  uint64    `json:"epoch"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
}

type networkJSON struct {
	contextJSON
	Kind string `json:"kind"`
}

// contextJSON is where something came from.
type contextJSON struct {
	Prefix  string `json:"prefix,omitzero"`
	ASN     uint32 `json:"asn,omitzero"`
	Country string `json:"country,omitzero"`
}

func newContextJSON(c riskd.Context) contextJSON {
	return contextJSON{c.Prefix.String(), c.ASN, c.Country.String()}
}

type agentJSON struct {
	Family  string `json:"family,omitzero"`
	OS      string `json:"os,omitzero"`
	Version string `json:"version,omitzero"`
}

type authJSON struct {
	Time time.Time `json:"time,omitzero"`
	ACR  string    `json:"acr,omitzero"`
	AMR  []string  `json:"amr"`
}

type evidenceJSON struct {
	Identity  []openJSON `json:"identity"`
	Behaviour []openJSON `json:"behaviour"`
}

// openJSON is what is left of a reason.
type openJSON struct {
	Code       string   `json:"code"`
	Nats       float64  `json:"nats"`
	Group      string   `json:"group"`
	ClearsWith []string `json:"clears_with"`
}

// momentJSON is something that happened to a session.
type momentJSON struct {
	At      time.Time   `json:"at"`
	Kind    string      `json:"kind"`
	Network contextJSON `json:"network"`
	Note    string      `json:"note,omitzero"`
}

func newTimelineJSON(timeline []riskd.Moment) []momentJSON {
	out := make([]momentJSON, len(timeline))
	for i, m := range timeline {
		out[i] = momentJSON{m.At, m.Kind.String(), newContextJSON(m.Context), m.Note}
	}
	return out
}

func newSessionsJSON(sessions []riskd.Session) []sessionJSON {
	out := make([]sessionJSON, len(sessions))
	for i := range sessions {
		out[i] = newSessionJSON(&sessions[i])
	}
	return out
}

func newSessionJSON(s *riskd.Session) sessionJSON {
	j := sessionJSON{
		Session: s.ID.String(), Tenant: s.Tenant, User: s.User, UserType: s.UserType, Roles: s.Roles, Environment: s.Environment,
		Device: s.DeviceID, Status: s.Status.String(),
		StartedAt: s.Start, SeenAt: s.SeenAt, ActiveAt: s.ActiveAt, Requests: s.Requests,
		Decision: s.Last.String(), DecidedAt: s.DecidedAt, Score: int(finite(s.Score)), Level: riskd.LevelOf(s.Score).String(),
		Network:     networkJSON{newContextJSON(s.Here), s.Network.String()},
		Agent:       agentJSON{Family: s.Agent.Family, OS: s.Agent.OS},
		Auth:        authJSON{s.AuthTime, s.ACR, s.AMR},
		Binding:     s.Binding.Type,
		Evidence:    evidenceJSON{newOpenJSON(s.Identity.Open), newOpenJSON(s.Behaviour.Open)},
		Failures:    s.Failures,
		BeforeLogin: s.BeforeLogin,
	}
	if s.Agent.Family != "" {
		j.Agent.Version = fmt.Sprintf("%d.%d", s.Agent.Major, s.Agent.Minor)
	}
	if s.StepUp != nil {
		j.StepUp = newStepUpJSON(s.StepUp)
	}
	if s.Asked != nil {
		j.Asked = newStepUpJSON(s.Asked)
	}
	if idle, absolute := s.Ends(s.Limits); !s.Status.Over() && !(idle.IsZero() && absolute.IsZero()) {
		j.Expires = &expiresJSON{idle, absolute}
	}
	if e := s.Suspension; e != nil {
		j.Suspended = &holdJSON{e.Number, e.At, e.Reason, e.Actor}
	}
	if !s.Previous.IsZero() {
		j.Previous = s.Previous.String()
	}
	if !s.Next.IsZero() {
		j.Next = s.Next.String()
	}
	return j
}

func newOpenJSON(open []riskd.Evidence) []openJSON {
	out := make([]openJSON, len(open))
	for i, e := range open {
		out[i] = openJSON{e.Code, math.Round(finite(e.Nats)*100) / 100, e.Group.String(), e.ClearsWith}
	}
	return out
}

func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}
