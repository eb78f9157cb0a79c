package api

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

// keptJSON is a kept decision in lists.
type keptJSON struct {
	Decision  string          `json:"decision_id"`
	Event     string          `json:"event_id,omitzero"`
	At        time.Time       `json:"at"`
	Session   string          `json:"session"`
	Tenant    string          `json:"tenant"`
	User      string          `json:"user"`
	Device    string          `json:"device"`
	Outcome   string          `json:"decision"`
	Score     int             `json:"score"`
	Level     string          `json:"level"`
	Reasons   []pointsJSON    `json:"reasons"`
	Request   keptRequestJSON `json:"request"`
	Network   networkJSON     `json:"network"`
	Policy    keptPolicyJSON  `json:"policy"`
	State     keptStateJSON   `json:"state"`
	TookS     float64         `json:"took_s"`
	UserText  *textJSON       `json:"reason_user,omitzero"`
	AdminText *textJSON       `json:"reason_admin,omitzero"`
}

type pointsJSON struct {
	Code   string `json:"code"`
	Points int    `json:"points"`
}

type keptRequestJSON struct {
	Method string `json:"method,omitzero"`
	Route  string `json:"route,omitzero"`
	Class  string `json:"class,omitzero"`
}

type keptPolicyJSON struct {
	Pack     string `json:"pack"`
	Revision string `json:"revision"`
	Answer   string `json:"answer,omitzero"`
}

type keptStateJSON struct {
	Source   string   `json:"source"`
	Hold     string   `json:"hold,omitzero"`
	Degraded []string `json:"degraded"`
	Missing  []string `json:"missing_signals"`
}

type textJSON struct {
	English string `json:"en"`
}

// explanationJSON is how a decision came about.
type explanationJSON struct {
	keptJSON
	Explained      string              `json:"explained_with,omitzero"`
	Reasons        []explainedJSON     `json:"reasons"`
	Sums           []sumJSON           `json:"sums"`
	Alarms         []alarmJSON         `json:"alarms"`
	StepUp         *stepUpJSON         `json:"step_up,omitzero"`
	Expires        *expiresJSON        `json:"expires,omitzero"`
	Counterfactual *counterfactualJSON `json:"counterfactual,omitzero"`
}

type explainedJSON struct {
	Code       string       `json:"code"`
	Title      string       `json:"title"`
	Severity   string       `json:"severity,omitzero"`
	Points     int          `json:"points"`
	Nats       float64      `json:"nats"`
	Found      float64      `json:"found_nats"`
	Before     float64      `json:"before_nats"`
	GroupCap   float64      `json:"group_cap_nats"`
	Taken      float64      `json:"taken_nats"`
	Fired      bool         `json:"fired"`
	FiredAt    time.Time    `json:"fired_at,omitzero"`
	FiredNats  float64      `json:"fired_nats,omitzero"`
	AgeS       int          `json:"age_s,omitzero"`
	HalfLifeS  int          `json:"half_life_s,omitzero"`
	Group      string       `json:"group"`
	Channel    string       `json:"channel"`
	Invariant  bool         `json:"invariant,omitzero"`
	ClearsWith []string     `json:"clears_with"`
	Rule       *ruleJSON    `json:"rule,omitzero"`
	Reading    *readingJSON `json:"reading,omitzero"`
}

type ruleJSON struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

type readingJSON struct {
	Signal  string         `json:"signal"`
	Value   float64        `json:"value"`
	Nats    float64        `json:"nats"`
	Unit    string         `json:"unit"`
	Details map[string]any `json:"details"`
}

type sumJSON struct {
	Channel   string  `json:"channel"`
	Before    float64 `json:"before_nats"`
	Added     float64 `json:"added_nats"`
	Relief    float64 `json:"relief_nats"`
	Capped    float64 `json:"capped_nats"`
	Nats      float64 `json:"nats"`
	Cap       float64 `json:"cap_nats"`
	HalfLifeS int     `json:"half_life_s"`
}

type alarmJSON struct {
	Name    string  `json:"name"`
	Nats    float64 `json:"nats"`
	StepUp  float64 `json:"step_up_nats"`
	Revoke  float64 `json:"revoke_nats"`
	Score   float64 `json:"score"`
	Decided bool    `json:"decided"`
}

type counterfactualJSON struct {
	Sets     [][]string `json:"sets"`
	Complete bool       `json:"complete"`
	None     string     `json:"none,omitzero"`
	Why      string     `json:"why,omitzero"`
	Policy   [][]string `json:"policy_sets,omitempty"`
	Asked    int        `json:"asked"`
}

func newKeptJSON(k *riskd.KeptDecision) keptJSON {
	j := keptJSON{
		Decision: k.ID, Event: k.EventID, At: k.At.UTC(), Session: k.Session.String(), Tenant: k.Tenant, User: k.User, Device: k.Device,
		Outcome: k.Outcome.String(), Score: k.Score, Level: k.Level.String(), Reasons: make([]pointsJSON, len(k.Reasons)),
		Request: keptRequestJSON{k.Method, k.Route, k.Class.String()},
		Network: networkJSON{newContextJSON(k.Here), k.Network.String()},
		Policy:  keptPolicyJSON{k.Pack, k.Revision, k.Weighing.Answer.String()},
		State:   keptStateJSON{k.Source.String(), k.Weighing.Hold.String(), k.Degraded, k.Missing},
		TookS:   k.Took.Seconds(), UserText: newTextJSON(k.UserText), AdminText: newTextJSON(k.AdminText),
	}
	for i := range k.Reasons {
		j.Reasons[i] = pointsJSON{k.Reasons[i].Code, k.Reasons[i].Points}
	}
	return j
}

func newTextJSON(s string) *textJSON {
	if s == "" {
		return nil
	}
	return &textJSON{s}
}

func newExplanationJSON(x *riskd.Explanation) explanationJSON {
	j := explanationJSON{
		keptJSON: newKeptJSON(&x.KeptDecision), Explained: x.Explained,
		Reasons: make([]explainedJSON, len(x.Reasons)), Sums: []sumJSON{}, Alarms: []alarmJSON{},
	}
	for i := range x.Reasons {
		j.Reasons[i] = newExplainedJSON(&x.Reasons[i], x.At)
	}
	for _, s := range x.Sums {
		j.Sums = append(j.Sums, sumJSON{
			s.Channel.String(), nats(s.Before), nats(s.Added), nats(s.Relief), nats(s.Capped), nats(s.Nats), s.Cap, int(s.HalfLife.Seconds()),
		})
	}
	for _, a := range x.Alarms {
		j.Alarms = append(j.Alarms, alarmJSON{a.Name, nats(a.Nats), a.StepUp, a.Revoke, math.Floor(10*finite(a.Score)) / 10, a.Decided})
	}
	if x.StepUp != nil {
		j.StepUp = newStepUpJSON(x.StepUp)
	}
	if !x.Expires.At().IsZero() {
		j.Expires = &expiresJSON{x.Expires.IdleAt, x.Expires.AbsoluteAt}
	}
	if c := x.Counterfactual; c != nil {
		j.Counterfactual = &counterfactualJSON{c.Sets, c.Complete, c.None, c.Why, c.Policy, c.Asked}
	}
	return j
}

func newExplainedJSON(r *riskd.ExplainedReason, now time.Time) explainedJSON {
	j := explainedJSON{
		Code: r.Code, Title: r.Code, Points: r.Points, Nats: nats(r.Nats), Found: nats(r.Found), Before: nats(r.Before),
		GroupCap: nats(r.GroupCap), Taken: nats(r.Taken), Fired: r.Fired, FiredAt: r.FiredAt, FiredNats: nats(r.FiredNats),
		HalfLifeS: int(r.HalfLife.Seconds()), Group: r.Group.String(), Channel: r.Channel.String(),
		Invariant: r.Invariant, ClearsWith: r.ClearsWith,
	}
	if !r.FiredAt.IsZero() {
		j.AgeS = int(max(0, now.Sub(r.FiredAt)).Seconds())
	}
	if r.Rule != nil {
		j.Title, j.Severity = r.Rule.Title, r.Rule.Severity
		if r.Rule.File != "" {
			j.Rule = &ruleJSON{r.Rule.File, r.Rule.Line}
		}
	}
	if in := r.Reading; in != nil {
		j.Reading = &readingJSON{in.Signal, finite(in.Value), nats(in.Nats), in.Unit, map[string]any{}}
		for _, d := range in.Details {
			j.Reading.Details[d.Name] = finite(d.Number)
			if d.IsText {
				j.Reading.Details[d.Name] = d.Text
			}
		}
	}
	return j
}

// nats are told to two decimals.
func nats(x float64) float64 { return math.Round(finite(x)*100) / 100 }
