package sessions

import (
	"time"

	"github.com/riskd/riskd"
)

// subject is something that has a name within its tenant: a user or a device;
// without an id it is the tenant itself.
type subject struct{ tenant, id string }

// profile makes p a copy of the profile of the event's user, or of the user
// remembered if the event names none.
func (s *Store) profile(p *riskd.Profile, e *riskd.Event, remembered string, now time.Time) {
	key := subject{e.Tenant, e.User.ID}
	if key.id == "" {
		key.id = remembered
	}
	if key.id == "" {
		*p = riskd.Profile{}
		return
	}
	home := s.profiles.home(key)
	home.Lock()
	defer home.Unlock()
	r := home.rows[key]
	if r == nil {
		*p = riskd.Profile{Tenant: key.tenant, User: key.id}
		return
	}
	r.seen = max(r.seen, now.UnixMilli())
	*p = r.value
}

// learn takes the event into its user's profile. The profile is locked only
// for as long as that takes, so that a user's sessions don't wait for each other.
func (s *Store) learn(e *riskd.Event, in *riskd.Session, now time.Time) {
	if e.User.ID == "" {
		return
	}
	key := subject{e.Tenant, e.User.ID}
	r := s.profiles.pin(key)
	if r == nil {
		r, _ = s.profiles.add(&row[subject, riskd.Profile]{key: key}, clean)
	}
	r.home.Lock()
	r.value.Learn(e, in.Agent, now, !in.Learned)
	r.home.settle(r, now.UnixMilli(), clean)
	r.home.Unlock()
	in.Learned = true
}
