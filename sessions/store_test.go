package sessions_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/sessions/sessionstest"
)

func TestStoreKeepsItsPromises(t *testing.T) {
	t.Parallel()
	sessionstest.Run(t, func(t *testing.T) sessionstest.Store {
		return open(t, sessions.Options{
			MaxSessions: sessionstest.MaxSessions, MaxProfiles: sessionstest.MaxProfiles, EpochRetention: sessionstest.EpochRetention,
		})
	})
}

func open(t testing.TB, o sessions.Options) *sessions.Store {
	t.Helper()
	s, err := sessions.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]sessions.Options{
		"sessions.Options.MaxSessions: must not be negative; 0 is the default":    {MaxSessions: -1},
		"sessions.Options.MaxProfiles: must not be negative; 0 is the default":    {MaxProfiles: -1},
		"sessions.Options.EpochRetention: must not be negative; 0 is the default": {EpochRetention: -1},
	} {
		if _, err := sessions.New(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A clock that is set has no say in how old a revocation is, as long as its
// readings are those of one process.
func TestSetClockExpiresNothing(t *testing.T) {
	t.Parallel()
	s := open(t, sessions.Options{})
	start := time.Now()
	s.Revoke(riskd.Target{Kind: riskd.TargetTenant}, start, "", "")
	s.Sweep(start)
	// Go keeps the wall clock and the monotonic one in a Time. AddDate drops the
	// second; so this is what a sweep sees after ten years of which all have passed.
	if n := s.Sweep(start.AddDate(10, 0, 0)); n != 1 {
		t.Errorf("%d expired after ten years, want 1", n)
	}
}
