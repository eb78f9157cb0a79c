package journal_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

// world is what the owner of a journal knows, and what he was told.
type world struct {
	mu      sync.Mutex
	next    int
	acks    int
	drops   int
	state   map[string]bool // in memory
	acked   map[string]bool // said to be on disk and not dropped since
	dropped map[string]bool // by a Rewrite that was said to be done
}

// crashes lets a loaded journal crash n times at random operations of its file
// system, with interfere in between, and tells what went wrong first.
func crashes(n int, seed uint64, interfere func(op string) error) error {
	random := rand.New(rand.NewPCG(seed, 2))
	w := &world{state: map[string]bool{}, acked: map[string]bool{}, dropped: map[string]bool{}}
	mem := vfs.NewCrashableMem()
	for i := range n {
		after, err := w.live(mem, random, interfere)
		if err != nil {
			return fmt.Errorf("crash %d: %w", i, err)
		}
		mem = after
	}
	if w.acks < 4*n || w.drops < n/2 {
		return fmt.Errorf("%d acknowledgements and %d rewrites in %d crashes are too few to prove anything", w.acks, w.drops, n)
	}
	return nil
}

// live opens the journal, checks it, loads it until the file system crashes, and
// gives what is left of that.
func (w *world) live(mem *vfs.MemFS, random *rand.Rand, interfere func(op string) error) (*vfs.MemFS, error) {
	var (
		left    = 1 + random.IntN(60)
		config  = vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: rand.New(rand.NewPCG(random.Uint64(), 1))}
		mu      sync.Mutex
		after   *vfs.MemFS
		acked   map[string]bool
		dropped map[string]bool
		crashed = make(chan struct{})
	)
	fs := &disk{FS: mem, before: func(op string, _ int64) error {
		mu.Lock()
		defer mu.Unlock()
		if left--; left == 0 {
			w.mu.Lock()
			acked, dropped = maps.Clone(w.acked), maps.Clone(w.dropped)
			w.mu.Unlock()
			after = mem.CrashClone(config)
			close(crashed)
		}
		return interfere(op)
	}}
	before, gone := maps.Clone(w.acked), maps.Clone(w.dropped)
	replayed := map[string]bool{}
	j, _, err := journal.Open(journal.Options{FS: fs, Dir: "data", Name: "orders", SegmentBytes: 8_000}, func(_ uint64, p []byte) error {
		replayed[string(p)] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := check(before, gone, replayed); err != nil {
		return nil, err
	}
	w.begin(replayed)
	ctx, cancel := context.WithCancel(context.Background())
	var load sync.WaitGroup
	for i := range 4 {
		own := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		load.Go(func() {
			for ctx.Err() == nil {
				w.append(ctx, j, own)
			}
		})
	}
	load.Go(func() {
		own := rand.New(rand.NewPCG(random.Uint64(), 9))
		for ctx.Err() == nil {
			w.rewrite(ctx, j, own)
		}
	})
	<-crashed
	cancel()
	load.Wait()
	_ = j.Close()
	w.acked, w.dropped = acked, dropped
	return after, nil
}

func check(acked, dropped, replayed map[string]bool) error {
	for p := range acked {
		if !replayed[p] {
			return fmt.Errorf("%s was acknowledged and is lost", p)
		}
	}
	for p := range dropped {
		if replayed[p] {
			return fmt.Errorf("%s was dropped and has come back", p)
		}
	}
	return nil
}

// begin makes what was replayed the state: it has to be on disk by now.
func (w *world) begin(replayed map[string]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.acked = replayed, maps.Clone(replayed)
	maps.DeleteFunc(w.dropped, func(p string, _ bool) bool {
		return len(w.dropped) > 2000 && p < fmt.Sprintf(`{"id":%08d`, w.next-2000)
	})
}

func (w *world) append(ctx context.Context, j *journal.Journal, random *rand.Rand) {
	w.mu.Lock()
	batch := make([]string, 1+random.IntN(3))
	for i := range batch {
		w.next++
		batch[i] = fmt.Sprintf(`{"id":%08d,"pad":"%0*d"}`, w.next, 1+random.IntN(700), 0)
		w.state[batch[i]] = true
	}
	w.mu.Unlock()
	if j.Append(bytesOf(batch)...).Wait(ctx) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks++
	for _, p := range batch {
		if w.state[p] {
			w.acked[p] = true
		}
	}
}

// rewrite drops some records. While it runs nobody may say that they're there or
// that they are not.
func (w *world) rewrite(ctx context.Context, j *journal.Journal, random *rand.Rand) {
	for range random.IntN(8) { // so that not every write is a Rewrite
		w.append(ctx, j, random)
	}
	w.mu.Lock()
	var dropping []string
	for p := range w.acked {
		if random.IntN(2) == 0 || len(w.acked) > 30 {
			dropping = append(dropping, p)
			delete(w.acked, p)
			delete(w.state, p)
		}
	}
	w.mu.Unlock()
	err := j.Rewrite(ctx, func(yield func([]byte) bool) {
		w.mu.Lock()
		live := slices.Collect(maps.Keys(w.state))
		w.mu.Unlock()
		for _, p := range live {
			if !yield([]byte(p)) {
				return
			}
		}
	})
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drops++
	for _, p := range dropping {
		w.dropped[p] = true
	}
}

func TestCrashesLoseNothingAcknowledged(t *testing.T) {
	t.Parallel()
	n := 1000
	if testing.Short() {
		n = 100
	}
	if err := crashes(n, 1, func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// The test above has to notice what it is there for.
func TestCrashesAreNoticed(t *testing.T) {
	t.Parallel()
	for name, skipped := range map[string]string{"files not fsynced": "fsync", "folder not fsynced": "fsync dir"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := crashes(100, 1, func(op string) error {
				if op == skipped {
					return errSkip
				}
				return nil
			})
			if err == nil {
				t.Fatal("100 crashes went by unnoticed")
			}
			t.Log(err)
		})
	}
}
