package sessions

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// epochs are the orders of one effect that are in force: exact, and apart from
// everything that may be forgotten.
type epochs struct {
	sessions                register[riskd.SessionID]
	devices, users, tenants register[subject]
}

func (x *epochs) init() {
	seed := maphash.MakeSeed()
	x.sessions.seed, x.devices.seed, x.users.seed, x.tenants.seed = seed, seed, seed, seed
}

func (x *epochs) count() int {
	return int(x.sessions.count.Load() + x.devices.count.Load() + x.users.count.Load() + x.tenants.count.Load())
}

// raise takes an order in and gives the epoch in force afterwards. A number of 0
// is the next one.
func (x *epochs) raise(e riskd.Epoch, number *atomic.Uint64) riskd.Epoch {
	t := e.Target
	switch t.Kind {
	case riskd.TargetSession:
		return x.sessions.raise(t.Session, e, number)
	case riskd.TargetDevice:
		return x.devices.raise(subject{t.Tenant, t.ID}, e, number)
	case riskd.TargetUser:
		return x.users.raise(subject{t.Tenant, t.ID}, e, number)
	default:
		return x.tenants.raise(subject{tenant: t.Tenant}, e, number)
	}
}

// drop takes an order out, with all that it has been inherited by.
func (x *epochs) drop(number uint64) (dropped *riskd.Epoch) {
	for _, e := range []*riskd.Epoch{
		x.sessions.drop(number), x.devices.drop(number), x.users.drop(number), x.tenants.drop(number),
	} {
		if e != nil {
			dropped = e
		}
	}
	return dropped
}

// each visits all orders, in no order.
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

// claim is everything about an event or a session by which an order may meet it;
// what isn't known is zero. The second half of devices and users are the
// pseudonyms of the first, where any subject has been erased.
type claim struct {
	ids            [4]riskd.SessionID
	start          time.Time
	tenant         string
	devices, users [6]string
}

// The slots of a claim: each may have an epoch of its own.
const (
	deviceSlots = 4
	userSlots   = deviceSlots + 6
	tenantSlot  = userSlots + 6
	slots       = tenantSlot + 1
)

// at gives the epoch that a slot of the claim has, nil if it has none.
func (x *epochs) at(c *claim, slot int) *record {
	switch {
	case slot < deviceSlots:
		return x.sessions.get(c.ids[slot])
	case slot < userSlots:
		return named(&x.devices, c.tenant, c.devices[slot-deviceSlots])
	case slot < tenantSlot:
		return named(&x.users, c.tenant, c.users[slot-userSlots])
	default:
		return x.tenants.get(subject{tenant: c.tenant})
	}
}

// named finds the epoch of a name, which may be unknown.
func named(r *register[subject], tenant, id string) *record {
	if id == "" {
		return nil
	}
	return r.get(subject{tenant, id})
}

// against finds the epoch that ends whatever makes the claim. By its id a
// session is over whenever it began, by anything else if it began before the
// epoch. An unknown start is the zero time, and so before every epoch.
func (x *epochs) against(c *claim) (riskd.Epoch, bool) { return x.otherAgainst(c, 0) }

// otherAgainst is against for all epochs but the one of a number.
func (x *epochs) otherAgainst(c *claim, number uint64) (riskd.Epoch, bool) {
	for slot := range slots {
		if r := x.at(c, slot); r != nil && r.Number != number && (slot < deviceSlots || c.start.Before(r.At)) {
			return r.Epoch, true
		}
	}
	return riskd.Epoch{}, false
}

// latest finds the latest epoch of all that the claim has, whenever the session
// began.
func (x *epochs) latest(c *claim) (latest *record) {
	for slot := range slots {
		if r := x.at(c, slot); r != nil && (latest == nil || r.At.After(latest.At)) {
			latest = r
		}
	}
	return latest
}
