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
	*p = riskd.Profile{Tenant: key.tenant, User: key.id}
	if r := s.findProfile(key); r != nil {
		r.home.Lock()
		r.seen = max(r.seen, now.UnixMilli())
		*p = r.value
		r.pins--
		r.home.Unlock()
	}
	s.void(p, e.Device.ID)
}

// findProfile gives a user's profile, pinned, nil if nothing is known of him.
func (s *Store) findProfile(key subject) *row[subject, riskd.Profile] {
	if !s.archived() {
		return s.profiles.pin(key)
	}
	for {
		r, l := s.profiles.seek(key)
		if r != nil {
			return r
		}
		in := &row[subject, riskd.Profile]{key: key}
		found, err := s.archive.profile(key, &in.value)
		if err != nil || !found {
			s.profiles.abandon(key, l)
			s.unreadable(err)
			return nil
		}
		in.seen = in.value.LastAt.UnixMilli()
		if r, _ = s.profiles.add(in, clean, l); r != nil {
			return r
		}
	}
}

// learn lets a user's profile take a lesson. The profile is locked only
// for as long as that takes, so that a user's sessions don't wait for each other.
func (s *Store) learn(e *riskd.Event, in *riskd.Session, lesson *riskd.Lesson, now time.Time) {
	key := subject{e.Tenant, e.User.ID}
	if key.id == "" {
		key.id = in.User
	}
	if key.id == "" {
		return
	}
	r := s.findProfile(key)
	if r == nil {
		fresh := &row[subject, riskd.Profile]{key: key, value: riskd.Profile{Tenant: key.tenant, User: key.id}}
		r, _ = s.profiles.add(fresh, clean, nil)
	}
	r.home.Lock()
	s.void(&r.value, e.Device.ID)
	r.value.Take(lesson, e, now)
	if lesson.Learn && e.User.ID != "" {
		r.value.Learn(lesson, e, in.Agent, now, !in.Learned)
		in.Learned = true
	}
	r.home.settle(r, now.UnixMilli(), clean)
	s.profiles.touch(r)
	r.home.Unlock()
	if lesson.Arrival && e.User.ID != "" {
		s.crowd.count(e, in.Agent, now, lesson.Learn)
	}
}

// Tell remembers an identity event in its user's profile, so that it can be seen
// in the decisions that follow.
func (s *Store) Tell(e *riskd.IdentityEvent, at time.Time) {
	if e.User == "" {
		return
	}
	key := subject{e.Tenant, e.User}
	r := s.findProfile(key)
	if r == nil {
		fresh := &row[subject, riskd.Profile]{key: key, value: riskd.Profile{Tenant: key.tenant, User: key.id}}
		r, _ = s.profiles.add(fresh, clean, nil)
	}
	r.home.Lock()
	r.value.Tell(e.Type, at)
	r.home.settle(r, at.UnixMilli(), clean)
	s.profiles.touch(r)
	r.home.Unlock()
}
