//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd/sessions"
)

// crashing runs a store on a file system that crashes: what was not synced is
// gone, or some of it is.
type crashing struct {
	crashes int
	seed    uint64
	// kept is how many percent of what was not synced outlast a crash; below 0 it is
	// different each time. At 100 only the process dies, as by kill -9.
	kept int
	// spoil puts a bug into the file system or before the store, for controls.
	spoilDisk  func(*disk)
	spoilStore func(crashStore) crashStore
}

func crashFlags(flags *flag.FlagSet) action {
	c := &crashing{kept: -1}
	flags.IntVar(&c.crashes, "crashes", 100, "how many crashes")
	flags.Uint64Var(&c.seed, "seed", 1, "of the moments of the crashes")
	return func(ctx context.Context, out io.Writer) error {
		w, err := c.run(ctx)
		if w != nil {
			fmt.Fprintf(out, "%d crashes: %d orders acknowledged, %d lifted, %d ledgers written anew, %d sessions written and %d found again\n",
				w.crashes, w.acks, w.lifts, w.rewrites, w.updates, w.found)
		}
		if err == nil {
			err = w.counts()
		}
		return err
	}
}

// crashesOfAFolder is when another one is begun with: the ledger keeps each lift.
const crashesOfAFolder = 10

// crashWorkers do things to the store at once; one more sweeps it.
const crashWorkers = 6

// run gives the world as it is after the last crash, or the first wrong thing in
// it.
func (c *crashing) run(ctx context.Context) (*world, error) {
	random := rand.New(rand.NewPCG(c.seed, 3))
	w := &world{}
	var mem *vfs.MemFS
	for ; w.crashes < c.crashes && ctx.Err() == nil; w.crashes++ {
		if w.crashes%crashesOfAFolder == 0 {
			w.begin()
			mem = vfs.NewCrashableMem()
		}
		after, err := c.life(ctx, w, mem, random)
		if err != nil {
			return w, fmt.Errorf("crash %d: %w", w.crashes, err)
		}
		mem = after
	}
	return w, ctx.Err()
}

// life opens the store, looks at what is in it, lets workers loose until the file
// system crashes, and gives what is left of that.
func (c *crashing) life(ctx context.Context, w *world, mem *vfs.MemFS, random *rand.Rand) (after *vfs.MemFS, err error) {
	changes := 500
	if random.IntN(3) == 0 {
		changes = 80 // while it is opened
	}
	b := &bomb{mem: mem, world: w, left: 1 + random.IntN(changes), gone: make(chan struct{}), config: c.config(random)}
	fs := &disk{FS: mem, before: b.tick}
	if c.spoilDisk != nil {
		c.spoilDisk(fs)
	}
	// Some sessions don't fit, so that they're written when others come.
	s, err := sessions.New(sessions.Options{FS: fs, Dir: "data", ReadDeadline: time.Minute, MaxSessions: crashSessions / 2, EpochRetention: forEver})
	if err != nil {
		return nil, fmt.Errorf("the store doesn't open: %w", err)
	}
	store := crashStore(s)
	if c.spoilStore != nil {
		store = c.spoilStore(s)
	}
	if err := w.examine(store); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for i := range crashWorkers {
		own := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		all.Go(func() {
			for ctx.Err() == nil {
				w.act(ctx, store, own)
			}
		})
	}
	// An order that nobody was told of may be there by half if the ledger was being
	// written anew when it was given.
	if w.sweeping = random.IntN(2) == 0; w.sweeping {
		all.Go(func() {
			for ctx.Err() == nil {
				w.sweep(ctx, store)
			}
		})
	}
	select {
	case <-b.gone:
	case <-ctx.Done():
	}
	cancel()
	all.Wait()
	if err := s.Close(); err != nil {
		return nil, err
	}
	b.fire() // if ctx has ended
	w.fall(b.known)
	return b.after, nil
}

func (c *crashing) config(random *rand.Rand) vfs.CrashCloneCfg {
	kept := c.kept
	if kept < 0 {
		kept = random.IntN(101)
	}
	return vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(random.Uint64(), 1))}
}

// bomb crashes a file system after some changes to it.
type bomb struct {
	mem    *vfs.MemFS
	world  *world
	config vfs.CrashCloneCfg
	gone   chan struct{} // closed with the crash

	mu    sync.Mutex
	left  int
	after *vfs.MemFS
	known *promises // that were made before
}

func (b *bomb) tick(string) {
	b.mu.Lock()
	b.left--
	due := b.left == 0
	b.mu.Unlock()
	if due {
		b.fire()
	}
}

// fire takes first down what was promised: all of that has to be there after the
// crash.
func (b *bomb) fire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.after == nil {
		b.known = b.world.promises()
		b.after = b.mem.CrashClone(b.config)
		close(b.gone)
	}
}
