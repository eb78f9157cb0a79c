package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/sessions"
)

// kept opens the state of a data folder.
func kept(t *testing.T, dir string) *state {
	t.Helper()
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{1}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	c := defaults()
	c.DataDir = dir
	s, err := openState(c, key, newMetrics(), false, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// onRecord gives the entries of a data folder's log, and fails unless it is whole.
func onRecord(t *testing.T, dir string) (entries []audit.Entry) {
	t.Helper()
	folder := filepath.Join(dir, auditFolder)
	if r, err := audit.Verify(nil, folder); err != nil || len(r.Faults) > 0 {
		t.Fatalf("the log isn't whole: %v, %v", err, r.Faults)
	}
	err := audit.Read(nil, folder, audit.Filter{}, func(e audit.Entry, _ []byte) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func actsOf(entries []audit.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, string(e.Act))
	}
	return strings.Join(all, " ")
}

// Whatever is done stands in the log once, in the order in which it was done, and
// names nobody.
func TestWhatIsDoneIsOnRecord(t *testing.T) {
	dir := t.TempDir()
	s := kept(t, dir)
	ctx, now := t.Context(), time.Now()
	ada := riskd.Target{Kind: riskd.TargetUser, Tenant: "shop", ID: "ada@example.com"}
	s.Update(&riskd.Event{Tenant: "shop", Session: riskd.EventSession{ID: riskd.SessionID{7}}, User: riskd.User{ID: ada.ID}}, now,
		func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.User, in.SeenAt, in.ActiveAt, in.Limits = ada.ID, now, now, riskd.Limits{Idle: time.Minute}
			return riskd.Lesson{}
		})
	done, err := s.Impose(ctx, "", riskd.Epoch{Target: ada, At: now.Add(-time.Hour), Reason: "lost", Actor: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lift(ctx, done.Epochs[0].Number, now, "found", "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lift(ctx, 99, now, "no such", "bob"); err == nil {
		t.Error("lifted an order that isn't there")
	}
	if _, err := s.Extend(riskd.SessionID{7}, now, "ann"); err != nil {
		t.Fatal(err)
	}
	handler, err := identity.New(identity.Options{Orders: s, Table: func() map[string][]riskd.Action {
		return map[string][]riskd.Action{"password_reset": {riskd.ActionDropTrust, riskd.ActionStepUp}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // told twice, done once
		event := riskd.IdentityEvent{ID: "e1", Type: "password_reset", Tenant: "shop", User: ada.ID}
		if _, err := (identityEvents{handler, s.trail}).Apply(ctx, event, now); err != nil {
			t.Fatal(err)
		}
	}
	s.Expire(now.Add(time.Hour))
	s.record(ctx)
	if _, err := s.Erase(ctx, "shop", ada.ID, now, "dpo"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries := onRecord(t, dir)
	if got := actsOf(entries); got != "revoke lift extended distrust step_up identity_event expired revoke revoke erase" {
		t.Errorf("on record: %s", got)
	}
	if e := entries[1]; e.Actor != "bob" || e.Reason != "found" || e.Details["lifted"] != "1" {
		t.Errorf("lifted: %+v", e)
	}
	files, err := filepath.Glob(filepath.Join(dir, auditFolder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		if b, err := os.ReadFile(file); err != nil || bytes.Contains(b, []byte("ada@")) {
			t.Errorf("%s names him (%v)", file, err)
		}
	}
}

// What riskd had on disk but not on record when it died is put on record at the
// next start, once.
func TestRecordCatchesUp(t *testing.T) {
	dir := t.TempDir()
	s := kept(t, dir)
	order := func(store interface {
		Impose(context.Context, string, ...riskd.Epoch) (riskd.Imposed, error)
	}, user string,
	) {
		t.Helper()
		e := riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: user}, At: time.Now()}
		if _, err := store.Impose(t.Context(), "", e); err != nil {
			t.Fatal(err)
		}
	}
	order(s, "u1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	unwitnessed, err := sessions.New(sessions.Options{Dir: filepath.Join(dir, "state"), LastNumber: 1})
	if err != nil {
		t.Fatal(err)
	}
	order(unwitnessed, "u2")
	order(unwitnessed, "u3")
	if err := unwitnessed.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := kept(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
	}
	var numbers []uint64
	for _, e := range onRecord(t, dir) {
		numbers = append(numbers, e.Epoch)
	}
	if !slices.Equal(numbers, []uint64{1, 2, 3}) {
		t.Errorf("orders on record: %v", numbers)
	}
}

// Another key than the one that a folder was written with would find nothing in it.
func TestFolderKnowsItsKey(t *testing.T) {
	dir := t.TempDir()
	if err := kept(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	other, err := riskd.NewSessionKey(bytes.Repeat([]byte{2}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	c := defaults()
	c.DataDir, c.SessionKeyFile = dir, "key"
	if _, err := openState(c, other, newMetrics(), false, func(error) {}); err == nil || !strings.Contains(err.Error(), "is not the key that") {
		t.Errorf("opened with another key: %v", err)
	}
}
