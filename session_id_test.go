package riskd_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func key(t testing.TB, secret byte) *riskd.SessionKey {
	t.Helper()
	k, err := riskd.NewSessionKey(bytes.Repeat([]byte{secret}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSessionIDs(t *testing.T) {
	a, b := key(t, 1), key(t, 2)
	id := a.ID("shop", "cookie")
	different := map[string]riskd.SessionID{
		"another key":         b.ID("shop", "cookie"),
		"another tenant":      a.ID("bank", "cookie"),
		"another id":          a.ID("shop", "cookies"),
		"the border moved":    a.ID("sho", "pcookie"),
		"tenant and id as id": a.ID("", "shopcookie"),
	}
	for name, other := range different {
		if other == id {
			t.Errorf("%s gives the same session", name)
		}
	}
	if a.ID("shop", "cookie") != id {
		t.Error("the same id gives another session the second time")
	}
	if !a.ID("shop", "").IsZero() {
		t.Error("no id gives a session")
	}
}

func TestSessionRefRoundTrip(t *testing.T) {
	id := key(t, 1).ID("", "cookie")
	if got, err := riskd.ParseSessionRef(id.String()); err != nil || got != id {
		t.Fatalf("%s reads back as %s (%v)", id, got, err)
	}
	ref := id.String()
	for name, bad := range map[string]string{
		"empty": "", "no prefix": ref[2:], "short": ref[:20], "upper case": "s_" + strings.ToUpper(ref[2:]),
		"odd letters": "s_" + strings.Repeat("u", 26), "spare bits set": ref[:27] + "z",
	} {
		if _, err := riskd.ParseSessionRef(bad); err == nil {
			t.Errorf("%s: %q was taken", name, bad)
		}
	}
}

func TestSessionIDNeverShowsTheRawOne(t *testing.T) {
	const raw = "canary-7f3c"
	id := key(t, 1).ID("", raw)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("seen", "session", id, "in", struct{ ID riskd.SessionID }{id})
	for _, text := range []string{log.String(), id.String(), fmt.Sprintf("%v %+v %#v %x", id, id, id, id)} {
		if strings.Contains(text, raw) {
			t.Errorf("the raw id shows in %q", text)
		}
	}
	if !strings.Contains(log.String(), id.String()) {
		t.Error("the log doesn't show the reference")
	}
}

func TestSessionKeyNeedsStrength(t *testing.T) {
	if _, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey-1)); err == nil || !strings.Contains(err.Error(), "31 bytes") {
		t.Fatalf("a short key gives %v", err)
	}
}

func TestSessionKeyIsSafeForConcurrentUse(t *testing.T) {
	k := key(t, 1)
	want := k.ID("t", "x")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if k.ID("t", "x") != want {
					t.Error("a concurrent call gives another id")
				}
			}
		})
	}
	wg.Wait()
}

// An id is hashed for every request: it has to be cheap and leave no garbage.
func BenchmarkSessionID(b *testing.B) {
	k := key(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		k.ID("tenant", "0123456789abcdef0123456789abcdef")
	}
}

func TestRefsAreKeyedAndApart(t *testing.T) {
	k := key(t, 1)
	seen := map[string]string{}
	for _, parts := range [][3]string{
		{"u", "", "ada"}, {"d", "", "ada"}, {"u", "a", "da"}, {"u", "", "eve"}, {"u", "ada", ""},
	} {
		ref := k.Ref(parts[0], parts[1], parts[2])
		if other, twice := seen[ref]; twice {
			t.Errorf("%q and %q have the same reference", parts, other)
		}
		seen[ref] = strings.Join(parts[:], "|")
		if ref != k.Ref(parts[0], parts[1], parts[2]) || ref == key(t, 2).Ref(parts[0], parts[1], parts[2]) {
			t.Errorf("%q: %s is not the key's own", parts, ref)
		}
		if strings.Contains(ref, "ada") || !strings.HasPrefix(ref, parts[0]+"_") || len(ref) != 28 {
			t.Errorf("%q: %s", parts, ref)
		}
	}
}

// The session of a subject that has none is no session's, no other subject's, and
// none's of another kind, tenant or time.
func TestSubjectsSessionsAreApart(t *testing.T) {
	t.Parallel()
	k, now := key(t, 1), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	seen := map[riskd.SessionID]string{}
	for name, id := range map[string]riskd.SessionID{
		"a session": k.ID("shop", "ana"), "a longer one": k.ID("shop", "userana"), "a subject": k.Subject("shop", "user", "ana", time.Time{}),
		"another": k.Subject("shop", "user", "eve", time.Time{}), "of another kind": k.Subject("shop", "identity", "ana", time.Time{}),
		"of another tenant": k.Subject("", "user", "ana", time.Time{}), "cut elsewhere": k.Subject("shop", "us", "erana", time.Time{}),
		"later": k.Subject("shop", "user", "ana", now), "later still": k.Subject("shop", "user", "ana", now.Add(time.Second)),
		"under another key": key(t, 2).Subject("shop", "user", "ana", time.Time{}),
	} {
		if other := seen[id]; other != "" || id.IsZero() {
			t.Errorf("%s has the id of %q", name, other)
		}
		seen[id] = name
	}
	if k.Subject("shop", "user", "ana", now) != k.Subject("shop", "user", "ana", now.In(time.FixedZone("", 3600))) {
		t.Error("the same moment in another zone is another session")
	}
}
