package main

import "time"

// explanationDocument is what people are shown of a decision, as GET
// /v1/decisions/{id} has it.
type explanationDocument struct {
	ID       string          `json:"decision_id"`
	Event    string          `json:"event_id"`
	At       time.Time       `json:"at"`
	Session  string          `json:"session"`
	Tenant   string          `json:"tenant"`
	User     string          `json:"user"`
	Device   string          `json:"device"`
	Decision string          `json:"decision"`
	Score    int             `json:"score"`
	Level    string          `json:"level"`
	Network  networkDocument `json:"network"`
	TookS    float64         `json:"took_s"`
	Request  struct {
		Method string `json:"method"`
		Route  string `json:"route"`
		Class  string `json:"class"`
	} `json:"request"`
	Policy struct {
		Pack     string `json:"pack"`
		Revision string `json:"revision"`
		Answer   string `json:"answer"`
	} `json:"policy"`
	State struct {
		Source   string   `json:"source"`
		Hold     string   `json:"hold"`
		Degraded []string `json:"degraded"`
		Missing  []string `json:"missing_signals"`
	} `json:"state"`
	ReasonUser     textDocument            `json:"reason_user"`
	ReasonAdmin    textDocument            `json:"reason_admin"`
	Explained      string                  `json:"explained_with"`
	Reasons        []explainedDocument     `json:"reasons"`
	Sums           []sumDocument           `json:"sums"`
	Alarms         []alarmDocument         `json:"alarms"`
	StepUp         *stepUpDocument         `json:"step_up"`
	Counterfactual *counterfactualDocument `json:"counterfactual"`
}

type textDocument struct {
	English string `json:"en"`
}

type explainedDocument struct {
	Code      string    `json:"code"`
	Title     string    `json:"title"`
	Severity  string    `json:"severity"`
	Points    int       `json:"points"`
	Nats      float64   `json:"nats"`
	Found     float64   `json:"found_nats"`
	GroupCap  float64   `json:"group_cap_nats"`
	Taken     float64   `json:"taken_nats"`
	Fired     bool      `json:"fired"`
	FiredAt   time.Time `json:"fired_at"`
	FiredNats float64   `json:"fired_nats"`
	AgeS      int       `json:"age_s"`
	HalfLifeS int       `json:"half_life_s"`
	Invariant bool      `json:"invariant"`
	Rule      *struct {
		File string `json:"file"`
		Line int    `json:"line"`
	} `json:"rule"`
	Reading *struct {
		Signal  string         `json:"signal"`
		Value   float64        `json:"value"`
		Nats    float64        `json:"nats"`
		Details map[string]any `json:"details"`
	} `json:"reading"`
}

type sumDocument struct {
	Channel   string  `json:"channel"`
	Before    float64 `json:"before_nats"`
	Added     float64 `json:"added_nats"`
	Relief    float64 `json:"relief_nats"`
	Capped    float64 `json:"capped_nats"`
	Nats      float64 `json:"nats"`
	Cap       float64 `json:"cap_nats"`
	HalfLifeS int     `json:"half_life_s"`
}

type alarmDocument struct {
	Name    string  `json:"name"`
	Nats    float64 `json:"nats"`
	StepUp  float64 `json:"step_up_nats"`
	Revoke  float64 `json:"revoke_nats"`
	Score   float64 `json:"score"`
	Decided bool    `json:"decided"`
}

type counterfactualDocument struct {
	Sets     [][]string `json:"sets"`
	Complete bool       `json:"complete"`
	None     string     `json:"none"`
	Why      string     `json:"why"`
	Policy   [][]string `json:"policy_sets"`
}
