package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// packSource is where a pack comes from: riskd itself, or a folder.
type packSource struct {
	name   string
	folder string // "" for one that riskd brings along
}

func newPackSource(pack string) (packSource, error) {
	if _, ok := policies.Shipped(pack); ok {
		return packSource{name: pack}, nil
	}
	folder, err := filepath.Abs(pack)
	if err != nil {
		return packSource{}, err
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return packSource{}, fmt.Errorf("%s is no folder; a pack is one with policy.rego and tuning.json, and those inside riskd are called %s", pack, strings.Join(policies.ShippedNames(), ", "))
	}
	return packSource{filepath.Base(folder), folder}, nil
}

// compile reads the pack, under other tuning where an overlay is given. The
// error names every fault of the pack with its place.
func (s packSource) compile(overlay []byte) (*policies.Pack, error) {
	o := policies.Options{Signals: signals.Descriptions(), Overlay: overlay}
	if pack, ok := policies.Shipped(s.name); ok && s.folder == "" {
		return policies.Compile(s.name, pack, o)
	}
	return policies.LoadDir(s.folder, o)
}

// fingerprint is a hash over the files of the folder: content says more than
// dates. A file that can't be read counts as one that isn't there.
func (s packSource) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	entries, _ := os.ReadDir(s.folder)
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".rego" && ext != ".json" {
			continue
		}
		if data, err := os.ReadFile(filepath.Join(s.folder, e.Name())); err == nil {
			content := sha256.Sum256(data)
			fmt.Fprintf(h, "%q %x\n", e.Name(), content)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// packKeeper holds the pack in force and keeps it like its folder: a pack that
// has changed is compiled aside and then swapped in, one that doesn't compile
// leaves the one before where it is.
type packKeeper struct {
	source packSource
	set    *policies.Set
	log    *slog.Logger
	loaded func(*riskd.Pack) // told of each pack that comes into force
	failed func()            // told of each that doesn't
	// admit says why a pack doesn't come into force, "" if it does. Optional.
	admit func(next *policies.Pack) (held string)

	fault atomic.Pointer[error] // why the pack on disk isn't the one in force

	mu   sync.Mutex // one reload at a time
	seen [sha256.Size]byte
}

// newPackKeeper loads the pack for the first time, which has to work out.
func newPackKeeper(source packSource, log *slog.Logger, loaded func(*riskd.Pack), failed func()) (*packKeeper, error) {
	k := &packKeeper{source: source, log: log, loaded: loaded, failed: failed, seen: source.fingerprint()}
	first, err := source.compile(nil)
	if err != nil {
		return nil, err
	}
	k.set = policies.NewSet(first)
	loaded(first.Info())
	return k, nil
}

// watch looks at the folder every so often, until ctx ends.
func (k *packKeeper) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.reload(false)
		case <-ctx.Done():
			return
		}
	}
}

// reload puts the pack on disk in force if it compiles; one that hasn't changed
// only if it is asked for again.
func (k *packKeeper) reload(again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.source.fingerprint()
	if k.source.folder == "" || now == k.seen && !again {
		return
	}
	k.seen = now
	next, err := k.source.compile(nil)
	if err != nil {
		k.fail(err)
		return
	}
	if k.admit != nil {
		if held := k.admit(next); held != "" {
			k.fault.Store(nil) // it's no fault of the pack's that can be seen from here
			k.log.Warn("policy pack not in force", "pack", k.source.name, "revision", next.Info().Revision, "reason", held)
			return
		}
	}
	k.set.Swap(next)
	k.fault.Store(nil)
	k.loaded(next.Info())
	k.log.Info("policy pack loaded", "pack", k.source.name, "revision", next.Info().Revision)
}

func (k *packKeeper) fail(err error) {
	k.fault.Store(&err)
	k.failed()
	revision := k.set.Current().Info().Revision
	for _, e := range flatten(err) {
		k.log.Error("policy pack not loaded; the one before stays in force", "in_force", revision, "error", e.Error())
	}
}
