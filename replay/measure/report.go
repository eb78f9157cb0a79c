package measure

import (
	"math"
	"strconv"
)

// Report is how well a run has caught the attacks, and at what price. Its JSON is
// described in docs/replay.md; members are only ever added.
type Report struct {
	Users      int     `json:"users"`
	UserMonths float64 `json:"user_months"`
	Attacks    int     `json:"attacks"`
	Sessions   int     `json:"sessions"` // that no attack has come to

	// All are all attacks alike; Macro is the mean of the families' shares caught.
	All      Outcomes `json:"all"`
	Macro    Estimate `json:"macro_tpr"`
	Families []Family `json:"families"`

	False      False       `json:"false_alarms"`
	Archetypes []Archetype `json:"archetypes"`
	Causes     []Cause     `json:"causes"`
	// Precision is the share of true ones among sessions asked if one session in
	// 10,000 is an attack.
	Precision     float64  `json:"precision_at_prior"`
	FalseReasons  []Weight `json:"false_step_up_reasons"`
	CaughtReasons []Weight `json:"caught_reasons"`

	Budgets     []Budget    `json:"budgets"`
	References  []Reference `json:"references"`
	ROC         []Point     `json:"roc"`
	AUC         float64     `json:"auc"`
	PR          []Point     `json:"precision_recall"`
	Calibration Calibration `json:"calibration"`
	Missed      []Missed    `json:"missed"`
}

// Estimate is a figure with its 95 % interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Outcomes are what becomes of attacks at the pack's own thresholds.
type Outcomes struct {
	Attacks int      `json:"attacks"`
	Caught  int      `json:"caught"`
	TPR     Estimate `json:"tpr"`
	Revoked Estimate `json:"revoked"` // share
	// StepUp is until the first alarm, whether that is a step_up or a revoke at once.
	StepUp Delay `json:"until_step_up"`
	Revoke Delay `json:"until_revoke"`
	// Sensitive is the mean number of sensitive or admin requests let through before
	// the first alarm, of attacks that are never met all of theirs.
	Sensitive Estimate `json:"sensitive_before_stop"`
	// Demanded are those never caught that were asked for a proof all the same, as an
	// action takes it.
	Demanded int `json:"only_demanded"`
}

// Family is what becomes of one kind of attack.
type Family struct {
	Name string `json:"family"`
	// Aside says that means of families leave it out.
	Aside bool `json:"aside,omitzero"`
	Outcomes
}

// Delay is how long attacks went on. One that never is met counts as one that takes
// for ever: a quantile that falls on it is null.
type Delay struct {
	Requests Quantiles `json:"requests"`
	Seconds  Quantiles `json:"seconds"`
	Censored int       `json:"censored"`
}

// Quantiles are nearest ranks.
type Quantiles struct {
	Median *float64 `json:"median"`
	P90    *float64 `json:"p90"`
}

// False are the alarms of those who did nothing, at the pack's own thresholds.
type False struct {
	StepUps int `json:"step_ups"`
	Revokes int `json:"revokes"`
	// FSU and FRV are the same for each user and month.
	FSU Estimate `json:"fsu"`
	FRV Estimate `json:"false_revokes"`
	// Sessions is the share of sessions with an alarm.
	Sessions Estimate `json:"sessions_alarmed"`
	// Demanded are step-ups without any risk, such as for an action that takes a fresh
	// proof, for each user and month; none of the others counts them.
	Demanded Estimate `json:"demanded"`
}

// Archetype is how one kind of user fares.
type Archetype struct {
	Name       string   `json:"archetype"`
	Users      int      `json:"users"`
	UserMonths float64  `json:"user_months"`
	StepUps    int      `json:"step_ups"`
	Revokes    int      `json:"revokes"`
	FSU        Estimate `json:"fsu"`
	FRV        Estimate `json:"false_revokes"`
	// Ratio is its FSU over that of all users; 0 if nobody is asked.
	Ratio float64 `json:"ratio"`
}

// Cause is how many false alarms one honest cause has to do with; those with several
// count for each.
type Cause struct {
	Name    string  `json:"cause"`
	StepUps int     `json:"step_ups"`
	Revokes int     `json:"revokes"`
	FSU     float64 `json:"fsu"` // for each month of any user
	FRV     float64 `json:"false_revokes"`
	Share   float64 `json:"share"` // of all false step-ups
}

// Weight is what a reason has to do with alarms: in how many of them it was, and what
// part of their scores it made.
type Weight struct {
	Code   string  `json:"code"`
	Alarms int     `json:"alarms"`
	Share  float64 `json:"share"`
}

// Budget is what a budget of false step-ups for each user and month buys, by a
// threshold on each session's greatest strength.
type Budget struct {
	Budget float64 `json:"budget"`
	// Threshold is what a strength has to exceed, in nats; null if no threshold keeps
	// to the budget.
	Threshold *float64     `json:"threshold_nats"`
	FSU       float64      `json:"fsu"`
	Macro     Estimate     `json:"macro_tpr"`
	All       Estimate     `json:"tpr"`
	Families  []FamilyRate `json:"families"`
	// Random is the share that a scorer catches which throws dice.
	Random float64 `json:"random_tpr"`
}

// FamilyRate is a family's share.
type FamilyRate struct {
	Name string   `json:"family"`
	TPR  Estimate `json:"tpr"`
}

// Reference is what a much simpler detector comes to on the same trace.
type Reference struct {
	Name     string       `json:"name"`
	FSU      float64      `json:"fsu"`
	Macro    float64      `json:"macro_tpr"`
	TPR      float64      `json:"tpr"`
	Families []FamilyRate `json:"families"`
}

// Point is a point of a curve: in the ROC, X is the share of sessions alarmed and Y
// that of attacks caught; in precision and recall, X is the share of attacks caught and
// Y the share of attacks among what is alarmed, at the trace's own base rate.
type Point struct {
	X         float64 `json:"x"`
	Y         float64 `json:"y"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Threshold float64 `json:"threshold_nats"`
}

// Calibration says what a strength means as a probability of an attack: learned on one
// half of the users, checked on the other.
type Calibration struct {
	LearnedOn int `json:"learned_on"` // sessions and attacks
	CheckedOn int `json:"checked_on"`
	// Fit is a staircase: from Nats on the probability is P at the trace's base rate,
	// Prior where one session in 10,000 is an attack.
	Fit     []Step      `json:"fit"`
	AtTrace Reliability `json:"at_trace_rate"`
	AtPrior Reliability `json:"at_prior"`
}

// Step is a step of the fitted staircase.
type Step struct {
	Nats  float64 `json:"nats"`
	P     float64 `json:"p"`
	Prior float64 `json:"p_at_prior"`
}

// Reliability compares probabilities with what happened.
type Reliability struct {
	BaseRate float64 `json:"base_rate"`
	// ECE is the expected calibration error over ten bins of equal width, Brier the
	// mean squared error, and Blind that of saying the base rate each time.
	ECE   float64 `json:"ece"`
	Brier float64 `json:"brier"`
	Blind float64 `json:"blind_brier"`
	Bins  []Bin   `json:"bins"`
}

// Bin is a bin of probabilities.
type Bin struct {
	Predicted float64 `json:"predicted"` // mean
	Observed  float64 `json:"observed"`  // share of attacks
	Share     float64 `json:"share"`     // of all that was checked
}

// Missed is an attack without an alarm.
type Missed struct {
	Attack    string  `json:"attack"`
	Family    string  `json:"family"`
	At        string  `json:"at"`
	User      string  `json:"user"`
	Requests  int     `json:"requests"`
	Sensitive int     `json:"sensitive"`
	Strength  float64 `json:"nats"`
}

// ThresholdText is the threshold for people.
func (b *Budget) ThresholdText() string {
	if b.Threshold == nil {
		return "none"
	}
	return strconv.FormatFloat(math.Round(*b.Threshold*100)/100, 'f', -1, 64)
}
