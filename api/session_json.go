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
	Device      string       `json:"device"`
	Status      string       `json:"status"`
	StartedAt   time.Time    `json:"started_at"`
	SeenAt      time.Time    `json:"seen_at"`
	ActiveAt    time.Time    `json:"active_at,omitzero"`
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
	Previous    string       `json:"previous,omitzero"`
	Next        string       `json:"next,omitzero"`
	BeforeLogin bool         `json:"before_login,omitzero"`
}

type networkJSON struct {
	Prefix  string `json:"prefix,omitzero"`
	ASN     uint32 `json:"asn,omitzero"`
	Country string `json:"country,omitzero"`
	Kind    string `json:"kind"`
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

type stepUpJSON struct {
	ID        string    `json:"id"`
	ACRValues []string  `json:"acr_values"`
	AMRValues []string  `json:"amr_values"`
	MaxAge    int       `json:"max_age,omitzero"` // seconds
	Clears    []string  `json:"clears"`
	IssuedAt  time.Time `json:"issued_at"`
}

func newSessionJSON(s *riskd.Session) sessionJSON {
	j := sessionJSON{
		Session: s.ID.String(), Tenant: s.Tenant, User: s.User, Device: s.DeviceID, Status: s.Status.String(),
		StartedAt: s.Start, SeenAt: s.SeenAt, ActiveAt: s.ActiveAt, Requests: s.Requests,
		Decision: s.Last.String(), DecidedAt: s.DecidedAt, Score: int(finite(s.Score)), Level: riskd.LevelOf(s.Score).String(),
		Network:     networkJSON{s.Here.Prefix.String(), s.Here.ASN, s.Here.Country.String(), s.Network.String()},
		Agent:       agentJSON{Family: s.Agent.Family, OS: s.Agent.OS},
		Auth:        authJSON{s.AuthTime, s.ACR, s.AMR},
		Binding:     s.Binding.Type,
		Evidence:    evidenceJSON{newOpenJSON(s.Identity.Open), newOpenJSON(s.Behaviour.Open)},
		BeforeLogin: s.BeforeLogin,
	}
	if s.Agent.Family != "" {
		j.Agent.Version = fmt.Sprintf("%d.%d", s.Agent.Major, s.Agent.Minor)
	}
	if u := s.StepUp; u != nil {
		j.StepUp = &stepUpJSON{u.ID, u.Demand.ACR, u.Demand.AMR, int(u.Demand.MaxAge.Seconds()), u.Clears, u.IssuedAt}
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
