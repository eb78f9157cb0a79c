package sessions_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/sessions/sessionstest"
)

func TestStoreKeepsItsPromises(t *testing.T) {
	t.Parallel()
	sessionstest.Run(t, false, func(t *testing.T) sessionstest.Store {
		return open(t, sessions.Options{
			MaxSessions: sessionstest.MaxSessions, MaxProfiles: sessionstest.MaxProfiles, EpochRetention: sessionstest.EpochRetention,
			Pseudonym: pseudonym,
		})
	})
}

func pseudonym(tenant, id string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(tenant+"\x00"+id)))
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

func TestMemoryIsNotDurable(t *testing.T) {
	t.Parallel()
	if open(t, sessions.Options{}).Durable() {
		t.Error("says that revocations survive the process")
	}
}
