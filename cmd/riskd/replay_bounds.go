package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	records "github.com/riskd/riskd/replay"
)

// replayBounds are what a study may find without failing.
type replayBounds struct {
	limit  string  // as given; "" is none
	share  float64 // of the sessions
	number int     // of sessions; -1: the share counts
	failOn []string
	bounds []measureBound
}

// What a comparison may be failed on.
const (
	failRevoked     = "revoked"      // sessions that only B revokes
	failSteppedUp   = "stepped_up"   // sessions that only B asks for a step-up
	failMissed      = "missed"       // attacks that only A catches
	failFalseAlarms = "false_alarms" // sessions without an attack that only B alarms
)

func parseReplayBounds(f *studyFlags) (b replayBounds, err error) {
	if b.limit = f.maximum; b.limit != "" {
		if b.share, b.number, err = parseLimit(b.limit); err != nil {
			return b, err
		}
	}
	if f.failOn == "" {
		return b, nil
	}
	for _, name := range strings.Split(f.failOn, ",") {
		if f.pack == "" {
			bound, err := parseMeasureBound(name)
			if err != nil {
				return b, err
			}
			b.bounds = append(b.bounds, bound)
			continue
		}
		switch name {
		case failRevoked, failSteppedUp:
		case failMissed, failFalseAlarms:
			if f.labels == "" {
				return b, &usageError{"replay: -fail-on " + name + " needs labels", "give them with -labels FILE"}
			}
		default:
			return b, &usageError{fmt.Sprintf("replay: -fail-on %q is none of revoked, stepped_up, missed, false_alarms", name), "several are put together by commas"}
		}
		b.failOn = append(b.failOn, name)
	}
	return b, nil
}

// parseLimit reads a share of sessions, such as 0.5%, or a number of them.
func parseLimit(text string) (share float64, number int, err error) {
	wrong := &usageError{fmt.Sprintf("replay: -max-diverging %q is neither a share nor a number of sessions", text), "for example -max-diverging 0.5% or -max-diverging 20"}
	if digits, ok := strings.CutSuffix(text, "%"); ok {
		share, err = strconv.ParseFloat(digits, 64)
		if err != nil || math.IsNaN(share) || share < 0 || share > 100 {
			return 0, 0, wrong
		}
		return share / 100, -1, nil
	}
	if number, err = strconv.Atoi(text); err != nil || number < 0 {
		return 0, 0, wrong
	}
	return 0, number, nil
}

// check reports every bound that a comparison is beyond.
func (b *replayBounds) check(r *records.Report) error {
	var beyond []error
	if b.limit != "" {
		d := &r.Diverging
		if b.number >= 0 && d.Count > b.number || b.number < 0 && float64(d.Count) > b.share*float64(d.Of) {
			beyond = append(beyond, fmt.Errorf("%d of %s diverge: more than -max-diverging %s", d.Count, count(d.Of, "session"), b.limit))
		}
	}
	for _, name := range b.failOn {
		n, text := 0, ""
		switch name {
		case failRevoked:
			n, text = r.Count(records.NewlyRevoked), "revoked by B alone"
		case failSteppedUp:
			n, text = r.Count(records.NewlySteppedUp), "asked for a step-up by B alone"
		case failMissed:
			n, text = r.Detection.Caught.OnlyA, "caught by A alone"
		case failFalseAlarms:
			n, text = r.Detection.FalseAlarms.OnlyB, "alarmed by B alone, without an attack"
		}
		if n > 0 {
			what := "session"
			if name == failMissed {
				what = "attack"
			}
			beyond = append(beyond, fmt.Errorf("%s %s: -fail-on %s", count(n, what), text, name))
		}
	}
	return errors.Join(beyond...)
}
