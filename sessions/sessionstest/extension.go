package sessionstest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func extendBeginsAnew(t *testing.T, s tested) {
	limit(s, 1, riskd.Limits{Idle: 10 * time.Minute, Absolute: 15 * time.Minute})
	for _, step := range []struct{ now, want time.Duration }{
		{9 * time.Minute, 9 * time.Minute},
		{5 * time.Minute, 9 * time.Minute}, // a clock that goes back
		{15*time.Minute - 1, 15*time.Minute - 1},
	} {
		given, err := s.Extend(id(1), after(step.now))
		if err != nil || !given.ActiveAt.Equal(after(step.want)) || !given.Start.Equal(noon) || given.Status != riskd.StatusActive {
			t.Fatalf("extended at %v: %v, %s, active at %v", step.now, err, given.Status, given.ActiveAt)
		}
		if there := find(t, s, 1); !reflect.DeepEqual(there, given) {
			t.Errorf("gave %+v, there is %+v", given, there)
		}
	}
	if _, err := s.Extend(id(1), after(15*time.Minute)); !errors.Is(err, riskd.ErrSessionOver) {
		t.Errorf("extended past its absolute end: %v", err)
	}
	wantStatus(t, s, 1, riskd.StatusExpired)
}

func extensionsShareNothing(t *testing.T, s tested) {
	write(s, 1, noon, func(in *riskd.Session) {
		fill(reflect.ValueOf(in).Elem())
		in.ID, in.Status, in.StepUp = id(1), riskd.StatusActive, nil
	})
	given, err := s.Extend(id(1), after(time.Minute))
	if err != nil || len(given.AMR) == 0 {
		t.Fatalf("%+v, %v", given, err)
	}
	write(s, 1, noon, func(in *riskd.Session) {
		for _, where := range shared(reflect.ValueOf(*in), reflect.ValueOf(given), "") {
			t.Errorf("an extended session shares %s", where)
		}
	})
}

func whatCantBeExtended(t *testing.T, s tested) {
	l := riskd.Limits{Idle: 10 * time.Minute}
	pending := &riskd.StepUp{ID: "su_1"}
	// The session of this user comes after its revocation, and is over all the same.
	revoke(s, user("early"), after(time.Hour))
	n := 0
	for name, test := range map[string]struct {
		make func(n int)
		now  time.Duration
		err  error
		want riskd.Status
	}{
		"revoked": {func(n int) { revoke(s, session(n), noon) }, 0, riskd.ErrSessionOver, riskd.StatusRevoked},
		"revoked with its user": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.User = "ada" })
			revoke(s, user("ada"), after(time.Hour))
		}, 0, riskd.ErrSessionOver, riskd.StatusRevoked},
		"revoked beforehand": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.User = "early" })
		}, 0, riskd.ErrSessionOver, riskd.StatusRevoked},
		"revoked by the policy": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.Status = riskd.StatusRevoked })
		}, 0, riskd.ErrSessionOver, riskd.StatusRevoked},
		"revoked with its time up": {func(n int) { revoke(s, session(n), noon) }, time.Hour, riskd.ErrSessionOver, riskd.StatusRevoked},
		"expired": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.Status = riskd.StatusExpired })
		}, 0, riskd.ErrSessionOver, riskd.StatusExpired},
		"its time is up": {func(int) {}, 10 * time.Minute, riskd.ErrSessionOver, riskd.StatusExpired},
		"its time is up with a step-up": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.Status, in.StepUp = riskd.StatusStepUp, pending })
		}, time.Hour, riskd.ErrSessionOver, riskd.StatusExpired},
		"a challenge": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.StepUp = pending })
		}, 0, riskd.ErrStepUpPending, riskd.StatusActive},
		"a step-up": {func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.Status = riskd.StatusStepUp })
		}, 0, riskd.ErrStepUpPending, riskd.StatusStepUp},
		"nothing": {func(int) {}, 10*time.Minute - 1, nil, riskd.StatusActive},
	} {
		n++
		limit(s, n, l)
		test.make(n)
		given, err := s.Extend(id(n), after(test.now))
		if !errors.Is(err, test.err) || err != nil && !reflect.DeepEqual(given, riskd.Session{}) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
		wantStatus(t, s, n, test.want)
		in := find(t, s, n)
		if err != nil && !in.ActiveAt.Equal(noon) {
			t.Errorf("%s: active at %v", name, in.ActiveAt)
		}
		if in.Status == riskd.StatusExpired && in.StepUp != nil {
			t.Errorf("%s: waits for a step-up for ever", name)
		}
	}
	if _, err := s.Extend(id(5000), noon); !errors.Is(err, riskd.ErrUnknownSession) {
		t.Errorf("an unknown session: %v", err)
	}
	if _, ok := s.Session(id(5000)); ok {
		t.Error("extending makes a session")
	}
}
