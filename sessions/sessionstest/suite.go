// Package sessionstest holds every store of sessions to the same promises. A
// store's own test calls [Run]; a store that passes can stand behind the engine.
// What a store adds, such as surviving a crash, it has to test itself.
package sessionstest

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// Store is what is held to the promises; they stand with the methods of
// sessions.Store.
type Store interface {
	Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson)
	Edit(id riskd.SessionID, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson) bool
	Revoked(e *riskd.Event) (riskd.Epoch, bool)
	Standing(e *riskd.Event, a riskd.Agent, now time.Time) (riskd.Epoch, bool)
	Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error)
	Preview(t riskd.Target) (matched int, sample []riskd.Session)
	Lift(ctx context.Context, number uint64) (riskd.Epoch, error)
	Orders(before uint64, limit int) []riskd.Epoch
	Erase(ctx context.Context, tenant, user string, at time.Time, actor string) (ended int, err error)
	Sweep(ctx context.Context, now time.Time) (swept int, err error)
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
	Prefix riskd.Prefix
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
// with the bounds above. Those with an archive remember what is beyond the bounds.
func Run(t *testing.T, archived bool, open func(t *testing.T) Store) {
	t.Helper()
	promises := map[string]func(*testing.T, tested){
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
		"an id that is changed twice":              rotationForks,
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
		"sweeps among decisions":                   sweepsAmongDecisions,
		"extensions among decisions":               extensionsAmongDecisions,
		"copies share nothing":                     copiesShareNothing,
		"lists are filtered":                       listsAreFiltered,
		"lists come in pages":                      listsComeInPages,
		"a revoke that returned is seen":           revokeIsSeen,
		"all at once":                              allAtOnce,
		"suspended until resumed":                  suspendAndResume,
		"a step-up is ordered":                     stepUpIsOrdered,
		"profiles are forgotten":                   profilesAreForgotten,
		"trust is learned and void":                trustIsLearnedAndVoid,
		"a key counts once":                        keysCountOnce,
		"all orders or none":                       allOrNone,
		"lifting undoes":                           liftUndoes,
		"what a predicate hits":                    predicatesHit,
		"predicates stand":                         predicatesStand,
		"erased and still revoked":                 erasedAndRevoked,
	}
	forgetting := map[string]func(*testing.T, tested){
		"bounds hold and revocations outlive them": boundsHold,
		"the oldest go first":                      oldestGoFirst,
		"suspects stay":                            suspectsStay,
		"profiles are bounded":                     profilesAreBounded,
		"what a forgotten session was revoked by":  forgottenStaysRevoked,
		"a family with a gap":                      brokenFamily,
		"the expired go first":                     expiredGoFirst,
		"a panicked session is forgotten":          panickedIsForgotten,
	}
	if !archived {
		maps.Copy(promises, forgetting)
	}
	for name, test := range promises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, tested{open(t)})
		})
	}
	for name, test := range map[string]func(*testing.T, func() tested){
		"a store does as its model":               model,
		"the order of revocations doesn't matter": orderDoesntMatter,
		"orders commute":                          ordersCommute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func() tested { return tested{open(t)} })
		})
	}
}

// tested is a store with shorter words for what tests say often.
type tested struct{ Store }

// Revoke imposes one revocation, and panics if the store can't keep it.
func (s tested) Revoke(t riskd.Target, at time.Time, reason, actor string) (riskd.Epoch, int) {
	done, err := s.Impose(context.Background(), "", riskd.Epoch{Target: t, At: at, Reason: reason, Actor: actor})
	switch {
	case errors.As(err, new(*riskd.FieldError)):
		return riskd.Epoch{}, 0
	case err != nil:
		panic(err)
	}
	return done.Epochs[0], done.Matched
}

func (s tested) Revocations(before uint64, limit int) []riskd.Epoch { return s.Orders(before, limit) }

// Sweep sweeps, and panics if the store can't.
func (s tested) Sweep(now time.Time) int {
	n, err := s.Store.Sweep(context.Background(), now)
	if err != nil {
		panic(err)
	}
	return n
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
func see(s tested, now time.Time, e *riskd.Event) (found riskd.Session) {
	s.Update(e, now, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		found = *in
		observe(in, e, now)
		return riskd.Lesson{}
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

func revoke(s tested, target riskd.Target, at time.Time) int {
	_, matched := s.Revoke(target, at, "stolen", "ops")
	return matched
}

// wantRevoked fails unless the store says of the event what is wanted.
func wantRevoked(t *testing.T, s tested, e *riskd.Event, want bool) {
	t.Helper()
	if epoch, got := s.Revoked(e); got != want {
		t.Errorf("session %x: revoked %v (%+v), want %v", e.Session.ID[:8], got, epoch.Target, want)
	}
}

// find gives a session that has to be there.
func find(t *testing.T, s tested, n int) riskd.Session {
	t.Helper()
	found, ok := s.Session(id(n))
	if !ok {
		t.Fatalf("session %d is not there", n)
	}
	return found
}
