//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The checks are run here with little to do each; bench/README.md has the sizes
// at which they count.

// riskdBinary is built once for all tests, and removed with them.
var riskdBinary = sync.OnceValues(func() (string, error) { return build(context.Background(), testDir) })

var testDir string

func TestMain(m *testing.M) {
	var err error
	if testDir, err = os.MkdirTemp("", "riskd-chaos-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(testDir)
	os.Exit(code)
}

func riskdFor(t *testing.T) string {
	t.Helper()
	binary, err := riskdBinary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// tell runs a check and logs what it prints.
func tell(t *testing.T, check action) {
	t.Helper()
	var out bytes.Buffer
	err := check(t.Context(), &out)
	t.Log("\n" + out.String())
	switch {
	case errors.Is(err, errSkipped):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

func TestKill9(t *testing.T) {
	t.Parallel()
	tell(t, (&killing{binary: riskdFor(t), kills: 3, writers: 16, seed: 1, patience: 50, minAcks: 150}).run)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	tell(t, (&restarting{binary: riskdFor(t), sessions: 2000, revocations: 300, starts: 2, limit: time.Hour}).run)
}

func TestCanary(t *testing.T) {
	t.Parallel()
	tell(t, (&canarying{binary: riskdFor(t)}).run)
}

func TestCard(t *testing.T) {
	t.Parallel()
	tell(t, (&flooding{ids: 30_000, cap: 2000, planted: 1000}).run)
}

func TestCrashFS(t *testing.T) {
	t.Parallel()
	w, err := (&crashing{crashes: 10, seed: 1, kept: -1}).run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.acks < 10 || w.updates < 10 {
		t.Errorf("%d acknowledgements and %d updates prove nothing", w.acks, w.updates)
	}
}

func TestLinearizable(t *testing.T) {
	t.Parallel()
	l := &linearizing{ops: 4000, seed: 1}
	if err := l.one(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

func TestBugsAreCaught(t *testing.T) {
	t.Parallel()
	for _, p := range bugs(riskdFor(t)) {
		t.Run(p.bug, func(t *testing.T) {
			t.Parallel()
			if err := p.judge(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if err := failingFsync(nil)(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The first failure is that of a ledger, and none before any call has failed.
func TestFailureIn(t *testing.T) {
	t.Parallel()
	const archive = `77 1763730000.000001 fdatasync(9</d/state/archive/000004.log>) = -1 EIO (Input/output error) (INJECTED)`
	const ledger = `78 1763730000.500002 fdatasync(7</d/state/orders-000001.log>) = -1 EIO (Input/output error) (INJECTED)`
	for name, test := range map[string]struct {
		text string
		want int64 // microseconds past 1763730000, -1 for none
	}{
		"nothing":    {"", -1},
		"archive":    {archive, -1},
		"both":       {archive + "\n" + ledger, 500002},
		"unfinished": {archive + "\n" + strings.Replace(ledger, ") = -1 EIO (Input/output error) (INJECTED)", " <unfinished ...>", 1), 500002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, ok := failureIn(test.text)
			if got := at.Sub(time.Unix(1763730000, 0)).Microseconds(); ok != (test.want >= 0) || ok && got != test.want {
				t.Errorf("found %v at %d, want %d", ok, got, test.want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":  {nil, "usage: chaos"},
		"unknown":  {[]string{"monkey"}, "usage: chaos"},
		"argument": {[]string{"lin", "-histories", "0", "more"}, "takes flags only"},
		"too few":  {[]string{"crashfs", "-crashes", "0"}, "doesn't count"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, problems bytes.Buffer
			if code := run(t.Context(), test.args, &out, &problems); code == 0 || !strings.Contains(problems.String(), test.want) {
				t.Errorf("exit code %d: %s", code, problems.String())
			}
		})
	}
}

// A canary is found in every form, and where it may be it is allowed.
func TestFind(t *testing.T) {
	t.Parallel()
	c := &canaries{}
	token, user := c.add(secret, "a header"), c.add(name, "user.id")
	for name, test := range map[string]struct {
		canary  *canary
		kind    writingKind
		allowed bool
	}{
		"a secret in public":       {token, public, false},
		"a secret in the folder":   {token, kept, false},
		"a user in public":         {user, public, false},
		"a user in the folder":     {user, kept, true},
		"a user for an operator":   {user, operator, true},
		"a secret for an operator": {token, operator, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, form := range test.canary.forms {
				w := writing{where: "here", kind: test.kind, text: append([]byte("…x"), form...)}
				hits := c.find([]writing{w, {where: "there", text: []byte("nothing")}})
				if len(hits) != 1 || hits[0].canary != test.canary || hits[0].where != "here" || hits[0].allowed != test.allowed {
					t.Errorf("%q: %v", form, hits)
				}
			}
		})
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	tell(t, (&stalling{binary: riskdFor(t), stalled: 100, rate: 50, bodies: 4}).run)
}

// How much is evaluated says nothing on a machine that other tests share; what is
// answered does.
func TestOverload(t *testing.T) {
	t.Parallel()
	tell(t, (&overloading{binary: riskdFor(t), slice: time.Second, rounds: 1, times: 5, connections: 256, stalls: 0.2}).run)
}
