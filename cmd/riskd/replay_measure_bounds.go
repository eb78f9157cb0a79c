package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/replay/measure"
)

// measureBound is a bound on a figure of one pack: tpr<0.9 fails below 0.9.
type measureBound struct {
	text, name string
	below      bool
	value      float64
}

// measured gives the figures that may be bounded; a name may go on with what is behind
// a dot or an at sign. ok is false if the report has no such figure.
var measured = map[string]func(r *measure.Report, of string) (value float64, ok bool){
	"tpr": func(r *measure.Report, _ string) (float64, bool) { return r.Macro.Value, true },
	"tpr.": func(r *measure.Report, family string) (float64, bool) {
		for i := range r.Families {
			if r.Families[i].Name == family {
				return r.Families[i].TPR.Value, true
			}
		}
		return 0, false
	},
	"tpr@": func(r *measure.Report, budget string) (float64, bool) {
		for i := range r.Budgets {
			if at, err := strconv.ParseFloat(budget, 64); err == nil && r.Budgets[i].Budget == at {
				return r.Budgets[i].Macro.Value, true
			}
		}
		return 0, false
	},
	"fsu": func(r *measure.Report, _ string) (float64, bool) { return r.False.FSU.Value, true },
	"frv": func(r *measure.Report, _ string) (float64, bool) { return r.False.FRV.Value, true },
	"ratio": func(r *measure.Report, _ string) (worst float64, ok bool) {
		for i := range r.Archetypes {
			worst = max(worst, r.Archetypes[i].Ratio)
		}
		return worst, true
	},
	"sensitive": func(r *measure.Report, _ string) (float64, bool) { return r.All.Sensitive.Value, true },
	"ece":       func(r *measure.Report, _ string) (float64, bool) { return r.Calibration.AtTrace.ECE, true },
}

const measuredNames = "tpr, tpr.FAMILY, tpr@BUDGET, fsu, frv, ratio, sensitive, ece"

func parseMeasureBound(text string) (measureBound, error) {
	b := measureBound{text: text}
	at := strings.LastIndexAny(text, "<>")
	if at < 0 {
		return b, &usageError{
			fmt.Sprintf("replay: -fail-on %q is no bound", text),
			"for example -fail-on tpr<0.9,fsu>0.1, which fails if fewer are caught or more are asked; revoked, stepped_up, missed and false_alarms are for -against",
		}
	}
	var err error
	b.name, b.below = text[:at], text[at] == '<'
	if b.value, err = strconv.ParseFloat(text[at+1:], 64); err != nil || b.value != b.value {
		return b, &usageError{fmt.Sprintf("replay: -fail-on %q: %q is no number", text, text[at+1:]), "for example -fail-on tpr<0.9"}
	}
	if _, _, ok := b.figure(); !ok {
		return b, &usageError{fmt.Sprintf("replay: -fail-on %q: %q is no figure", text, b.name), "it is one of " + measuredNames}
	}
	if name, budget, ok := strings.Cut(b.name, "@"); ok && name == "tpr" {
		if _, there := measured["tpr@"](&measure.Report{Budgets: defaultBudgets()}, budget); !there {
			return b, &usageError{fmt.Sprintf("replay: -fail-on %q: %q is no budget", text, budget), fmt.Sprintf("shares are told at %v", measure.DefaultBudgets)}
		}
	}
	return b, nil
}

func defaultBudgets() (all []measure.Budget) {
	for _, budget := range measure.DefaultBudgets {
		all = append(all, measure.Budget{Budget: budget})
	}
	return all
}

// figure finds what the bound is on, and the rest of its name.
func (b *measureBound) figure() (of func(*measure.Report, string) (float64, bool), rest string, ok bool) {
	if of = measured[b.name]; of != nil && !strings.ContainsAny(b.name, ".@") {
		return of, "", true
	}
	if at := strings.IndexAny(b.name, ".@"); at >= 0 && len(b.name) > at+1 {
		of = measured[b.name[:at+1]]
		return of, b.name[at+1:], of != nil
	}
	return nil, "", false
}

// checkMeasures reports every bound that a pack is beyond.
func (b *replayBounds) checkMeasures(m *records.Measurement) error {
	var beyond []error
	for i := range b.bounds {
		bound := &b.bounds[i]
		of, rest, _ := bound.figure()
		switch value, ok := of(m.Measures, rest); {
		case !ok:
			beyond = append(beyond, fmt.Errorf("%s isn't there to be measured: -fail-on %s", bound.name, bound.text))
		case bound.below && value < bound.value, !bound.below && value > bound.value:
			beyond = append(beyond, fmt.Errorf("%s is %v: -fail-on %s", bound.name, value, bound.text))
		}
	}
	return errors.Join(beyond...)
}
