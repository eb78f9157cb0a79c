package scoring_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// limited gives an engine whose sessions may be idle for half an hour and last
// for twelve, an administrator's for a quarter and eight.
func limited(t *testing.T) *bench {
	t.Helper()
	b := engine(t)
	b.policy.info.Tuning.WarnBefore = 2 * time.Minute
	b.policy.info.Tuning.Timeouts = []riskd.Timeout{
		{Limits: riskd.Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour}},
		{Role: "admin", Limits: riskd.Limits{Idle: 15 * time.Minute, Absolute: 8 * time.Hour}},
		{UserType: "guest", Limits: riskd.Limits{Absolute: time.Hour}},
		{Environment: "kiosk", Limits: riskd.Limits{Idle: time.Minute}},
		{Tenant: "bank", Limits: riskd.Limits{Idle: 5 * time.Minute}},
		{OfClass: true, Class: riskd.ClassSensitive, Limits: riskd.Limits{Idle: 10 * time.Minute}},
	}
	return b
}

// at decides an event at a time after the session's start, which is b.now.
func (b *bench) at(start time.Time, after time.Duration, change func(*riskd.Event)) riskd.Decision {
	e := validEvent()
	e.Session.StartedAt = start
	if change != nil {
		change(&e)
	}
	return b.Decide(context.Background(), &e, start.Add(after))
}

func role(r string) func(*riskd.Event) {
	return func(e *riskd.Event) { e.User.Roles = []string{"user", r} }
}
func background(e *riskd.Event) { e.Request.Activity = riskd.Background }
func ends(d riskd.Decision, code string) bool {
	return d.Outcome == riskd.Revoke && d.Source == riskd.SourceExpiry && len(d.Reasons) == 1 && d.Reasons[0].Code == code
}

func goesOn(d riskd.Decision) bool { return d.Outcome == riskd.Allow && d.Source == riskd.SourceFresh }

func TestTimeouts(t *testing.T) {
	tests := map[string]struct {
		change   func(*riskd.Event)
		idle     time.Duration
		absolute time.Duration
	}{
		"anybody":           {nil, 30 * time.Minute, 12 * time.Hour},
		"an administrator":  {role("admin"), 15 * time.Minute, 8 * time.Hour},
		"a guest":           {func(e *riskd.Event) { e.User.Type = "guest" }, 30 * time.Minute, time.Hour},
		"at a kiosk":        {func(e *riskd.Event) { e.Environment = "kiosk" }, time.Minute, 12 * time.Hour},
		"of a tenant":       {func(e *riskd.Event) { e.Tenant = "bank" }, 5 * time.Minute, 12 * time.Hour},
		"a sensitive route": {class(riskd.ClassSensitive), 10 * time.Minute, 12 * time.Hour},
		"all at once": {func(e *riskd.Event) {
			e.User.Type, e.Environment, e.Tenant, e.User.Roles = "guest", "kiosk", "bank", []string{"admin"}
		}, time.Minute, time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := limited(t)
			b.at(b.now, 0, test.change)
			if d := b.at(b.now, test.idle-1, test.change); !goesOn(d) {
				t.Errorf("a moment before the idle limit: %s from %s", d.Outcome, d.Source)
			}
			if d := b.at(b.now, 2*test.idle-1, test.change); !ends(d, "idle_timeout") {
				t.Errorf("at the idle limit: %s %v", d.Outcome, d.Reasons)
			}
			b = limited(t)
			for after := time.Duration(0); after < test.absolute; after += test.idle / 2 {
				if d := b.at(b.now, after, test.change); !goesOn(d) {
					t.Fatalf("active, after %s: %s %v", after, d.Outcome, d.Reasons)
				}
			}
			if d := b.at(b.now, test.absolute-1, test.change); !goesOn(d) {
				t.Errorf("a moment before the absolute limit: %s", d.Outcome)
			}
			if d := b.at(b.now, test.absolute, test.change); !ends(d, "absolute_timeout") {
				t.Errorf("at the absolute limit: %s %v", d.Outcome, d.Reasons)
			}
		})
	}
}

func TestOnlyActivityPutsTheEndOff(t *testing.T) {
	b := limited(t)
	b.at(b.now, 0, nil)
	for after := time.Second; after < 30*time.Minute; after += time.Second {
		if d := b.at(b.now, after, background); !goesOn(d) {
			t.Fatalf("polling after %s: %s", after, d.Outcome)
		}
	}
	if d := b.at(b.now, 30*time.Minute, background); !ends(d, "idle_timeout") {
		t.Errorf("after half an hour of polling: %s", d.Outcome)
	}
}

// A role that is left out loosens nothing, and neither does a session that is
// first seen late, or one that was never seen.
func TestLimitsCannotBeLoosened(t *testing.T) {
	b := limited(t)
	b.at(b.now, 0, role("admin"))
	if d := b.at(b.now, 16*time.Minute, nil); !ends(d, "idle_timeout") {
		t.Errorf("without the role: %s", d.Outcome)
	}
	b = limited(t)
	if d := b.at(b.now, 13*time.Hour, nil); !ends(d, "absolute_timeout") {
		t.Errorf("never seen, thirteen hours old: %s", d.Outcome)
	}
	b = limited(t)
	b.at(b.now, 0, nil)
	b.at(b.now, time.Minute, class(riskd.ClassSensitive))
	if d := b.at(b.now, 20*time.Minute, nil); !goesOn(d) {
		t.Errorf("a route's limit binds other routes: %s", d.Outcome)
	}
}

// What has expired stays so: for clocks that go back, for proofs, for the policy.
func TestExpiredIsFinal(t *testing.T) {
	b := limited(t)
	b.at(b.now, 0, nil)
	b.at(b.now, time.Hour, nil)
	for name, d := range map[string]riskd.Decision{
		"later":                b.at(b.now, 2*time.Hour, nil),
		"the clock goes back":  b.at(b.now, time.Minute, nil),
		"a fresh proof":        b.at(b.now, time.Hour, func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = b.now.Add(time.Hour), "aal3" }),
		"an open route":        b.at(b.now, time.Hour, class(riskd.ClassOpen)),
		"the clock goes ahead": b.at(b.now, 10*365*24*time.Hour, nil),
	} {
		if d.Outcome != riskd.Revoke || d.Source != riskd.SourceExpiry {
			t.Errorf("%s: %s from %s", name, d.Outcome, d.Source)
		}
	}
	if b.policy.asked != 1 {
		t.Errorf("the policy was asked %d times, of once", b.policy.asked)
	}
	if s := b.session(t); s.Status != riskd.StatusExpired || s.StepUp != nil {
		t.Errorf("session is %s, step-up %v", s.Status, s.StepUp)
	}
}

// A known revocation is told as such, even of a session that has expired since.
func TestRevokedBeatsExpired(t *testing.T) {
	b := limited(t)
	b.at(b.now, 0, nil)
	b.revoke(t, riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, b.now.Add(time.Minute))
	if d := b.at(b.now, time.Hour, nil); d.Source != riskd.SourceRevocation {
		t.Errorf("told as %s", d.Source)
	}
}

func TestTheEndIsAnnounced(t *testing.T) {
	b := limited(t)
	start := b.now
	d := b.at(start, 0, nil)
	if !d.Expires.IdleAt.Equal(start.Add(30*time.Minute)) || !d.Expires.AbsoluteAt.Equal(start.Add(12*time.Hour)) || d.Expires.Warn {
		t.Errorf("at the start: %+v", d.Expires)
	}
	if d := b.at(start, 28*time.Minute-1, background); d.Expires.Warn {
		t.Errorf("a moment too early: %+v", d.Expires)
	}
	if d := b.at(start, 28*time.Minute, background); !d.Expires.Warn || !d.Expires.At().Equal(start.Add(30*time.Minute)) {
		t.Errorf("two minutes before: %+v", d.Expires)
	}
	if d := b.at(start, 28*time.Minute, nil); d.Expires.Warn || !d.Expires.At().Equal(start.Add(58*time.Minute)) {
		t.Errorf("after activity: %+v", d.Expires)
	}
	if d := b.at(start, 2*time.Hour, nil); !d.Expires.At().IsZero() {
		t.Errorf("of a session that is over: %+v", d.Expires)
	}
	if d := engine(t).decide(nil); !d.Expires.At().IsZero() {
		t.Errorf("without limits: %+v", d.Expires)
	}
}

// A year of a user who comes and goes, against the plainest model there is.
func TestAYearOfTimeouts(t *testing.T) {
	b := limited(t)
	random := rand.New(rand.NewPCG(1, 2))
	now, started, active := b.now, b.now, b.now
	over, expiries, id := false, 0, uint32(1)
	for day := b.now.Add(365 * 24 * time.Hour); now.Before(day); {
		now = now.Add(time.Duration(random.ExpFloat64() * float64(20*time.Minute)))
		e := validEvent()
		polls := random.IntN(3) == 0
		if polls {
			background(&e)
		}
		if over && random.IntN(2) == 0 { // he signs in again
			over, started, active = false, now, now
			id++
		}
		e.Session.ID = riskd.SessionID{2, byte(id), byte(id >> 8), byte(id >> 16)}
		e.Session.StartedAt = started
		ended := over || now.Sub(active) >= 30*time.Minute || now.Sub(started) >= 12*time.Hour
		if ended && !over {
			expiries++
		}
		over = ended
		if !over && !polls {
			active = now
		}
		d := b.Decide(context.Background(), &e, now)
		if over != (d.Source == riskd.SourceExpiry) {
			t.Fatalf("at %s: %s from %s; started %s, active %s", now, d.Outcome, d.Source, started, active)
		}
	}
	if expiries < 1000 {
		t.Errorf("only %d expiries in a year: the test tests little", expiries)
	}
}
