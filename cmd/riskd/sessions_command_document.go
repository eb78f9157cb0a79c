package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// sessionDocument is what people are shown of a session, as GET /v1/sessions has
// it.
type sessionDocument struct {
	Session     string          `json:"session"`
	Tenant      string          `json:"tenant"`
	User        string          `json:"user"`
	UserType    string          `json:"user_type"`
	Roles       []string        `json:"roles"`
	Environment string          `json:"environment"`
	Device      string          `json:"device"`
	Status      string          `json:"status"`
	StartedAt   time.Time       `json:"started_at"`
	SeenAt      time.Time       `json:"seen_at"`
	ActiveAt    time.Time       `json:"active_at"`
	Expires     expiryDocument  `json:"expires"`
	Requests    int             `json:"requests"`
	Decision    string          `json:"decision"`
	DecidedAt   time.Time       `json:"decided_at"`
	Score       int             `json:"score"`
	Level       string          `json:"level"`
	Network     networkDocument `json:"network"`
	Agent       struct {
		Family  string `json:"family"`
		OS      string `json:"os"`
		Version string `json:"version"`
	} `json:"agent"`
	Auth struct {
		Time time.Time `json:"time"`
		ACR  string    `json:"acr"`
		AMR  []string  `json:"amr"`
	} `json:"auth"`
	Binding  string `json:"binding"`
	Evidence struct {
		Identity  []evidenceDocument `json:"identity"`
		Behaviour []evidenceDocument `json:"behaviour"`
	} `json:"evidence"`
	StepUp    *stepUpDocument     `json:"step_up"`
	Asked     *stepUpDocument     `json:"asked"`
	Failures  int                 `json:"failures"`
	Suspended *suspensionDocument `json:"suspended"`
	Previous  string              `json:"previous"`
	Next      string              `json:"next"`
	Timeline  []momentDocument    `json:"timeline"`
}

type expiryDocument struct {
	IdleAt     time.Time `json:"idle_at"`
	AbsoluteAt time.Time `json:"absolute_at"`
}

type networkDocument struct {
	contextDocument
	Kind string `json:"kind"`
}

type contextDocument struct {
	Prefix  string `json:"prefix"`
	ASN     uint32 `json:"asn"`
	Country string `json:"country"`
}

type evidenceDocument struct {
	Code       string   `json:"code"`
	Nats       float64  `json:"nats"`
	Group      string   `json:"group"`
	ClearsWith []string `json:"clears_with"`
}

type stepUpDocument struct {
	ID           string    `json:"id"`
	ACRValues    []string  `json:"acr_values"`
	AMRValues    []string  `json:"amr_values"`
	MaxAge       int       `json:"max_age"` // seconds
	Clears       []string  `json:"clears"`
	IssuedAt     time.Time `json:"issued_at"`
	ExpiresAt    time.Time `json:"expires_at"`
	AttemptsLeft int       `json:"attempts_left"`
	OverBudget   bool      `json:"over_budget"`
}

type suspensionDocument struct {
	Epoch  uint64    `json:"epoch"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
}

type momentDocument struct {
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"`
	Network contextDocument `json:"network"`
	Note    string          `json:"note"`
}

var sessionHead = []string{"SESSION", "USER", "STATUS", "SCORE", "STARTED", "LAST ACTIVE", "NETWORK", "DEVICE"}

// sessionRow is a session's row of a table.
func sessionRow(document jsontext.Value, now time.Time) ([]string, error) {
	s, err := readDocument[sessionDocument](document)
	if err != nil {
		return nil, err
	}
	return []string{
		s.Session, inTenant(s.User, s.Tenant), s.Status, fmt.Sprint(s.Score), stamp(s.StartedAt),
		ago(s.active(), now), s.Network.text(), parenthesised(s.Device, s.agent()),
	}, nil
}

// active is when the user did something last, as far as that is known.
func (s *sessionDocument) active() time.Time {
	if s.ActiveAt.IsZero() {
		return s.SeenAt
	}
	return s.ActiveAt
}

func (s *sessionDocument) agent() string {
	a := &s.Agent
	return joined(", ", strings.TrimSpace(a.Family+" "+a.Version), a.OS)
}

func (n *networkDocument) text() string {
	if n.Kind == "unknown" || n.Kind == "residential" { // most are, which is no news
		return n.contextDocument.text()
	}
	return parenthesised(n.contextDocument.text(), n.Kind)
}

func (c *contextDocument) text() string {
	asn := ""
	if c.ASN != 0 {
		asn = fmt.Sprintf("AS%d", c.ASN)
	}
	return joined(" ", c.Prefix, c.Country, asn)
}

func inTenant(name, tenant string) string {
	if tenant == "" {
		return name
	}
	return cmp.Or(name, "-") + " in " + tenant
}

func parenthesised(text, more string) string {
	if more == "" {
		return text
	}
	return cmp.Or(text, "-") + " (" + more + ")"
}

// joined puts together the texts that there are.
func joined(separator string, texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, separator)
}

// stamp is a time as -predicate takes it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func ago(t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case now.Sub(t) < time.Second:
		return "now"
	}
	return span(now.Sub(t)) + " ago"
}

func ahead(t, now time.Time) string {
	if t.Sub(now) < time.Second {
		return "now"
	}
	return "in " + span(t.Sub(now))
}

// span is a duration in the unit that says enough of it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}
