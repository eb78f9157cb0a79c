//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/bench/process"
)

// The test's program is its own floor, as the bench is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-serve" {
		main()
		return
	}
	os.Exit(m.Run())
}

// startTestFloor starts a floor whose replies hold a decision.
func startTestFloor(t *testing.T, decision string) *target {
	t.Helper()
	dir := t.TempDir()
	for _, name := range crowdNames {
		if err := os.WriteFile(filepath.Join(dir, name+".reply"), fmt.Appendf(nil, `{"decision":%q}`, decision), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := &lab{dir: dir, core: process.AnyCore, progress: &progress{w: io.Discard}}
	f := &target{name: "floor", work: map[string]*workload{}}
	var err error
	if f.addr, err = process.FreeAddr(); err != nil {
		t.Fatal(err)
	}
	if err := l.serveReplies(t.Context(), f, dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Stop)
	for _, name := range crowdNames {
		f.work[name] = &workload{request: always(post(f.addr, "/"+name, []byte("{}"))), decision: "allow", says: []string{said("allow")}}
	}
	return f
}

func TestBenchMeasuresARealServer(t *testing.T) {
	f := startTestFloor(t, "allow")
	other := *f
	other.name = "other"
	b := &bench{
		targets: []*target{f, &other}, rounds: 2, slice: 20 * time.Millisecond, connections: 4,
		progress: &progress{w: io.Discard},
	}
	got, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	allocs := 0.0
	for _, c := range got {
		if len(c.Cells) != 2 || c.Decision != "allow" || c.CommonRate <= 0 {
			t.Fatalf("%s: %d targets said %s at %v/s", c.Name, len(c.Cells), c.Decision, c.CommonRate)
		}
		for _, cell := range c.Cells {
			if len(cell.Rounds) != 2 || cell.ReplyBytes != len(`{"decision":"allow"}`) {
				t.Errorf("%s %s: %d rounds, replies of %d bytes", cell.Target, c.Name, len(cell.Rounds), cell.ReplyBytes)
			}
			for _, s := range cell.Rounds {
				// In so short a slice the reading of the metrics may hide them.
				allocs = max(allocs, s.Allocs)
				if s.Rate <= 0 || s.CPU <= 0 || s.Allocs < 0 || s.P99 < s.P50 || s.P50 <= 0 || s.HalfP50 <= 0 || s.CommonP50 <= 0 {
					t.Errorf("%s %s: a figure is missing: %+v", cell.Target, c.Name, s)
				}
			}
		}
	}
	if allocs < 1 {
		t.Errorf("no slice saw an allocation: %g a request at most", allocs)
	}
}

func TestAWrongDecisionFailsTheRun(t *testing.T) {
	f := startTestFloor(t, "revoke")
	b := &bench{
		targets: []*target{f}, rounds: 1, slice: 10 * time.Millisecond, connections: 2,
		progress: &progress{w: io.Discard},
	}
	if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), `must be 200 and hold "decision":"allow"; it is 200: {"decision":"revoke"}`) {
		t.Errorf("got error %v; want one that shows the wrong decision", err)
	}
}

func TestFlagsAreChecked(t *testing.T) {
	t.Parallel()
	good := options{rounds: 1, slice: time.Second, connections: 1, only: targets}
	if err := good.check(nil); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*options){
		"-rounds":      func(o *options) { o.rounds = 0 },
		"-for":         func(o *options) { o.slice = 0 },
		"-connections": func(o *options) { o.connections = 0 },
		"-only":        func(o *options) { o.only = []string{"flor"} },
	} {
		o := good
		change(&o)
		if err := o.check(nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v; want one on %s", err, want)
		}
	}
}
