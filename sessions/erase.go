package sessions

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// pseudonymPrefix marks the names of subjects that have been erased.
const pseudonymPrefix = "erased:"

func isPseudonym(id string) bool { return strings.HasPrefix(id, pseudonymPrefix) }

// disguise adds the pseudonyms of the names in a claim, where any subject has
// been erased: orders over those go by them.
func (s *Store) disguise(c *claim) {
	if !s.erased.Load() {
		return
	}
	for _, names := range []*[6]string{&c.devices, &c.users} {
		for i := range 3 {
			if id := names[i]; id != "" && (i == 0 || id != names[0]) {
				names[3+i] = s.pseudonymOf(c.tenant, id)
			}
		}
	}
}

func (s *Store) pseudonymOf(tenant, id string) string {
	return pseudonymPrefix + s.pseudonym(tenant, id)
}

var errNoPseudonym = errors.New("sessions.Options.Pseudonym: is required to erase anything")

// Erase ends a user's sessions, and forgets everything that is known of him and
// of the devices that he used. Orders over him and his sessions stay in force, by
// names that only the owner of the key can tell. When it returns without an error
// no byte of him is left in the folder.
func (s *Store) Erase(ctx context.Context, tenant, user string, at time.Time, actor string) (ended int, err error) {
	if s.pseudonym == nil {
		return 0, errNoPseudonym
	}
	s.erased.Store(true)
	orders := []riskd.Epoch{{
		Target: riskd.Target{Kind: riskd.TargetUser, Tenant: tenant, ID: s.pseudonymOf(tenant, user)},
		At:     at, Reason: erasedReason, Actor: actor,
	}}
	ids, devices := s.belongings(tenant, user)
	for _, id := range ids {
		orders = append(orders, riskd.Epoch{
			Target: riskd.Target{Kind: riskd.TargetSession, Tenant: tenant, Session: id},
			At:     at, Reason: erasedReason, Actor: actor,
		})
	}
	done, err := s.Impose(ctx, "", orders...)
	s.rename(tenant, user, devices)
	err = errors.Join(err, s.forgetSessions(ids), s.forgetProfile(subject{tenant, user}))
	if s.ledger != nil {
		err = errors.Join(err, s.ledger.Rewrite(ctx, s.live(at)))
	}
	if s.archived() {
		err = errors.Join(err, s.archive.compactAway())
	}
	return done.Matched, err
}

const erasedReason = "the user was erased"

// belongings gives a user's sessions and the devices that he used in them.
func (s *Store) belongings(tenant, user string) (ids []riskd.SessionID, devices []string) {
	met := map[string]bool{"": true}
	s.visit(&riskd.Target{Kind: riskd.TargetUser, Tenant: tenant, ID: user}, 0, func(id riskd.SessionID, f *facts, _ *sessionRow) {
		ids = append(ids, id)
		if !met[f.device] {
			met[f.device] = true
			devices = append(devices, f.device)
		}
	})
	return ids, devices
}

// rename lets the orders over a user and his devices go by pseudonyms.
func (s *Store) rename(tenant, user string, devices []string) {
	s.giving.Lock()
	defer s.giving.Unlock()
	for i := range s.orders {
		s.renameIn(&s.orders[i].users, tenant, user)
		for _, d := range devices {
			s.renameIn(&s.orders[i].devices, tenant, d)
		}
	}
}

func (s *Store) renameIn(r *register[subject], tenant, id string) {
	in := r.get(subject{tenant, id})
	if in == nil {
		return
	}
	e := in.Epoch
	e.Target.ID, e.Reason = s.pseudonymOf(tenant, id), erasedReason
	// The pseudonym is in force before the name is not.
	r.raise(subject{tenant, e.Target.ID}, e, &s.number)
	r.remove(subject{tenant, id})
}

// forgetSessions takes sessions out of memory and the archive.
func (s *Store) forgetSessions(ids []riskd.SessionID) error {
	s.writer.sessions.Lock()
	defer s.writer.sessions.Unlock()
	for _, id := range ids {
		s.sessions.discard(id, func(r *sessionRow) { r.value.mu.Lock() }, func(r *sessionRow) { r.value.mu.Unlock() })
	}
	if !s.archived() {
		return nil
	}
	w := s.archive.begin()
	for _, id := range ids {
		in, found, err := s.archive.session(id)
		if err != nil {
			return err
		}
		if found {
			w.forget(id, indexedOf(in))
		}
	}
	return w.commit()
}

func (s *Store) forgetProfile(key subject) error {
	s.writer.profiles.Lock()
	defer s.writer.profiles.Unlock()
	nothing := func(*row[subject, riskd.Profile]) {}
	s.profiles.discard(key, nothing, nothing)
	if !s.archived() {
		return nil
	}
	w := s.archive.begin()
	w.forgetProfile(key)
	return w.commit()
}

// discard takes a row out of the table once nobody works on it. The caller keeps
// it from being written.
func (t *table[K, V]) discard(key K, lock, unlock func(*row[K, V])) {
	for {
		home := t.home(key)
		home.Lock()
		r := home.rows[key]
		home.Unlock()
		if r == nil {
			return
		}
		lock(r)
		home.Lock()
		free := r.pins == 0 && home.rows[key] == r
		if free {
			r.state = discarded
			t.remove(r)
		}
		home.Unlock()
		unlock(r)
		if !free {
			runtime.Gosched()
		}
	}
}
