package simulate_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/simulate"
)

// small is a simulation that takes no time, with a few attacks of each family.
func small(v simulate.Variant) simulate.Options {
	return simulate.Options{Variant: v, Seed: 1, Users: 24, Days: 20, Warmup: 10, Attacks: 1}
}

// run gives the trace and the labels of a simulation.
func run(t *testing.T, o simulate.Options) (trace, labels []byte, sum *simulate.Summary) {
	t.Helper()
	s, err := simulate.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var l, out bytes.Buffer
	if _, err := s.Labels(&l); err != nil {
		t.Fatal(err)
	}
	if sum, err = s.Trace(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), l.Bytes(), sum
}

// entry is a line of a trace.
type entry struct {
	event    *riskd.Event
	identity *riskd.IdentityEvent
}

// decode reads a trace as replay does.
func decode(t *testing.T, trace []byte) (entries []entry) { return sample(t, trace, 1) }

// sample reads one line in so many, and the first thousand.
func sample(t *testing.T, trace []byte, step int) (entries []entry) {
	t.Helper()
	key, err := riskd.NewSessionKey([]byte(strings.Repeat("k", riskd.MinSessionKey)))
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	for line := range bytes.Lines(trace) {
		if number++; number > 1000 && number%step != 0 {
			continue
		}
		var e entry
		body, wrapped := bytes.CutSuffix(line, []byte("}\n"))
		if event, ok := bytes.CutPrefix(body, []byte(`{"decision":`)); ok {
			e.event, err = api.DecodeTraceEvent(event, key)
		} else if event, ok := bytes.CutPrefix(body, []byte(`{"identity":`)); ok {
			e.identity, err = api.DecodeTraceIdentityEvent(event, key)
		} else {
			wrapped = false
		}
		if err != nil || !wrapped {
			t.Fatalf("%v in %s", err, line)
		}
		entries = append(entries, e)
	}
	return entries
}

func TestEveryLineIsAnEvent(t *testing.T) {
	t.Parallel()
	for _, v := range simulate.Variants() {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			trace, _, sum := run(t, small(v))
			if n := bytes.Count(trace, []byte("\n")); n < int(sum.Requests+sum.IdentityEvents) || sum.Requests < 5000 {
				t.Fatalf("%d lines for %d requests and %d identity events", n, sum.Requests, sum.IdentityEvents)
			}
			entries := sample(t, trace, 7)
			var last time.Time
			early := 0
			for i := range entries {
				at := entries[i].time()
				if at.Before(last) {
					early++
				} else {
					last = at
				}
			}
			if (early > 0) != (v == simulate.Late) {
				t.Errorf("%d lines are earlier than one before", early)
			}
		})
	}
}

func (e *entry) time() time.Time {
	if e.event != nil {
		return e.event.Time
	}
	return e.identity.Time
}

func TestSameOptionsGiveSameBytes(t *testing.T) {
	t.Parallel()
	o := small(simulate.Noise)
	trace, labels, _ := run(t, o)
	again, labelsAgain, _ := run(t, o)
	if !bytes.Equal(trace, again) || !bytes.Equal(labels, labelsAgain) {
		t.Error("the same options gave other bytes")
	}
	for name, change := range map[string]func(*simulate.Options){
		"seed":    func(o *simulate.Options) { o.Seed = 2 },
		"users":   func(o *simulate.Options) { o.Users++ },
		"days":    func(o *simulate.Options) { o.Days++ },
		"attacks": func(o *simulate.Options) { o.Attacks = 2 },
		"warmup":  func(o *simulate.Options) { o.Warmup++ },
		"from":    func(o *simulate.Options) { o.From = simulate.DefaultFrom.AddDate(0, 0, 1) },
		"variant": func(o *simulate.Options) { o.Variant = simulate.Mimic },
		"preset":  func(o *simulate.Options) { o.Preset, o.Attacks = simulate.Consumer, 0 },
	} {
		other := o
		change(&other)
		if trace2, _, _ := run(t, other); bytes.Equal(trace, trace2) {
			t.Errorf("another %s gave the same bytes", name)
		}
	}
}
