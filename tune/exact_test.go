package tune_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/tune"
)

// alarms runs a town through the plain engine, as recording does, and gives what the
// policy answered other than allow, until each session is over.
func (w *world) alarms(of *town) (all []tune.Answered) {
	w.Helper()
	struck := map[string]bool{}
	for _, line := range bytes.Split([]byte(of.labels.String()), []byte("\n")) {
		var event string
		if n, _ := fmt.Sscanf(string(line), `{"event":%q`, &event); n == 1 {
			struck[event] = true
		}
	}
	attacked := map[riskd.SessionID]bool{}
	e, err := w.engine(w.pack, func(r *riskd.Record) {
		answer := r.Weighing.Answer
		if answer == riskd.NoOutcome || answer == riskd.Allow {
			return
		}
		all = append(all, tune.Answered{
			At: r.Event.Time.UnixNano(), User: r.Event.User.ID, Outcome: answer.String(),
			Alarm: answer == riskd.Revoke || r.Weighing.Score >= riskd.StepUpScore || len(r.Weighing.Judged.Invariants) > 0,
		})
	})
	if err != nil {
		w.Fatal(err)
	}
	for i := range of.events {
		event := of.events[i]
		if struck[event.ID] {
			attacked[event.Session.ID] = true
		}
		d := e.Decide(context.Background(), i, &event)
		if d.StepUp != nil && !attacked[event.Session.ID] {
			e.Prove(context.Background(), i, d.StepUp, event.Time)
		}
	}
	return all
}

func sorted(all []tune.Answered) []tune.Answered {
	slices.SortFunc(all, func(a, b tune.Answered) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.User, b.User)) })
	return all
}

// Weighed again by the pack's own numbers, the evidence gives the very alarms that
// the engine gave, whatever the numbers are.
func TestWeighsAsTheEngineDoes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pack, overlay string
	}{
		"default":        {"default", `{}`},
		"workforce":      {"workforce", `{}`},
		"consumer":       {"consumer", `{}`},
		"low thresholds": {"default", `{"score": {"step_up_nats": 2, "revoke_nats": 7, "request_bonus": 1}}`},
		"short memory":   {"default", `{"score": {"step_up_nats": 5, "revoke_nats": 9}, "half_life": {"identity": "20s", "behaviour": "4s"}}`},
		"tight caps":     {"default", `{"score": {"step_up_nats": 4, "revoke_nats": 6}, "cap": {"identity": 6, "behaviour": 2}, "group_cap": {"network": {"min": -0.5, "max": 3}, "device": {"max": 2}, "behaviour": {"min": 0, "max": 1}}}`},
		"weights":        {"default", `{"score": {"step_up_nats": 6, "revoke_nats": 9}, "rules": {"privilege_use": {"weight": 2.5, "max": 6}, "ip_change": {"weight": 3}, "same_context": {"weight": 4}, "request_rate": {"weight": 0}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2) {
				w := newWorld(t, test.pack, test.overlay)
				for attackEvery, enforce := range map[int]bool{9: true, 0: false} {
					town := newTown(seed+1, 12, 10, attackEvery)
					log := w.record(town, enforce)
					compare(t, sorted(log.Alarms(log.Own())), sorted(w.alarms(town)), test.pack == "default")
				}
			}
		})
	}
}

// compare also compares what was an alarm, where only a score of 60 is one.
func compare(t *testing.T, again, engine []tune.Answered, alarms bool) {
	t.Helper()
	if len(engine) == 0 {
		t.Fatal("the engine raised no alarm: the town proves nothing")
	}
	for i := range max(len(again), len(engine)) {
		same := i < len(again) && i < len(engine)
		if same && !alarms {
			again[i].Alarm = engine[i].Alarm
		}
		if !same || again[i] != engine[i] {
			t.Fatalf("answer %d of %d (engine: %d) differs:\nagain  %+v\nengine %+v", i, len(again), len(engine), at(again, i), at(engine, i))
		}
	}
}

func at(all []tune.Answered, i int) any {
	if i >= len(all) {
		return "none"
	}
	return all[i]
}
