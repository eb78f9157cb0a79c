package sessions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/sessions/sessionstest"
)

// The promises hold of a store with a folder as well.
func TestDurableStoreKeepsItsPromises(t *testing.T) {
	t.Parallel()
	sessionstest.Run(t, true, func(t *testing.T) sessionstest.Store {
		return openIn(t, vfs.NewMem(), sessions.Options{
			MaxSessions: sessionstest.MaxSessions, MaxProfiles: sessionstest.MaxProfiles, EpochRetention: sessionstest.EpochRetention,
		})
	})
}

// openIn opens a store in a file system, and closes it when the test ends.
func openIn(t testing.TB, fs vfs.FS, o sessions.Options) *sessions.Store {
	t.Helper()
	s := openOpen(t, fs, o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openOpen(t testing.TB, fs vfs.FS, o sessions.Options) *sessions.Store {
	t.Helper()
	o.FS, o.Pseudonym, o.ReadDeadline = fs, pseudonym, time.Minute // no test waits for it
	if o.Dir == "" {
		o.Dir = "data"
	}
	return open(t, o)
}

func impose(t testing.TB, s *sessions.Store, orders ...riskd.Epoch) riskd.Imposed {
	t.Helper()
	done, err := s.Impose(context.Background(), "", orders...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// see lets a session be seen with a step-up pending, and its user's profile learn.
func see(s *sessions.Store, e *riskd.Event, at time.Time) {
	s.Update(e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.User, in.DeviceID, in.SeenAt, in.ActiveAt = e.User.ID, e.Device.ID, at, at
		in.Requests++
		return riskd.Lesson{Learn: true}
	})
}

// What the store knew before it was closed it knows when it is opened again, and
// what it had acknowledged is in force from the first moment on.
func TestReopen(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	const n = 2000
	s := openOpen(t, fs, sessions.Options{MaxSessions: 500, MaxProfiles: 500})
	for i := range n {
		see(s, eventOf(i), noon)
	}
	user := func(i int) riskd.Target { return riskd.Target{Kind: riskd.TargetUser, ID: fmt.Sprint("user-", i)} }
	for i := 0; i < n; i += 10 {
		if done := impose(t, s, riskd.Epoch{Target: user(i), At: noon.Add(time.Hour)}); done.Matched != 1 {
			t.Fatalf("user %d: met %d sessions", i, done.Matched)
		}
	}
	impose(t, s, riskd.Epoch{Effect: riskd.EffectSuspend, Target: user(1), At: noon})
	lifted := impose(t, s, riskd.Epoch{Target: user(2), At: noon.Add(time.Hour)}).Epochs[0].Number
	see(s, eventOf(2), noon) // written down as revoked
	if _, err := s.Lift(context.Background(), lifted); err != nil {
		t.Fatal(err)
	}
	standing := riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 64500}}, At: noon, Until: noon.Add(time.Hour)}
	impose(t, s, standing)
	if _, err := s.Impose(context.Background(), "key", riskd.Epoch{Target: user(3), At: noon}); err != nil {
		t.Fatal(err)
	}
	want := s.Orders(0, 1000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openIn(t, fs, sessions.Options{MaxSessions: 500, MaxProfiles: 500})
	if got := s.Orders(0, 1000); fmt.Sprintf("%+v", bare(got)) != fmt.Sprintf("%+v", bare(want)) {
		t.Errorf("orders in force: %d, want %d", len(got), len(want))
	}
	for i := range n {
		e := eventOf(i)
		e.User, e.Device, e.Session.StartedAt = riskd.User{}, riskd.Device{}, time.Time{}
		if _, over := s.Revoked(e); over != (i%10 == 0) {
			t.Fatalf("session %d: revoked %v", i, over)
		}
		in, known := s.Session(e.Session.ID)
		if !known || in.User != fmt.Sprint("user-", i) || in.Requests == 0 {
			t.Fatalf("session %d: %+v", i, in)
		}
		if wantStatus := map[bool]riskd.Status{true: riskd.StatusRevoked, false: riskd.StatusActive}[i%10 == 0]; in.Status != wantStatus && i != 1 {
			t.Errorf("session %d is %s, want %s", i, in.Status, wantStatus)
		}
	}
	if in, _ := s.Session(eventOf(1).Session.ID); in.Status != riskd.StatusSuspended {
		t.Errorf("the suspended session is %s", in.Status)
	}
	s.Update(eventOf(5), noon, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
		if p.Requests != 1 {
			t.Errorf("a profile knows %d requests", p.Requests)
		}
		return riskd.Lesson{}
	})
	if done, err := s.Impose(context.Background(), "key", riskd.Epoch{Target: user(3), At: noon}); err != nil || !done.Repeated {
		t.Errorf("a key is forgotten: %+v, %v", done, err)
	}
	if next := impose(t, s, riskd.Epoch{Target: user(9), At: noon}).Epochs[0].Number; next <= want[0].Number {
		t.Errorf("number %d was given before: the latest was %d", next, want[0].Number)
	}
	e := eventOf(n + 1)
	e.Place.ASN = 64500
	if _, hit := s.Standing(e, riskd.Agent{}, noon.Add(time.Minute)); !hit {
		t.Error("the standing revocation is forgotten")
	}
}

// A number that was given is never given again, though its order is gone.
func TestNumbersAreGivenOnce(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	seen := map[uint64]bool{}
	for range 4 {
		s := openOpen(t, fs, sessions.Options{EpochRetention: time.Hour})
		for i := range 3 {
			n := impose(t, s, riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: fmt.Sprint("user-", i)}, At: noon.Add(time.Duration(len(seen)))}).Epochs[0].Number
			if seen[n] {
				t.Fatalf("%d was given before", n)
			}
			seen[n] = true
			if i == 2 {
				if _, err := s.Lift(context.Background(), n); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, at := range []time.Time{noon, noon.Add(25 * time.Hour), noon.Add(50 * time.Hour)} { // the last writes the ledger anew
			if _, err := s.Sweep(context.Background(), at); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.Orders(0, 0)); n != 0 {
			t.Fatalf("%d orders are left", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// bare are orders without what reads differently though it's the same.
func bare(list []riskd.Epoch) []string {
	var all []string
	for _, e := range list {
		all = append(all, fmt.Sprint(e.Number, e.Effect, e.Target.Kind, e.Target.ID, e.At.UnixNano(), e.Until.UnixNano(), e.Reason, e.Actor))
	}
	return all
}

// Listings and counts take in what isn't in memory.
func TestColdSessionsCount(t *testing.T) {
	t.Parallel()
	const n = 3000
	s := openIn(t, vfs.NewMem(), sessions.Options{MaxSessions: 100})
	for i := range n {
		e := eventOf(i)
		e.User.ID, e.Tenant = fmt.Sprint("user-", i%3), "acme"
		see(s, e, noon)
	}
	if in := s.Stats().Sessions; in > 100 {
		t.Errorf("%d sessions in memory", in)
	}
	seen := map[riskd.SessionID]bool{}
	for cursor, f := "", (sessions.Filter{Tenant: "acme", User: "user-1", Limit: 70}); ; {
		f.Cursor = cursor
		page, next, err := s.List(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range page {
			if in.User != "user-1" || seen[in.ID] {
				t.Fatalf("listed %+v, twice %v", in, seen[in.ID])
			}
			seen[in.ID] = true
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(seen) != n/3 {
		t.Errorf("listed %d, want %d", len(seen), n/3)
	}
	target := riskd.Target{Kind: riskd.TargetUser, Tenant: "acme", ID: "user-2"}
	if matched, sample := s.Preview(target); matched != n/3 || len(sample) != 10 {
		t.Errorf("previewed %d and %d", matched, len(sample))
	}
	if done := impose(t, s, riskd.Epoch{Target: target, At: noon.Add(time.Hour)}); done.Matched != n/3 {
		t.Errorf("user: met %d", done.Matched)
	}
	if done := impose(t, s, riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetTenant, Tenant: "acme"}, At: noon.Add(time.Hour)}); done.Matched != 2*n/3 {
		t.Errorf("tenant: met %d", done.Matched)
	}
	revoked := riskd.StatusRevoked
	if page, _, err := s.List(sessions.Filter{Status: &revoked, Limit: 1000}); err != nil || len(page) != 1000 {
		t.Errorf("%d of the revoked listed (%v)", len(page), err)
	}
}

// A flood of sessions that were made up takes no revocation along, and nothing of
// what is known of others.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := openIn(t, vfs.NewMem(), sessions.Options{MaxSessions: 200, MaxProfiles: 200})
	risky := eventOf(1)
	s.Update(risky, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.SeenAt = noon
		in.StepUp, in.Status = &riskd.StepUp{ID: "su_1"}, riskd.StatusStepUp
		return riskd.Lesson{}
	})
	for i := range 20_000 {
		e := eventOf(100 + i)
		e.User, e.Device = riskd.User{}, riskd.Device{}
		see(s, e, noon.Add(time.Minute))
	}
	if in := s.Stats().Sessions; in > 200 {
		t.Errorf("%d sessions in memory", in)
	}
	if in, known := s.Session(risky.Session.ID); !known || in.StepUp == nil || in.Status != riskd.StatusStepUp {
		t.Errorf("a pending step-up is forgotten: %+v", in)
	}
}

// What has expired is ended and forgotten where it lies.
func TestSweepArchive(t *testing.T) {
	t.Parallel()
	var told []riskd.SessionID
	s := openIn(t, vfs.NewMem(), sessions.Options{MaxSessions: 10, Expired: func(in *riskd.Session) { told = append(told, in.ID) }})
	const n = 500
	for i := range n {
		s.Update(eventOf(i), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.User, in.SeenAt, in.ActiveAt = fmt.Sprint("user-", i), noon, noon
			in.Limits = riskd.Limits{Idle: time.Hour}
			return riskd.Lesson{}
		})
	}
	impose(t, s, riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "user-3"}, At: noon.Add(time.Minute)})
	at := noon.Add(time.Hour)
	expired := s.Expire(at)
	cold, _, err := s.SweepArchive(at)
	if expired+cold != n-1 || len(told) != n-1 || err != nil {
		t.Errorf("expired %d in memory and %d outside, told of %d (%v)", expired, cold, len(told), err)
	}
	if again, _, _ := s.SweepArchive(at); again != 0 || s.Expire(at) != 0 {
		t.Errorf("%d expire twice", again)
	}
	if in, _ := s.Session(eventOf(7).Session.ID); in.Status != riskd.StatusExpired {
		t.Errorf("a session is %s", in.Status)
	}
	_, forgotten, err := s.SweepArchive(at.Add(8 * 24 * time.Hour))
	if forgotten < n-20 || err != nil {
		t.Errorf("a week later %d are forgotten (%v)", forgotten, err)
	}
	e := eventOf(3)
	e.User, e.Device = riskd.User{}, riskd.Device{}
	if _, over := s.Revoked(e); !over {
		t.Error("a forgotten session's revocation is forgotten")
	}
}

// After an erasure there is no byte of the user in the folder, and who he was is
// revoked all the same, after a restart too.
func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := sessions.Options{Dir: filepath.Join(dir, "data"), MaxSessions: 50}
	s := openOpen(t, nil, o)
	const canary = "ada.canary@example.com"
	for i := range 400 {
		e := eventOf(i)
		if i%20 == 0 {
			e.User.ID, e.Device.ID = canary, "device-of-"+canary
		}
		see(s, e, noon)
	}
	impose(t, s,
		riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: canary}, At: noon.Add(-time.Hour), Reason: "asked by " + canary},
		riskd.Epoch{Effect: riskd.EffectSuspend, Target: riskd.Target{Kind: riskd.TargetDevice, ID: "device-of-" + canary}, At: noon})
	if _, err := s.Erase(context.Background(), "", canary, noon.Add(time.Hour), "dpo"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // life goes on
		see(s, eventOf(1000+i), noon)
	}
	for range 2 {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte("canary")) {
				t.Errorf("%s holds him", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, over := s.Revoked(eventOf(20)); !over {
			t.Error("his session isn't revoked any more")
		}
		e := eventOf(5000)
		e.User.ID, e.Session.StartedAt = canary, noon
		if _, over := s.Revoked(e); !over {
			t.Error("he isn't revoked any more")
		}
		if in, known := s.Session(eventOf(21).Session.ID); !known || in.User != "user-21" {
			t.Error("another user is gone with him")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openOpen(t, nil, o)
	}
	s.Close()
}

// A ledger that fails leaves orders in force, says so, and is mended.
func TestLedgerFails(t *testing.T) {
	t.Parallel()
	fs := &failing{FS: vfs.NewMem()}
	s := openIn(t, fs, sessions.Options{})
	see(s, eventOf(1), noon)
	order := riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "user-1"}, At: noon.Add(time.Hour)}
	fs.fails.Store(true)
	for range 2 {
		done, err := s.Impose(context.Background(), "k", order)
		if !errors.Is(err, riskd.ErrNotDurable) || done.Repeated || s.Durable() || s.Fault() == nil {
			t.Fatalf("imposed %+v: %v; durable %v, fault %v", done, err, s.Durable(), s.Fault())
		}
		if _, over := s.Revoked(eventOf(1)); !over {
			t.Fatal("the order isn't in force")
		}
	}
	if _, err := s.Sweep(context.Background(), noon); err == nil {
		t.Error("mended on a disk that fails")
	}
	fs.fails.Store(false)
	if _, err := s.Sweep(context.Background(), noon); err != nil || !s.Durable() {
		t.Fatalf("not mended: %v, durable %v", err, s.Durable())
	}
	if done, err := s.Impose(context.Background(), "k", order); err != nil || done.Repeated {
		t.Errorf("then imposed %+v: %v", done, err)
	}
}

// An old folder that is damaged isn't taken for an empty one.
func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := openOpen(t, nil, sessions.Options{Dir: dir})
	for i := range 50 {
		impose(t, s, riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: fmt.Sprint("user-", i)}, At: noon})
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "orders-*.log"))
	b, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("user-7\""))] ^= 0x20
	if err := os.WriteFile(files[len(files)-1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.New(sessions.Options{Dir: dir}); err == nil {
		t.Fatal("opened in spite of damage")
	}
	s, err = sessions.New(sessions.Options{Dir: dir, Repair: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := len(s.Orders(0, 100)); n != 49 {
		t.Errorf("%d orders are left of 50", n)
	}
}
