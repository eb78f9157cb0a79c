package scoring_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

func (b *bench) shed(change func(*riskd.Event)) riskd.Decision {
	e := validEvent()
	e.Session.StartedAt = b.now.Add(-time.Hour)
	if change != nil {
		change(&e)
	}
	b.now = b.now.Add(time.Second)
	return b.Shed(&e, b.now, scoring.CodeOverloaded)
}

// Without room there is the default of the class, marked, and recorded.
func TestShedAnswersAsTheClassSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		known bool
		class riskd.Class
		want  riskd.Outcome
	}{
		"open":               {false, riskd.ClassOpen, riskd.Allow},
		"standard, unknown":  {false, riskd.ClassStandard, riskd.StepUpNeeded},
		"standard, known":    {true, riskd.ClassStandard, riskd.Allow},
		"sensitive, unknown": {false, riskd.ClassSensitive, riskd.StepUpNeeded},
		"sensitive, known":   {true, riskd.ClassSensitive, riskd.StepUpNeeded},
		"administration":     {true, riskd.ClassAdmin, riskd.StepUpNeeded},
		"open, known":        {true, riskd.ClassOpen, riskd.Allow},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := engine(t)
			if test.known {
				b.decide(nil)
			}
			d := b.shed(class(test.class))
			if d.Outcome != test.want || d.Source != riskd.SourceFallback || !slices.Contains(d.Degraded, scoring.CodeOverloaded) {
				t.Errorf("shed into %s from %s, degraded %v", d.Outcome, d.Source, d.Degraded)
			}
			if (d.StepUp != nil) != (test.want == riskd.StepUpNeeded) {
				t.Errorf("challenge %+v", d.StepUp)
			}
			if b.record.Event == nil || b.record.Decision.ID != d.ID || d.ID == "" || len(b.record.Moments) > 0 {
				t.Errorf("recorded is %+v", b.record)
			}
			if s, known := b.store.Session(riskd.SessionID{7}); known != test.known || known && s.Requests != 1 {
				t.Errorf("the event has made or changed the session: %v %+v", known, s)
			}
		})
	}
}

// The last decision is repeated while it is young, and while the pack is the one
// that took it.
func TestShedRepeatsOnlyAYoungDecision(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bench){
		"too old":      func(b *bench) { b.now = b.now.Add(time.Minute) },
		"another pack": func(b *bench) { b.policy.info.Since = b.now.Add(time.Millisecond) },
		"denied": func(b *bench) {
			b.policy.answer.Outcome = riskd.StepUpNeeded
			b.decide(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := engine(t)
			b.decide(nil)
			change(b)
			if d := b.shed(nil); d.Outcome != riskd.StepUpNeeded {
				t.Errorf("shed into %s", d.Outcome)
			}
		})
	}
}

// What is known holds without evaluation, and without waiting for one: another
// event of the same session is being evaluated meanwhile.
func TestShedKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	session := riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{7}}
	ada := riskd.Target{Kind: riskd.TargetUser, ID: "ada"}
	tests := map[string]struct {
		happens func(*testing.T, *bench)
		change  func(*riskd.Event)
		want    riskd.Outcome
		source  riskd.Source
	}{
		"session revoked": {func(t *testing.T, b *bench) { b.revoke(t, session, b.now) }, class(riskd.ClassOpen), riskd.Revoke, riskd.SourceRevocation},
		"user revoked, whom the event doesn't name": {
			func(t *testing.T, b *bench) { b.revoke(t, ada, b.now) },
			func(e *riskd.Event) { e.User.ID, e.Request.Class = "", riskd.ClassOpen }, riskd.Revoke, riskd.SourceRevocation,
		},
		"rotated from a revoked one": {
			func(t *testing.T, b *bench) { b.revoke(t, session, b.now) },
			func(e *riskd.Event) {
				e.Session.ID, e.Session.PreviousID = riskd.SessionID{8}, riskd.SessionID{7}
				e.Request.Class = riskd.ClassOpen
			}, riskd.Revoke, riskd.SourceRevocation,
		},
		"meets a standing revocation": {
			func(t *testing.T, b *bench) {
				b.impose(t, riskd.Epoch{At: b.now, Until: b.now.Add(time.Hour), Target: riskd.Target{
					Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{Network: netip.MustParsePrefix("203.0.113.0/24")},
				}})
			}, class(riskd.ClassOpen), riskd.Revoke, riskd.SourceRevocation,
		},
		"suspended": {func(t *testing.T, b *bench) {
			b.impose(t, riskd.Epoch{Effect: riskd.EffectSuspend, Target: ada, At: b.now})
		}, nil, riskd.StepUpNeeded, riskd.SourceSuspension},
		"suspended, and rotated": {
			func(t *testing.T, b *bench) {
				b.impose(t, riskd.Epoch{Effect: riskd.EffectSuspend, Target: session, At: b.now})
			},
			func(e *riskd.Event) {
				e.Session.ID, e.Session.PreviousID = riskd.SessionID{8}, riskd.SessionID{7}
			}, riskd.StepUpNeeded, riskd.SourceSuspension,
		},
		"ordered to step up": {func(t *testing.T, b *bench) {
			b.impose(t, riskd.Epoch{Effect: riskd.EffectStepUp, Target: ada, At: b.now})
		}, nil, riskd.StepUpNeeded, riskd.SourceFallback},
		"out of time": {
			func(_ *testing.T, b *bench) { b.now = b.now.Add(7 * time.Hour) },
			class(riskd.ClassOpen), riskd.Revoke, riskd.SourceExpiry,
		},
		"out of time, and rotated": {
			func(_ *testing.T, b *bench) { b.now = b.now.Add(7 * time.Hour) },
			func(e *riskd.Event) {
				e.Session.ID, e.Session.PreviousID = riskd.SessionID{8}, riskd.SessionID{7}
				e.Request.Class = riskd.ClassOpen
			}, riskd.Revoke, riskd.SourceExpiry,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := engine(t)
			b.policy.info.Tuning.Timeouts = []riskd.Timeout{{Limits: riskd.Limits{Idle: 6 * time.Hour}}}
			b.decide(nil)
			test.happens(t, b)
			e := validEvent()
			b.store.Update(&e, b.now, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
				d := b.shed(test.change)
				if d.Outcome != test.want || d.Source != test.source {
					t.Errorf("shed into %s from %s: %s", d.Outcome, d.Source, d.AdminText)
				}
				return riskd.Lesson{}
			})
		})
	}
}

// A challenge that waits is given again, as it is.
func TestShedGivesThePendingChallengeAgain(t *testing.T) {
	t.Parallel()
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 11)}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal3"}}}
	asked := b.decide(nil).StepUp
	d := b.shed(nil)
	if d.StepUp == nil || d.StepUp.ID != asked.ID || !slices.Equal(d.StepUp.Demand.ACR, []string{"aal3"}) || d.Score < riskd.StepUpScore {
		t.Errorf("asked for %+v, then shed with %+v at %d", asked, d.StepUp, d.Score)
	}
	b.shed(func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = b.now.Add(time.Second), "aal3" })
	if s, _ := b.store.Session(riskd.SessionID{7}); s.StepUp == nil {
		t.Error("a proof was taken from an event that nobody evaluated")
	}
}

// A session on disk is looked at there, and one that can't be read is like one
// whose policy failed.
func TestShedLooksOnDisk(t *testing.T) {
	t.Parallel()
	b := engine(t)
	store, err := sessions.New(sessions.Options{Dir: t.TempDir(), MaxSessions: 1, ReadDeadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	o := b.Options
	o.Memory = store
	if b.Engine, err = scoring.New(o); err != nil {
		t.Fatal(err)
	}
	other := func(e *riskd.Event) { e.Session.ID, e.User.ID = riskd.SessionID{9}, "bob" }
	b.decide(nil)
	b.decide(other)
	if d := b.shed(nil); d.Outcome != riskd.Allow {
		t.Errorf("known on disk, allowed a moment ago, and shed into %s", d.Outcome)
	}
	if _, err := store.Impose(context.Background(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now}); err != nil {
		t.Fatal(err)
	}
	b.decide(other)
	d := b.shed(func(e *riskd.Event) { e.User.ID, e.Request.Class = "", riskd.ClassOpen })
	if d.Outcome != riskd.Revoke {
		t.Errorf("its user was revoked while it was on disk, and it is shed into %s", d.Outcome)
	}
}
