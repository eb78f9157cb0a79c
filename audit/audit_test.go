package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func key(t testing.TB) *riskd.SessionKey {
	t.Helper()
	k, err := riskd.NewSessionKey(bytes.Repeat([]byte("k"), riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, o audit.Options) *audit.Log {
	t.Helper()
	o.Dir, o.Ref = "d", key(t).Ref
	l, _, err := audit.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func appended(t testing.TB, l *audit.Log, entries ...audit.Entry) {
	t.Helper()
	if err := l.Append(entries...).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func verified(t testing.TB, fs vfs.FS, noted ...audit.Head) audit.Report {
	t.Helper()
	r, err := audit.Verify(fs, "d", noted...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sound(t testing.TB, fs vfs.FS, noted ...audit.Head) audit.Report {
	t.Helper()
	r := verified(t, fs, noted...)
	for _, f := range r.Faults {
		t.Error(f)
	}
	return r
}

func revoked(i int) audit.Entry {
	return audit.Entry{Act: audit.Revoke, At: noon.Add(time.Duration(i) * time.Second), Actor: "ops", Epoch: uint64(i), Reason: strings.Repeat("r", 60)}
}

func TestChainGoesOn(t *testing.T) {
	t.Parallel()
	mem := vfs.NewMem()
	var noted []audit.Head
	for life := range 4 {
		l := open(t, audit.Options{FS: mem, SegmentBytes: 3000})
		head, epoch := l.Last()
		if head.N != uint64(life*30) || epoch != uint64(life*20) {
			t.Fatalf("life %d begins after %v, order %d", life, head, epoch)
		}
		for i := range 20 {
			appended(t, l, revoked(life*20+i+1))
		}
		for range 5 {
			e := audit.Entry{Act: audit.Expired, At: noon}
			appended(t, l, e, e)
		}
		head, _ = l.Last()
		noted = append(noted, head)
		closed(t, l)
	}
	r := sound(t, mem, noted...)
	if r.Entries != 120 || r.First != 1 || r.Head != noted[3] || r.Files < 5 || !r.From.Equal(noon.Add(time.Second)) || !r.To.Equal(noon) {
		t.Fatalf("%+v", r)
	}
}

// Without Keep nothing goes; with it the oldest files do, as an entry says.
func TestOldestFilesGo(t *testing.T) {
	t.Parallel()
	mem := vfs.NewMem()
	l := open(t, audit.Options{FS: mem, SegmentBytes: 2000, Keep: 3})
	for i := range 300 {
		appended(t, l, revoked(i+1))
	}
	closed(t, l)
	r := sound(t, mem)
	if r.First < 200 || r.Files < 3 || r.Files > 12 {
		t.Fatalf("%+v", r)
	}
	first := slices.Min(logs(t, mem))
	check(t, mem.Remove(first))
	if r := verified(t, mem); len(r.Faults) == 0 || !strings.Contains(r.Faults[0].String(), "missing") {
		t.Fatalf("%s can be removed unseen: %v", first, r.Faults)
	}
	l = open(t, audit.Options{FS: mem, SegmentBytes: 2000, Keep: 3})
	if _, epoch := l.Last(); epoch != 300 {
		t.Fatal(epoch)
	}
	closed(t, l)
}

func logs(t testing.TB, fs vfs.FS) (out []string) {
	t.Helper()
	names, err := fs.List("d")
	check(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			out = append(out, "d/"+name)
		}
	}
	return out
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func contents(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	check(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	check(t, err)
	return b
}

func put(t testing.TB, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	check(t, err)
	_, err = f.Write(bytes.Clone(b))
	check(t, err)
	closed(t, f)
}

// A crash tears the end off; the chain goes on before it.
func TestChainGoesOnAfterTornTail(t *testing.T) {
	t.Parallel()
	mem := vfs.NewMem()
	l := open(t, audit.Options{FS: mem})
	for i := range 5 {
		appended(t, l, revoked(i+1))
	}
	closed(t, l)
	file := logs(t, mem)[0]
	b := contents(t, mem, file)
	put(t, mem, file, b[:len(b)-30])
	if r := sound(t, mem); r.Entries != 4 || r.Torn.File != file {
		t.Fatalf("%+v", r)
	}
	l = open(t, audit.Options{FS: mem})
	if head, epoch := l.Last(); head.N != 4 || epoch != 4 {
		t.Fatal(head, epoch)
	}
	appended(t, l, revoked(5))
	closed(t, l)
	if r := sound(t, mem); r.Entries != 5 {
		t.Fatalf("%+v", r)
	}
}

// While the disk stands still nobody waits for Offer, and what it dropped is
// counted exactly: in Counts, and in the log itself.
func TestDroppedAreCounted(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"disk stands still": nil, "disk fails": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stopped atomic.Bool
			gate, held := make(chan struct{}), make(chan struct{})
			holding := sync.OnceFunc(func() { close(held) })
			mem := vfs.NewMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == errorfs.OpFileSyncData && stopped.Load() {
					holding()
					<-gate
					return fault
				}
				return nil
			}))
			l := open(t, audit.Options{FS: fs})
			offer := func(n int) {
				var all sync.WaitGroup
				for i := range 4 {
					all.Go(func() {
						for j := range n / 4 {
							l.Offer(audit.Entry{Act: audit.Decision, At: noon.Add(time.Duration(i*n + j)), Outcome: "allow", Reason: strings.Repeat("r", 1500)})
						}
					})
				}
				all.Wait()
			}
			offer(1000)
			stopped.Store(true)
			l.Offer(audit.Entry{Act: "nonsense", At: noon})
			l.Offer(audit.Entry{Act: audit.Decision, At: noon})
			<-held
			offer(4 * audit.MaxOffers)
			if l.Counts().Dropped == 0 {
				t.Fatal("nothing was dropped: the test proves nothing")
			}
			stopped.Store(false)
			close(gate)
			if fault != nil {
				for l.Append(revoked(1)).Wait(t.Context()) == nil {
				}
				check(t, l.Heal(t.Context()))
			}
			offer(400)
			appended(t, l, revoked(1))
			err := l.Close()
			c, r := l.Counts(), sound(t, mem)
			if err != nil || c.Offered != 1000+4*audit.MaxOffers+400+2 || c.Written+c.Dropped != c.Offered || r.Dropped != c.Dropped {
				t.Fatalf("%+v, %+v, %v", c, r, err)
			}
		})
	}
}

// What couldn't be put on disk was refused, and the chain doesn't hold it.
func TestHeal(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	mem := vfs.NewMem()
	l := open(t, audit.Options{FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && failing.Load() {
			return syscall.EIO
		}
		return nil
	}))})
	appended(t, l, revoked(1), revoked(2))
	failing.Store(true)
	for range 3 {
		if err := l.Append(revoked(3)).Wait(t.Context()); !errors.Is(err, syscall.EIO) || !errors.Is(l.Err(), syscall.EIO) {
			t.Fatal(err, l.Err())
		}
	}
	if head, epoch := l.Last(); head.N != 2 || epoch != 2 {
		t.Fatal(head, epoch)
	}
	failing.Store(false)
	check(t, l.Heal(t.Context()))
	appended(t, l, revoked(4))
	closed(t, l)
	if r := sound(t, mem); r.Entries != 3 || r.Head.N != 3 {
		t.Fatalf("%+v", r)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	l := open(t, audit.Options{FS: vfs.NewMem()})
	for want, e := range map[string]audit.Entry{
		`act: "nonsense"`: {Act: "nonsense", At: noon},
		"at: is required": {Act: audit.Revoke},
		"session: must":   {Act: audit.Revoke, At: noon, Session: "cookie-4711"},
		"user: must":      {Act: audit.Revoke, At: noon, User: "alice@example.com"},
		"device: must":    {Act: audit.Revoke, At: noon, Device: "d_short"},
		"at most":         {Act: audit.Revoke, At: noon, Reason: strings.Repeat("x", 2<<20)},
	} {
		err := l.Append(revoked(1), e).Wait(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || l.Err() != nil {
			t.Errorf("%v; want %s", err, want)
		}
	}
	appended(t, l, revoked(1))
	if head, _ := l.Last(); head.N != 1 {
		t.Error(head)
	}
	closed(t, l)
}

const (
	rawUser   = "alice@example.com"
	rawDevice = "device-cookie-0815"
	rawID     = "session-cookie-4711"
)

// The entries that the Log makes of riskd's nouns say who and what, by reference.
func TestNothingRawIsWritten(t *testing.T) {
	t.Parallel()
	mem, k := vfs.NewMem(), key(t)
	l := open(t, audit.Options{FS: mem})
	id := k.ID("acme", rawID)
	asn := &riskd.Predicate{ASN: 64500, Role: "admin", Network: netip.MustParsePrefix("203.0.113.0/24"), From: noon, To: noon.Add(time.Hour)}
	targets := []riskd.Target{
		{Kind: riskd.TargetUser, Tenant: "acme", ID: rawUser},
		{Kind: riskd.TargetDevice, Tenant: "acme", ID: rawDevice},
		{Kind: riskd.TargetSession, Tenant: "acme", Session: id},
		{Kind: riskd.TargetTenant, Tenant: "acme"},
		{Kind: riskd.TargetPredicate, Tenant: "acme", Predicate: asn},
	}
	for i := range targets {
		o := riskd.Epoch{Effect: riskd.Effect(i % int(riskd.Effects)), Target: targets[i], At: noon, Number: uint64(i + 1), Reason: "stolen", Actor: "ops"}
		appended(t, l, l.Order(&o, noon, i), l.Lifted(&o, noon, "error", "ops"))
	}
	appended(t, l, l.Identity(&riskd.IdentityEvent{ID: "e1", Type: "logout", Time: noon, Tenant: "acme", User: rawUser, Device: rawDevice, Session: id}, noon))
	r := riskd.Record{
		Event:    &riskd.Event{Tenant: "acme", User: riskd.User{ID: rawUser}, Device: riskd.Device{ID: rawDevice}, Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.9")}},
		Decision: &riskd.Decision{ID: "01J", At: noon, Session: id, Outcome: riskd.Revoke, Score: 91, Reasons: []riskd.Reason{{Code: "new_country"}, {Code: "new_country"}}},
	}
	appended(t, l, l.Decided(audit.Decision, &r))
	closed(t, l)
	b := contents(t, mem, logs(t, mem)[0])
	for _, raw := range []string{rawUser, rawDevice, rawID, "203.0.113.9"} {
		if bytes.Contains(b, []byte(raw)) {
			t.Errorf("%s is in the log", raw)
		}
	}
	for filter, want := range map[audit.Filter]int{
		{User: k.Ref("u", "acme", rawUser)}: 4, {Device: k.Ref("d", "acme", rawDevice)}: 4, {Session: id.String()}: 4,
		{Act: audit.Lift}: 5, {Tenant: "acme"}: 12, {Tenant: "other"}: 0, {Since: noon.Add(1)}: 0, {Until: noon}: 0, {Until: noon.Add(1)}: 12,
	} {
		n := 0
		check(t, audit.Read(mem, "d", filter, func(e audit.Entry, raw []byte) error {
			n++
			if e.Target == "predicate" && (e.Details["asn"] != "64500" || e.Details["network"] != "203.0.113.0/24" || e.Details["from"] == "") {
				return fmt.Errorf("details: %v", slices.Sorted(maps.Keys(e.Details)))
			}
			return nil
		}))
		if n != want {
			t.Errorf("%+v chooses %d entries, want %d", filter, n, want)
		}
	}
	sound(t, mem)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	ref := key(t).Ref
	for want, o := range map[string]audit.Options{
		"Options.Ref": {Dir: "d"}, "must not be negative": {Dir: "d", Ref: ref, Keep: -1}, "Options.Dir": {Ref: ref},
	} {
		if _, _, err := audit.Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
