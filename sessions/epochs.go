package sessions

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// epochs are the revocations in force: exact, and apart from everything that
// may be forgotten.
type epochs struct {
	sessions                register[riskd.SessionID]
	devices, users, tenants register[subject]
	number                  atomic.Uint64 // of the latest revocation
}

func (x *epochs) init() {
	seed := maphash.MakeSeed()
	x.sessions.seed, x.devices.seed, x.users.seed, x.tenants.seed = seed, seed, seed, seed
}

func (x *epochs) count() int {
	return int(x.sessions.count.Load() + x.devices.count.Load() + x.users.count.Load() + x.tenants.count.Load())
}

// raise takes a revocation in and gives the epoch in force afterwards.
func (x *epochs) raise(e riskd.Epoch) riskd.Epoch {
	t := e.Target
	switch t.Kind {
	case riskd.TargetSession:
		return x.sessions.raise(t.Session, e, &x.number)
	case riskd.TargetDevice:
		return x.devices.raise(subject{t.Tenant, t.ID}, e, &x.number)
	case riskd.TargetUser:
		return x.users.raise(subject{t.Tenant, t.ID}, e, &x.number)
	default:
		return x.tenants.raise(subject{tenant: t.Tenant}, e, &x.number)
	}
}

// each visits all revocations, in no order.
func (x *epochs) each(visit func(*riskd.Epoch)) {
	x.sessions.each(visit)
	x.devices.each(visit)
	x.users.each(visit)
	x.tenants.each(visit)
}

func (x *epochs) sweep(now time.Time, retention time.Duration) int {
	return x.sessions.sweep(now, retention) + x.devices.sweep(now, retention) +
		x.users.sweep(now, retention) + x.tenants.sweep(now, retention)
}

// claim is everything about an event or a session by which it may be revoked;
// what isn't known is zero.
type claim struct {
	ids            [4]riskd.SessionID
	start          time.Time
	tenant         string
	devices, users [3]string
}

// against finds the epoch that ends whatever makes the claim. By its id a
// session is over whenever it began, by anything else if it began before the
// epoch. An unknown start is the zero time, and so before every epoch.
func (x *epochs) against(c *claim) (riskd.Epoch, bool) {
	for _, id := range c.ids {
		if r := x.sessions.get(id); r != nil {
			return r.Epoch, true
		}
	}
	r := c.among(&x.devices, c.devices)
	if r == nil {
		r = c.among(&x.users, c.users)
	}
	if r == nil {
		r = c.began(x.tenants.get(subject{tenant: c.tenant}))
	}
	if r == nil {
		return riskd.Epoch{}, false
	}
	return r.Epoch, true
}

func (c *claim) among(in *register[subject], ids [3]string) *record {
	for i, id := range ids {
		if id == "" || i > 0 && id == ids[0] {
			continue
		}
		if r := c.began(in.get(subject{c.tenant, id})); r != nil {
			return r
		}
	}
	return nil
}

// began gives the record if the claim's start is before it.
func (c *claim) began(r *record) *record {
	if r != nil && c.start.Before(r.At) {
		return r
	}
	return nil
}
