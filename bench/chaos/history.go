//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/riskd/riskd"
)

// The world of histories. Session i belongs to user i mod linUsers, and that one
// to tenant i mod linTenants; it began i seconds after noon.
const (
	linSessions = 400
	linUsers    = 40
	linTenants  = 4
)

type opKind uint8

const (
	opDecide opKind = iota
	opRevokeSession
	opRevokeUser
	opRevokeTenant
)

// operation is one thing that a client did, and what came of it.
type operation struct {
	kind    opKind
	client  int
	subject int // the session, the user or the tenant
	// before is the order's time in seconds after noon: the sessions that began
	// before are over.
	before  int
	revoked bool // what was decided
	// call and returned are nanoseconds since the history began.
	call, returned int64
}

func (o *operation) epoch() riskd.Epoch {
	e := riskd.Epoch{At: noon.Add(time.Duration(o.before) * time.Second)}
	t := &e.Target
	t.Tenant = tenantOf(o.subject)
	switch o.kind {
	case opRevokeSession:
		t.Kind, t.Session = riskd.TargetSession, sessionOf(o.subject)
	case opRevokeUser:
		t.Kind, t.ID = riskd.TargetUser, userOf(o.subject)
	default:
		t.Kind = riskd.TargetTenant
	}
	return e
}

func (o *operation) String() string {
	switch o.kind {
	case opDecide:
		return fmt.Sprintf("decide: revoke %v", o.revoked)
	case opRevokeSession:
		return "revoke the session"
	case opRevokeUser:
		return fmt.Sprintf("revoke the user's before %d", o.before)
	default:
		return fmt.Sprintf("revoke the tenant's before %d", o.before)
	}
}

func tenantOf(i int) string { return fmt.Sprint("tenant-", i%linTenants) }
func userOf(i int) string   { return fmt.Sprint("user-", i%linUsers) }

func sessionOf(i int) riskd.SessionID {
	id := riskd.SessionID{1}
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

// afternoon is when all of it is done: by then all sessions have begun.
var afternoon = noon.Add(time.Hour)

func linEvent(i int) *riskd.Event {
	return &riskd.Event{
		Tenant: tenantOf(i), User: riskd.User{ID: userOf(i)}, Time: afternoon,
		Session: riskd.EventSession{ID: sessionOf(i), StartedAt: noon.Add(time.Duration(i) * time.Second)},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
	}
}

// history is what clients did.
type history struct {
	began time.Time
	total int // how many operations there will be

	mu  sync.Mutex
	ops []operation
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

func (h *history) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// add takes an operation down that has returned.
func (h *history) add(client int, o operation) {
	o.client, o.returned = client, h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

// partitions gives for each session what concerns it. An order over a user or a
// tenant concerns all of their sessions.
func (h *history) partitions() map[int][]porcupine.Operation {
	parts := map[int][]porcupine.Operation{}
	for i := range h.ops {
		o := &h.ops[i]
		step := linSessions
		switch o.kind {
		case opRevokeUser:
			step = linUsers
		case opRevokeTenant:
			step = linTenants
		}
		for s := o.subject; s < linSessions; s += step {
			parts[s] = append(parts[s], porcupine.Operation{ClientId: o.client, Input: o, Call: o.call, Return: o.returned})
		}
	}
	return parts
}

// standing is what the model knows of a session: whether it was revoked by name,
// and the latest order over its user or its tenant. Those are two registers, but
// each only ever grows, and only the later one counts.
type standing struct {
	revoked bool
	before  int
}

// modelOf is a session as it ought to be: over once it was revoked, or once
// anything was that it belongs to, at a later time than it began.
func modelOf(session int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return standing{before: -linSessions} },
		Step: func(state, input, _ any) (bool, any) {
			s, o := state.(standing), input.(*operation)
			switch o.kind {
			case opDecide:
				return o.revoked == (s.revoked || session < s.before), s
			case opRevokeSession:
				s.revoked = true
			default:
				s.before = max(s.before, o.before)
			}
			return true, s
		},
		DescribeOperation: func(input, _ any) string { return input.(*operation).String() },
		DescribeState: func(state any) string {
			s := state.(standing)
			return fmt.Sprintf("revoked %v, all before %d are; began %d", s.revoked, s.before, session)
		},
	}
}
