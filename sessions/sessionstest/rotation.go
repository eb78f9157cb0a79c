package sessionstest

import (
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func rotationContinues(t *testing.T, s tested) {
	s.Update(event(1, with{user: "ada", device: "laptop", started: after(-time.Hour)}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.User, in.DeviceID, in.Requests = "ada", "laptop", 7
		in.AMR = []string{"pwd"}
		in.Cells = []riskd.Cell{{1}}
		in.StepUp = &riskd.StepUp{ID: "su_1", Clears: []string{"new_country"}}
		in.Status, in.Score = riskd.StatusStepUp, 70
		return riskd.Lesson{Learn: true}
	})
	found := see(s, after(time.Minute), event(2, with{previous: 1, started: noon}))
	if found.ID != id(2) || found.Previous != id(1) || !found.Next.IsZero() {
		t.Errorf("links: %v after %v, before %v", found.ID, found.Previous, found.Next)
	}
	if found.User != "ada" || found.Requests != 7 || found.StepUp == nil || found.Status != riskd.StatusStepUp || found.Score != 70 || !found.Learned {
		t.Errorf("not what the session was: %+v", found)
	}
	if !found.Start.Equal(after(-time.Hour)) {
		t.Errorf("start %v: a rotation makes no session younger", found.Start)
	}
	s.Update(event(2, with{}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.AMR[0], in.Cells[0][0], in.StepUp.ID, in.StepUp.Clears[0] = "otp", 2, "su_2", "burst"
		return riskd.Lesson{}
	})
	old := find(t, s, 1)
	if old.Next != id(2) || !old.Previous.IsZero() || old.ID != id(1) || old.Requests != 7 {
		t.Errorf("the old session: %+v", old)
	}
	if old.AMR[0] != "pwd" || old.Cells[0][0] != 1 || old.StepUp.ID != "su_1" || old.StepUp.Clears[0] != "new_country" {
		t.Error("the two sessions share memory")
	}
	if n := see(s, noon, event(2, with{previous: 1})).Requests; n != 8 {
		t.Errorf("%d requests, want 8: the rotation happens once", n)
	}
}

// rotationForks: an id that was changed is changed again, for another one.
func rotationForks(t *testing.T, s tested) {
	see(s, noon, event(1, with{user: "ada"}))
	if first := see(s, after(time.Minute), event(2, with{user: "ada", previous: 1})); first.Forked != 0 {
		t.Errorf("the first change is %v after another", first.Forked)
	}
	if old := find(t, s, 1); old.Next != id(2) || !old.NextAt.Equal(after(time.Minute)) {
		t.Errorf("changed for %v at %v", old.Next, old.NextAt)
	}
	if again := see(s, after(5*time.Minute), event(2, with{user: "ada", previous: 1})); again.Forked != 0 {
		t.Errorf("the same change, told again, is %v after another", again.Forked)
	}
	if second := see(s, after(11*time.Minute), event(3, with{user: "ada", previous: 1})); second.Forked != 10*time.Minute {
		t.Errorf("the second change is %v after the first, not 10 minutes", second.Forked)
	}
	if third := see(s, after(16*time.Minute), event(5, with{user: "ada", previous: 1})); third.Forked != 15*time.Minute {
		t.Errorf("the third change is %v after the first, not 15 minutes", third.Forked)
	}
	if next := see(s, after(20*time.Minute), event(4, with{user: "ada", previous: 3})); next.Forked != 0 || !next.NextAt.IsZero() {
		t.Errorf("what comes of a fork: %v, %v", next.Forked, next.NextAt)
	}
}

func rotationFromUnknown(t *testing.T, s tested) {
	found := see(s, noon, event(2, with{previous: 1}))
	if found.Requests != 0 || !found.Start.Equal(noon) || found.Previous != id(1) {
		t.Errorf("%+v", found)
	}
	if self := see(s, noon, event(3, with{previous: 3})); !self.Previous.IsZero() {
		t.Error("a session that replaces itself is linked")
	}
	if n := s.Stats().Sessions; n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
}

// rotationsCross would never end if two rotations waited for each other.
func rotationsCross(t *testing.T, s tested) {
	var all sync.WaitGroup
	for i := range 200 {
		a, b := 2*i+1, 2*i+2
		all.Go(func() { see(s, noon, event(a, with{previous: b})) })
		all.Go(func() { see(s, noon, event(b, with{previous: a})) })
		all.Go(func() { see(s, noon, event(b, with{previous: a})) })
	}
	all.Wait()
	if n := s.Stats().Sessions; n != 400 {
		t.Errorf("%d sessions, want 400", n)
	}
}
