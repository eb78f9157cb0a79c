// Package sessionstest holds every store of sessions to the same promises. A
// store's own test calls [Run]; a store that passes can stand behind the engine.
// What a store adds, such as surviving a crash, it has to test itself.
package sessionstest

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// Store is what is held to the promises; they stand with the methods of
// sessions.Store.
type Store interface {
	Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) (learn bool))
	Revoked(e *riskd.Event) (riskd.Epoch, bool)
	Revoke(t riskd.Target, at time.Time, reason, actor string) (epoch riskd.Epoch, matched int)
	Revocations(before uint64, limit int) []riskd.Epoch
	Sweep(now time.Time) int
	Extend(id riskd.SessionID, now time.Time) (riskd.Session, error)
	Expire(now time.Time) int
	Session(id riskd.SessionID) (riskd.Session, bool)
	List(f Filter) (page []riskd.Session, next string, err error)
	Stats() Stats
}

// Filter is sessions.Filter.
type Filter = struct {
	Tenant string
	User   string
	Device string
	Status *riskd.Status
	Cursor string
	Limit  int
}

// Stats is sessions.Stats.
type Stats = struct {
	Sessions        int
	Profiles        int
	Epochs          int
	EvictedSessions uint64
	EvictedProfiles uint64
}

// The bounds that the stores under test must have been given.
const (
	MaxSessions    = 10_000
	MaxProfiles    = 10_000
	EpochRetention = 30 * 24 * time.Hour
)

// Run tests the stores that open gives: empty ones, independent of each other,
// with the bounds above.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Store){
		"a new session":                            newSession,
		"the earliest start":                       earliestStart,
		"a session goes on":                        sessionGoesOn,
		"profiles are copies":                      profilesAreCopies,
		"profiles learn when told":                 profilesLearn,
		"whose profile":                            whoseProfile,
		"tenants are apart":                        tenantsAreApart,
		"one at a time per session":                oneAtATime,
		"sessions don't wait for each other":       othersDontWait,
		"a user's sessions don't wait":             usersSessionsDontWait,
		"a panic releases everything":              panicReleases,
		"rotation continues a session":             rotationContinues,
		"rotation from an unknown id":              rotationFromUnknown,
		"rotations cross":                          rotationsCross,
		"nothing revoked":                          nothingRevoked,
		"what a revocation ends":                   whatARevocationEnds,
		"leaving things out helps nobody":          leavingOut,
		"a start nobody knows":                     unknownStart,
		"a revoked id never comes back":            revokedIsAbsolute,
		"rotation doesn't escape":                  rotationDoesntEscape,
		"families end together":                    familiesEndTogether,
		"what matched counts":                      matchedCounts,
		"the latest revocation stands":             latestStands,
		"targets that aren't any":                  invalidTargets,
		"a decision in flight revives nothing":     inFlight,
		"revocations are listed newest first":      revocationsAreListed,
		"revocations expire late":                  revocationsExpire,
		"an extension begins anew":                 extendBeginsAnew,
		"extensions share nothing":                 extensionsShareNothing,
		"what can't be extended":                   whatCantBeExtended,
		"an extension waits for a decision":        extendWaits,
		"the sweep marks what is due":              expireMarks,
		"a decision in flight wins over the sweep": decisionsWin,
		"expired is final":                         expiredIsFinal,
		"rotation from an expired session":         rotationFromExpired,
		"a login after the end":                    loginAfterExpiry,
		"the expired go first":                     expiredGoFirst,
		"sweeps among decisions":                   sweepsAmongDecisions,
		"extensions among decisions":               extensionsAmongDecisions,
		"copies share nothing":                     copiesShareNothing,
		"lists are filtered":                       listsAreFiltered,
		"lists come in pages":                      listsComeInPages,
		"bounds hold and revocations outlive them": boundsHold,
		"the oldest go first":                      oldestGoFirst,
		"suspects stay":                            suspectsStay,
		"profiles are bounded":                     profilesAreBounded,
		"what a forgotten session was revoked by":  forgottenStaysRevoked,
		"a family with a gap":                      brokenFamily,
		"a revoke that returned is seen":           revokeIsSeen,
		"all at once":                              allAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
	for name, test := range map[string]func(*testing.T, func() Store){
		"a store does as its model":               model,
		"the order of revocations doesn't matter": orderDoesntMatter,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func() Store { return open(t) })
		})
	}
}

// noon is when the tests take place.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

func id(n int) (id riskd.SessionID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

// with are the parts of an event that matter to a store.
type with struct {
	previous     int // 0: none
	tenant       string
	user, device string
	started      time.Time
	auth         time.Time
}

func event(n int, w with) *riskd.Event {
	e := &riskd.Event{
		Tenant: w.tenant, User: riskd.User{ID: w.user}, Device: riskd.Device{ID: w.device},
		Session: riskd.EventSession{ID: id(n), StartedAt: w.started, AuthTime: w.auth},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
	}
	if w.previous != 0 {
		e.Session.PreviousID = id(w.previous)
	}
	return e
}

// see lets the store take in an event as the engine would, and gives the session
// as it was found.
func see(s Store, now time.Time, e *riskd.Event) (found riskd.Session) {
	s.Update(e, now, func(in *riskd.Session, _ *riskd.Profile) bool {
		found = *in
		observe(in, e, now)
		return false
	})
	return found
}

func observe(in *riskd.Session, e *riskd.Event, now time.Time) {
	if in.User == "" {
		in.User = e.User.ID
	}
	if e.Device.ID != "" {
		in.DeviceID = e.Device.ID
	}
	if now.After(in.SeenAt) {
		in.SeenAt = now
	}
	in.Requests++
}

func user(name string) riskd.Target   { return riskd.Target{Kind: riskd.TargetUser, ID: name} }
func device(name string) riskd.Target { return riskd.Target{Kind: riskd.TargetDevice, ID: name} }
func session(n int) riskd.Target {
	return riskd.Target{Kind: riskd.TargetSession, Session: id(n)}
}

func revoke(s Store, target riskd.Target, at time.Time) int {
	_, matched := s.Revoke(target, at, "stolen", "ops")
	return matched
}

// wantRevoked fails unless the store says of the event what is wanted.
func wantRevoked(t *testing.T, s Store, e *riskd.Event, want bool) {
	t.Helper()
	if epoch, got := s.Revoked(e); got != want {
		t.Errorf("session %x: revoked %v (%+v), want %v", e.Session.ID[:8], got, epoch.Target, want)
	}
}

// find gives a session that has to be there.
func find(t *testing.T, s Store, n int) riskd.Session {
	t.Helper()
	found, ok := s.Session(id(n))
	if !ok {
		t.Fatalf("session %d is not there", n)
	}
	return found
}
