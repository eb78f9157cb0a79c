package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/bundle"
	"github.com/riskd/riskd/scoring"
)

// packKeeper holds the pack in force and keeps it like its source: a candidate is
// compiled aside, checked, and then swapped in; one that is no good leaves the one
// before where it is.
type packKeeper struct {
	packOptions
	set     *policies.Set
	history *bundle.History
	fault   atomic.Pointer[error] // why the source's pack isn't the one in force
	silent  atomic.Pointer[error] // why the source can't be asked
	view    atomic.Pointer[packView]

	mu   sync.Mutex // one candidate at a time
	seen [sha256.Size]byte
	etag string
	held *heldPack
}

// packOptions are what a keeper is made of.
type packOptions struct {
	source packSource
	log    *slog.Logger
	now    func() time.Time
	// dir is where the last good bundle is kept, and which ones were in force; ""
	// is nowhere.
	dir string
	// checks all pass before a swap: tests, scenarios, cost. Together with the
	// compiler they get patience; a check that goes on after its context has ended
	// is left behind.
	checks   []packCheck
	patience time.Duration
	// admit is the brake: it says why a pack isn't to come into force yet, or "".
	admit func(next *policies.Pack) (held string)
	// tell hears of each pack that comes into force, or doesn't.
	tell func(packNews)
}

// packCheck finds out whether a pack that compiles is any good.
type packCheck = func(ctx context.Context, next *policies.Pack, files fs.FS) error

// packChecks are those that every pack has to pass. A rule may take a twentieth of
// the time that a decision gets by default, and all of them a quarter: `riskd
// policy check` is stricter, as it has the machine to itself.
var packChecks = []packCheck{
	passTests, passScenarios,
	passBudget(scoring.DefaultDeadline/20, scoring.DefaultDeadline/4),
}

// packNews is what became of a pack.
type packNews struct {
	change  packChange
	pack    *riskd.Pack // in force now
	source  *packSource
	bundle  *bundle.Bundle // of the pack that the news is of; nil if it is none
	because string         // it was refused or held
}

type packChange string

const (
	packInForce packChange = "in_force"
	packRefused packChange = "refused"
	packHeld    packChange = "held"
)

const (
	defaultPatience = 30 * time.Second
	policyFolder    = "policy"
	keptBundle      = "bundle.tar.gz"
	historyFile     = "history.json"
)

// newPackKeeper loads the pack for the first time, which has to work out: from the
// source, or else from what was kept of it.
func newPackKeeper(ctx context.Context, o packOptions) (*packKeeper, error) {
	k := &packKeeper{packOptions: o}
	if k.now == nil {
		k.now = time.Now
	}
	if k.patience == 0 {
		k.patience = defaultPatience
	}
	if k.source.verify != nil {
		file := ""
		if k.dir != "" {
			file = filepath.Join(k.dir, historyFile)
		}
		var err error
		if k.history, err = bundle.OpenHistory(file); err != nil {
			return nil, fmt.Errorf("pack %s: %w", k.source.name, err)
		}
	}
	first, err := k.first(ctx)
	if err != nil {
		return nil, err
	}
	k.set = policies.NewSet(first.pack)
	k.enforce(first, nil)
	if fault := k.fault.Load(); fault != nil { // it began with what was kept
		k.fail(nil, *fault)
	}
	return k, nil
}

// proven is a candidate that nothing is wrong with.
type proven struct {
	*candidate
	pack  *policies.Pack
	tests tally
}

func (k *packKeeper) first(ctx context.Context) (*proven, error) {
	c, err := k.ask(ctx)
	k.seen = markOf(c, err)
	if err == nil {
		var p *proven
		if p, err = k.prove(c); err == nil {
			return p, nil
		}
	}
	kept, worse := k.kept()
	if errors.Is(worse, fs.ErrNotExist) {
		return nil, err
	}
	var p *proven
	if worse == nil {
		p, worse = k.prove(kept)
	}
	if worse != nil {
		return nil, errors.Join(err, fmt.Errorf("what was kept of it: %w", worse))
	}
	k.note(err)
	return p, nil
}

// startLimit is how long a server may take for the first pack.
const startLimit = 15 * time.Second

// ask gets the pack anew, whichever was there before.
func (k *packKeeper) ask(ctx context.Context) (*candidate, error) {
	if k.source.remote == nil {
		return k.source.read()
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c, a, err := k.source.fetch(ctx, "")
	if a != nil {
		k.etag = a.ETag
	}
	return c, err
}

// kept gives the last good bundle of a server, or fs.ErrNotExist. It is verified
// again.
func (k *packKeeper) kept() (*candidate, error) {
	if k.dir == "" || k.source.remote == nil {
		return nil, fs.ErrNotExist
	}
	raw, err := readBounded(filepath.Join(k.dir, keptBundle), bundle.MaxCompressed+1)
	if err != nil {
		return nil, err
	}
	c, err := k.source.unpack(raw)
	if err == nil {
		c.kept = true
	}
	return c, err
}

// prove finds out whether a candidate is any good. It takes as long as patience,
// whatever is in the pack, and a panic is a fault of the pack.
func (k *packKeeper) prove(c *candidate) (*proven, error) {
	if c.bundle != nil && k.history != nil {
		if err := k.history.Check(c.bundle, k.now()); err != nil {
			return nil, fmt.Errorf("pack %s: %w", c.name, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), k.patience)
	defer cancel()
	p := &proven{candidate: c}
	ctx = p.tests.listen(ctx)
	checks := k.checks
	if c.trusted {
		checks = nil // riskd's own tests have done all that
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("pack %s: panicked while it was checked: %v", c.name, r)
			}
		}()
		done <- p.check(ctx, checks)
	}()
	select {
	case err := <-done:
		return p, err
	case <-ctx.Done():
		return nil, fmt.Errorf("pack %s: took longer than %s to compile and check", c.name, k.patience)
	}
}

func (p *proven) check(ctx context.Context, checks []packCheck) error {
	next, err := p.compile(nil)
	if err != nil {
		return err
	}
	files, err := p.fs()
	if err != nil {
		return err
	}
	for _, check := range checks {
		if err := check(ctx, next, files); err != nil {
			return err
		}
	}
	p.pack = next
	return ctx.Err()
}

// reload puts the source's pack in force if it is any good; one that hasn't
// changed only if it is asked for again.
func (k *packKeeper) reload(ctx context.Context, again bool) {
	if k.source.kind() == "shipped" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.ask(ctx)
	k.take(c, err, again)
}

// take is told what the source gave; k.mu is held.
func (k *packKeeper) take(c *candidate, err error, again bool) {
	if errors.As(err, new(*unreachable)) {
		k.lose(err)
		return
	}
	k.silent.Store(nil)
	mark := markOf(c, err)
	if mark == k.seen && !again {
		return
	}
	k.seen = mark
	var p *proven
	if err == nil {
		p, err = k.prove(c)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	if k.admit != nil {
		if because := k.admit(p.pack); because != "" {
			k.hold(p, because)
			return
		}
	}
	k.enforce(p, k.set.Current())
}

// markOf tells what a source gave from what it gave before; a fault counts too.
func markOf(c *candidate, err error) [sha256.Size]byte {
	if err != nil {
		return sha256.Sum256([]byte(err.Error()))
	}
	return c.mark
}

// enforce puts a pack in force; k.mu is held, or k is new.
func (k *packKeeper) enforce(p *proven, before *policies.Pack) {
	info := p.pack.Info()
	if before != nil {
		info.Since = before.Info().Since
		if info.Revision != before.Info().Revision {
			info.Since = k.now()
		}
		p.pack.Warm()
	}
	k.remember(p)
	k.set.Swap(p.pack)
	if before != nil {
		k.fault.Store(nil)
		k.held = nil
	}
	k.show(p)
	k.tell(packNews{change: packInForce, pack: info, source: &k.source, bundle: p.bundle})
	if before != nil {
		k.log.Info("policy pack loaded", "pack", info.Name, "revision", info.Revision)
	}
}

// remember keeps what a restart needs. That it can't is no reason to go on under
// the old pack.
func (k *packKeeper) remember(p *proven) {
	var faults []error
	if p.bundle != nil && k.history != nil {
		faults = append(faults, k.history.Accept(p.bundle))
	}
	if k.dir != "" && k.source.remote != nil && !p.kept {
		faults = append(faults, bundle.Save(filepath.Join(k.dir, keptBundle), p.raw))
	}
	for _, err := range flatten(errors.Join(faults...)) {
		k.log.Error("policy pack not kept; a restart may begin with the one before", "error", err.Error())
	}
}

// note keeps why the source's pack isn't in force, or can't be had.
func (k *packKeeper) note(err error) {
	if errors.As(err, new(*unreachable)) {
		k.lose(err)
		return
	}
	k.fault.Store(&err)
}

// lose is told that the source can't be asked; it says so once.
func (k *packKeeper) lose(err error) {
	if was := k.silent.Swap(&err); was == nil || (*was).Error() != err.Error() {
		k.log.Warn("policy pack not fetched; the one before stays in force", "error", err.Error())
	}
}

func (k *packKeeper) fail(c *candidate, err error) {
	k.fault.Store(&err)
	k.showFault(err)
	now := k.set.Current().Info()
	news := packNews{change: packRefused, pack: now, source: &k.source, because: err.Error()}
	if c != nil {
		news.bundle = c.bundle
	}
	k.tell(news)
	for _, e := range flatten(err) {
		k.log.Error("policy pack not loaded; the one before stays in force", "in_force", now.Revision, "error", e.Error())
	}
}
