package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	records "github.com/riskd/riskd/replay"
)

const measureText = `
With -labels and without -against, riskd measures how well the pack catches the attacks
that the labels name, and at what price: shares caught by family, delays, damage, false
step-ups for each user and month by archetype and cause, what a budget of them buys,
and what a score means as a probability. A line of the labels is one of

  {"event":ID,"attack":ID,"family":NAME,"onset":BOOL}
  {"event":ID,"cause":NAME}
  {"user":ID,"archetype":NAME}

Engines never see them. -fail-on takes bounds: tpr (mean of the families), tpr.FAMILY,
tpr@BUDGET, fsu (false step-ups for each user and month), frv (false revokes), ratio
(that of the archetype asked most over all), sensitive (requests let through before the
first alarm) and ece (calibration error), each with < or > and a number.
`

// asideIsThere reports families that are to be left aside and that the labels don't
// name: the means would be those of all.
func asideIsThere(list string, m *records.Measurement) error {
	if list == "" {
		return nil
	}
	var names []string
	for i := range m.Measures.Families {
		names = append(names, m.Measures.Families[i].Name)
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-aside %s: no attack that was measured is of that family: there are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// measure measures the pack of r by labels.
func (r *replay) measure(ctx context.Context, f *studyFlags, names []string) error {
	s, err := newStudy(r, f, names, r.pack)
	if err != nil {
		return err
	}
	defer sparing()()
	done, err := s.open(names)
	defer done()
	if err != nil {
		return err
	}
	begun := time.Now()
	m, faults, err := records.Measure(ctx, s.options)
	if err == nil {
		took := time.Since(begun)
		fmt.Fprintf(r.std.err, "riskd: decided %s in %.1f s: %.0f a second\n", count(m.Events, "event"), took.Seconds(), float64(m.Events)/took.Seconds())
		if err = s.print(m); err == nil {
			err = errors.Join(r.printBaseline(), asideIsThere(f.aside, m))
		}
	}
	return s.finish(faults, err, func() error { return s.bounds.checkMeasures(m) })
}
