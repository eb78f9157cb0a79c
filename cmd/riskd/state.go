package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// state is the store of sessions as engine and API get it: what changes anything
// is counted.
type state struct {
	*sessions.Store
	metrics *metrics
	failed  func(error) // told of what goes wrong while nobody waits
}

// openState opens the store of sessions.
func openState(c *config, key *riskd.SessionKey, m *metrics, repair bool, failed func(error)) (*state, error) {
	s := &state{metrics: m, failed: failed}
	if err := checkKey(c, key); err != nil {
		return nil, err
	}
	o := sessions.Options{
		MaxSessions: c.Memory.MaxSessions, MaxProfiles: c.Memory.MaxProfiles,
		Cells: signals.CellNames(), Repair: repair,
		Pseudonym: func(tenant, id string) string { return key.Ref("p", tenant, id) },
	}
	if c.DataDir != "" {
		o.Dir = filepath.Join(c.DataDir, "state")
	}
	var err error
	if s.Store, err = sessions.New(o); err != nil {
		return nil, c.source.at("data_dir", "%w", err)
	}
	return s, nil
}

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

// Lift undoes an order.
func (s *state) Lift(ctx context.Context, number uint64, _ time.Time, _, _ string) (riskd.Epoch, error) {
	return s.Store.Lift(ctx, number)
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
			if _, err := s.Store.Sweep(ctx, now); err != nil {
				s.failed(err)
			}
			s.metrics.expired.Add(float64(s.Expire(now)))
		case now := <-slow.C:
			expired, _, err := s.SweepArchive(now)
			if err != nil {
				s.failed(err)
			}
			s.metrics.expired.Add(float64(expired))
		case <-ctx.Done():
			return
		}
	}
}

// faults are what is wrong with the folder.
func (s *state) faults() (all []string) {
	for _, e := range flatten(s.Fault()) {
		all = append(all, strings.TrimSpace(fmt.Sprint(e)))
	}
	return all
}
