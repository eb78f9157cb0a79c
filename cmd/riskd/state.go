package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/audit"
	records "github.com/riskd/riskd/journal"
	"github.com/riskd/riskd/leases"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// state is the store of sessions as engine and API get it: what changes anything
// is counted and put on record.
type state struct {
	*sessions.Store
	trail   *auditTrail
	metrics *metrics
	notices *leases.Stream
	failed  func(error) // told of what goes wrong while nobody waits

	mu      sync.Mutex
	expired []audit.Entry // by a sweep, still to be put on record
}

// openState opens the store of sessions.
func openState(c *config, key *riskd.SessionKey, m *metrics, repair bool, failed func(error)) (*state, error) {
	if err := checkKey(c, key); err != nil {
		return nil, err
	}
	s := &state{metrics: m, failed: failed}
	var err error
	if s.trail, err = openAuditTrail(c, key, m, repair, failed); err != nil {
		return nil, err
	}
	o := sessions.Options{
		MaxSessions: c.Memory.MaxSessions, MaxProfiles: c.Memory.MaxProfiles,
		Cells: signals.CellNames(), Repair: repair, ReadDeadline: c.Decision.Deadline,
		Pseudonym: func(tenant, id string) string { return key.Ref("p", tenant, id) },
		Witness:   s.trail.witness,
		Expired:   s.expire,
		Notify:    func(n riskd.Notice) { s.notices.Tell(n) },
	}
	if c.DataDir != "" {
		o.Dir = filepath.Join(c.DataDir, "state")
		_, o.LastNumber = s.trail.log.Last()
	}
	if s.Store, err = sessions.New(o); err != nil {
		return nil, errors.Join(c.source.at("data_dir", "%w", err), s.trail.close())
	}
	if s.notices, err = openNotices(s.Store, m); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	tellOpened(failed, "orders", s.Opened())
	if err := s.catchUp(); err != nil {
		return nil, errors.Join(c.source.at("data_dir", "%w", err), s.Close())
	}
	return s, nil
}

// tellOpened tells what was wrong with a journal that was opened all the same.
func tellOpened(failed func(error), name string, r records.Report) {
	if r.Torn.Bytes > 0 {
		failed(fmt.Errorf("journal of %s: a crash left %d bytes at the end of %s that nobody was told of; they are dropped", name, r.Torn.Bytes, r.Torn.File))
	}
	for _, d := range r.Lost {
		failed(fmt.Errorf("journal of %s: repaired: %s: %s", name, d.Place(), d.What()))
	}
}

// catchUp puts on record the orders that were on disk when riskd ended, but not
// yet on record: nobody had been told of them.
func (s *state) catchUp() error {
	if s.trail.log == nil {
		return nil
	}
	_, last := s.trail.log.Last()
	var missing []audit.Entry
	for before := uint64(0); ; {
		page := s.Orders(before, sessions.MaxPage)
		for i := range page {
			if page[i].Number > last {
				e := s.trail.order(&page[i])
				e.Change = "recovered"
				missing = append(missing, e)
			}
		}
		if len(page) < sessions.MaxPage || page[len(page)-1].Number <= last {
			break
		}
		before = page[len(page)-1].Number
	}
	slices.Reverse(missing) // oldest first
	for batch := range slices.Chunk(missing, sessions.MaxPage) {
		if err := s.trail.must(context.Background(), batch...); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of the folder.
func (s *state) Close() error { return errors.Join(s.Store.Close(), s.trail.close()) }

// keyCheck is the file by which a data folder knows the key that it belongs to:
// under another one nothing in it would be found, no revocation either.
const keyCheck = "session-key-check"

func checkKey(c *config, key *riskd.SessionKey) error {
	if c.DataDir == "" {
		return nil
	}
	file, want := filepath.Join(c.DataDir, keyCheck), key.Ref("k", "", keyCheck)+"\n"
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return c.source.at("data_dir", "%w", err)
	}
	have, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			return c.source.at("data_dir", "%w", err)
		}
	case err != nil:
		return c.source.at("data_dir", "%w", err)
	case string(have) != want:
		return c.source.at("session_key_file", "%s is not the key that %s was written with: revocations in there would be lost", c.SessionKeyFile, c.DataDir)
	}
	return nil
}

// Impose puts orders in force as the store does.
func (s *state) Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	done, err := s.Store.Impose(ctx, key, orders...)
	for i := range done.Epochs {
		e := &done.Epochs[i]
		s.metrics.orders.WithLabelValues(e.Effect.String(), e.Target.Kind.String()).Inc()
	}
	return done, err
}

// Lift undoes an order, once that is on record.
func (s *state) Lift(ctx context.Context, number uint64, at time.Time, reason, actor string) (riskd.Epoch, error) {
	e, ok := s.Order(number)
	if !ok {
		return riskd.Epoch{}, riskd.ErrUnknownEpoch
	}
	if s.trail.log != nil {
		if err := s.trail.must(ctx, s.trail.log.Lifted(&e, at, reason, actor)); err != nil {
			return riskd.Epoch{}, fmt.Errorf("nothing was undone: %s", err)
		}
	}
	return s.Store.Lift(ctx, number)
}

// Erase forgets a user, and puts on record that somebody was erased.
func (s *state) Erase(ctx context.Context, tenant, user string, at time.Time, actor string) (int, error) {
	ended, err := s.Store.Erase(ctx, tenant, user, at, actor)
	if s.trail.log == nil {
		return ended, err
	}
	in := audit.Entry{At: at, Act: audit.Erase, Actor: actor, Tenant: tenant, User: s.trail.log.User(tenant, user), Matched: &ended}
	return ended, errors.Join(err, s.trail.must(ctx, in))
}

// Extend begins a session's idle clock anew, and puts it on record.
func (s *state) Extend(id riskd.SessionID, now time.Time, actor string) (riskd.Session, error) {
	in, err := s.Store.Extend(id, now)
	if err == nil && s.trail.log != nil {
		s.trail.note(context.Background(), s.trail.session(&in, audit.Extended, actor, now))
	}
	return in, err
}

// expire takes note of a session that a sweep has ended. It holds that up, so the
// record comes later.
func (s *state) expire(in *riskd.Session) {
	s.metrics.expired.Inc()
	if s.trail.log != nil {
		s.mu.Lock()
		s.expired = append(s.expired, s.trail.session(in, audit.Expired, "riskd", time.Now()))
		s.mu.Unlock()
	}
}

// record puts on record which sessions a sweep has ended.
func (s *state) record(ctx context.Context) {
	s.mu.Lock()
	entries := s.expired
	s.expired = nil
	s.mu.Unlock()
	for batch := range slices.Chunk(entries, sessions.MaxPage) {
		s.trail.note(ctx, batch...)
	}
}

// How often sessions are looked at whose time may be up, and orders that may have
// been in force for long enough. Neither waits for it: a session that is asked
// about is over at once.
const (
	sweepEvery        = time.Minute
	sweepArchiveEvery = 10 * time.Minute
)

// sweep marks what has expired and lets old orders go, until ctx ends.
func (s *state) sweep(ctx context.Context) {
	tick, slow := time.NewTicker(sweepEvery), time.NewTicker(sweepArchiveEvery)
	defer tick.Stop()
	defer slow.Stop()
	for {
		select {
		case now := <-tick.C:
			_, err := s.Store.Sweep(ctx, now)
			s.Expire(now)
			s.swept(ctx, err)
		case now := <-slow.C:
			_, _, err := s.SweepArchive(now)
			s.swept(ctx, err)
		case <-ctx.Done():
			return
		}
	}
}

func (s *state) swept(ctx context.Context, err error) {
	if err = errors.Join(err, s.trail.mend(ctx)); err != nil {
		s.failed(err)
	}
	s.record(ctx)
}

// faults are what is wrong with the folder.
func (s *state) faults() (all []string) {
	for _, e := range flatten(errors.Join(s.Fault(), s.trail.fault())) {
		all = append(all, strings.TrimSpace(fmt.Sprint(e)))
	}
	return all
}
