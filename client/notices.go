package client

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// notices are what the stream has told, in the form in which it is looked up: for
// everything that an order can be over, the number of the last notice about it. A
// lease is good as long as none of those that concern it has a higher number than
// the lease's own, so that it doesn't matter which of the two came in first.
type notices struct {
	applied atomic.Uint64 // up to here all is in the maps
	resets  atomic.Uint64 // numbers from before a reset mean nothing

	mu     sync.RWMutex
	latest bounded[subject, uint64]
	floor  uint64 // what had a number up to this may have been forgotten
	orders bounded[standing, order]
}

// subject is what a notice is about.
type subject struct {
	kind         subjectKind
	tenant, name string
}

type subjectKind uint8

const (
	aSession subjectKind = iota // by its reference
	aUser                       // "" is any
	aDevice                     // "" is any
	aTenant                     // all in it, or some of them that nothing tells from the others
	everybody
)

// standing is an order that holds until it is lifted.
type standing struct {
	effect riskd.Effect
	subject
}

type order struct {
	number uint64
	at     time.Time
}

// keptNotices and keptOrders bound what is remembered; some 150 bytes each.
const (
	keptNotices = 1 << 16
	keptOrders  = 1 << 16
)

func newNotices() *notices {
	n := &notices{}
	n.clear()
	return n
}

func (n *notices) clear() {
	n.latest = newBounded[subject, uint64](keptNotices)
	n.orders = newBounded[standing, order](keptOrders)
	n.floor = 0
}

// reset forgets everything: what has come from another process, or after a gap.
func (n *notices) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clear()
	n.applied.Store(0)
	n.resets.Add(1)
}

// concern notes that a notice is about something. The caller holds mu.
func (n *notices) concern(s subject, number uint64) {
	if forgotten, ok := n.latest.put(s, number); ok {
		n.floor = max(n.floor, forgotten)
	}
}

// overtakes reports whether what was told concerns a session in a way that a
// decision which knows everything up to a number doesn't know.
func (n *notices) overtakes(e *Event, ref string, number uint64) bool {
	if n.applied.Load() <= number {
		return false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	after := func(k subjectKind, tenant, name string) bool {
		return n.latest.m[subject{k, tenant, name}].value > number
	}
	// Of a lease whose event names no user any order over a user may be the one.
	user := after(aUser, e.Tenant, e.User.ID) || e.User.ID == "" && after(aUser, e.Tenant, anybody)
	device := after(aDevice, e.Tenant, e.Device.ID) || e.Device.ID == "" && after(aDevice, e.Tenant, anybody)
	return n.floor > number || user || device || after(aSession, "", ref) || after(aTenant, e.Tenant, "") || after(everybody, "", "")
}

// anybody stands for one of the users or the devices of a tenant; it is longer than
// any name.
var anybody = string(make([]byte, riskd.MaxID+1))

// meets gives the harshest order in force that meets a session, as far as a
// decision which knows everything up to a number doesn't speak against that.
func (n *notices) meets(e *Event, ref string, number uint64) riskd.Outcome {
	n.mu.RLock()
	defer n.mu.RUnlock()
	met := func(effect riskd.Effect) bool {
		for _, s := range [...]subject{{aSession, "", ref}, {aUser, e.Tenant, e.User.ID}, {aDevice, e.Tenant, e.Device.ID}, {aTenant, e.Tenant, ""}} {
			o, ok := n.orders.m[standing{effect, s}]
			if !ok || s.kind != aTenant && s.name == "" || o.value.number <= number {
				continue
			}
			if s.kind == aSession && effect == riskd.EffectRevoke || e.isMeant(effect, o.value.at) {
				return true
			}
		}
		return false
	}
	switch {
	case met(riskd.EffectRevoke):
		return riskd.Revoke
	case e.Request.Class != riskd.ClassOpen && (met(riskd.EffectSuspend) || met(riskd.EffectStepUp)):
		return riskd.StepUpNeeded
	}
	return riskd.Allow
}

// isMeant reports whether an order at that time means the event's session: not if
// that began after a revocation, or if its user has proved himself since he was
// asked to. Of one whose beginning isn't known riskd thinks as of one that is older
// than everything.
func (e *Event) isMeant(effect riskd.Effect, at time.Time) bool {
	switch started := e.Session.StartedAt; effect {
	case riskd.EffectRevoke:
		return started.IsZero() || started.Before(at)
	case riskd.EffectStepUp:
		return at.IsZero() || !e.Session.AuthTime.After(at)
	}
	return true
}

// bounded is a map that lets go of what was put in first.
type bounded[K comparable, V any] struct {
	m     map[K]dated[V]
	queue []K // a ring
	next  int
	limit int
	count uint64
}

type dated[V any] struct {
	value V
	place uint64 // in the order of puts
}

func newBounded[K comparable, V any](limit int) bounded[K, V] {
	return bounded[K, V]{m: map[K]dated[V]{}, limit: limit}
}

// put sets a value, and gives what had to make room.
func (b *bounded[K, V]) put(k K, v V) (forgotten V, ok bool) {
	b.m[k] = dated[V]{v, b.count}
	b.count++
	if len(b.queue) < b.limit {
		b.queue = append(b.queue, k)
		return forgotten, false
	}
	old := b.queue[b.next]
	b.queue[b.next] = k
	b.next = (b.next + 1) % b.limit
	if in, there := b.m[old]; there && in.place == b.count-1-uint64(b.limit) {
		delete(b.m, old)
		return in.value, true
	}
	return forgotten, false
}
