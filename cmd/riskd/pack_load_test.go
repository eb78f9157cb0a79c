package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// nowhere knows no address.
type nowhere struct{}

func (nowhere) Locate(netip.Addr) (riskd.Place, []string) { return riskd.Place{}, nil }

// marked is a pack whose reasons and judgement both carry its mark, so that a
// decision which mixes two shows.
func marked(t testing.TB, mark string) map[string][]byte {
	files := packWith(t, "")
	files["policy.rego"] = fmt.Appendf(nil, `package riskd.decision

decision := "step_up" if %q in input.reasons

else := "allow" if input.score < 60

step_up := {"acr_values": [%q], "amr_values": ["hwk"], "max_age": "5m"}
`, mark, mark)
	files["mark.rego"] = fmt.Appendf(nil, `package riskd.rules

# METADATA
# title: The mark of the pack
# description: it is on every request.
# labels:
#   rule: %[1]s
#   severity: low
#   group: behaviour
#   channel: behaviour
# custom:
#   user: It is you.
#   admin: "the mark %[1]s"
reasons contains {"code": %[1]q, "nats": 0.1} if {
	input.session.requests >= 0
}
`, mark)
	return files
}

// reloads is how many a test makes: few at every run, as many as it takes to
// believe it when RISKD_RELOADS says so.
func reloads(t testing.TB) int {
	if text := os.Getenv("RISKD_RELOADS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 10
}

// TestReloadsUnderLoad has a keeper load one of two packs after the other while
// decisions are taken: none fails, and none mixes the two. After the reloads,
// which are whole ones, 10,000 swaps go as fast as they can.
func TestReloadsUnderLoad(t *testing.T) {
	marks := []string{"mark_a", "mark_b"}
	// Tests and prices would take most of the time, and go on beside all that is
	// looked at here.
	k, dir, news := folderKeeper(t, packOptions{})
	put(t, dir, marked(t, marks[0]))
	k.reload(t.Context(), false)
	if fault := k.Policy().Fault; fault != nil {
		t.Fatal(fault.Errors)
	}
	revisions := map[string]string{k.Policy().Revision: marks[0]}

	store, err := sessions.New(sessions.Options{MaxSessions: 1000, MaxProfiles: 1000, Cells: signals.CellNames()})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: nowhere{}, Policy: func() scoring.Policy { return k.set.Current() }, NewID: newID,
		Deadline: time.Minute, // a machine under load mustn't change an answer
	})
	if err != nil {
		t.Fatal(err)
	}
	var known sync.Map // revision → mark
	known.Store(k.Policy().Revision, marks[0])
	var decisions, failed, mixed atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var once sync.Once
	for worker := range max(1, runtime.GOMAXPROCS(0)-1) { // reloads need a processor, too
		load.Go(func() {
			e := riskd.Event{Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7")}}
			e.Session.ID[0] = byte(worker)
			for n := 0; ctx.Err() == nil; n++ {
				copied := e // of a session of its own, that nothing is pending for
				binary.BigEndian.PutUint64(copied.Session.ID[1:], uint64(n))
				d := engine.Decide(ctx, &copied, time.Now())
				decisions.Add(1)
				if d.Source != riskd.SourceFresh {
					failed.Add(1)
					once.Do(func() { t.Errorf("the first that failed: %+v", d) })
				}
				has := func(mark string) bool {
					return d.StepUp != nil && slices.ContainsFunc(d.Reasons, func(r riskd.Reason) bool { return r.Code == mark }) && slices.Contains(d.StepUp.Demand.ACR, mark)
				}
				if mark, ok := known.Load(d.Revision); ok && !has(mark.(string)) {
					mixed.Add(1)
				}
			}
		})
	}
	n, began := reloads(t), time.Now()
	for i := range n {
		mark := marks[(i+1)%2]
		put(t, dir, marked(t, mark))
		k.reload(t.Context(), false)
		if fault := k.Policy().Fault; fault != nil {
			t.Fatal(fault.Errors)
		}
		known.Store(k.Policy().Revision, mark)
		revisions[k.Policy().Revision] = mark
	}
	t.Logf("%d reloads took %s", n, time.Since(began).Round(time.Millisecond))
	packs := [2]*policies.Pack{k.set.Current()}
	if packs[1], err = policies.LoadDir(filepath.Clean(dir), policies.Options{Signals: signals.Descriptions()}); err != nil {
		t.Fatal(err)
	}
	put(t, dir, marked(t, marks[(n+1)%2]))
	k.reload(t.Context(), false)
	packs[0] = k.set.Current()
	for i := range 10_000 {
		packs[i%2].Warm()
		k.set.Swap(packs[i%2])
	}
	cancel()
	load.Wait()
	if len(revisions) != 2 || len(news.changes) != n+3 || slices.Contains(news.changes, packRefused) {
		t.Errorf("%d revisions, %d changes of packs, want 2 and %d", len(revisions), len(news.changes), n+3)
	}
	if failed.Load() > 0 || mixed.Load() > 0 || decisions.Load() == 0 {
		t.Errorf("of %d decisions %d failed and %d mix revisions", decisions.Load(), failed.Load(), mixed.Load())
	}
	t.Logf("%d reloads and 10,000 swaps under %d decisions: %d failed, %d mix revisions", n, decisions.Load(), failed.Load(), mixed.Load())
}
