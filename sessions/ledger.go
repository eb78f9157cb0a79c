package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/riskd/riskd"
)

// The ledger is the journal of everything that must not be lost once it was
// acknowledged: orders, what has inherited them, orders lifted, and the keys
// under which orders were given. Its records may be read twice and in part:
// taking one in again changes nothing.

// reserve is kept free for revocations when the disk is full: room for some
// 80,000 of them.
const reserve = 16 << 20

// line is one record of the ledger; exactly one of its first five members is set.
type line struct {
	Order   *orderLine `json:"order,omitempty"`
	Inherit *orderLine `json:"inherit,omitempty"` // with the session that it holds for
	Lift    uint64     `json:"lift,omitempty"`
	Key     string     `json:"key,omitempty"`
	Number  uint64     `json:"number,omitempty"` // the highest that was given
	// For is the session that inherits, or the key's time.
	For string    `json:"for,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// orderLine is an epoch.
type orderLine struct {
	Number    uint64         `json:"n"`
	Effect    string         `json:"effect"`
	Kind      string         `json:"target"`
	Tenant    string         `json:"tenant,omitempty"`
	ID        string         `json:"id,omitempty"`
	Session   string         `json:"session,omitempty"`
	Predicate *predicateLine `json:"predicate,omitempty"`
	At        time.Time      `json:"at"`
	Until     time.Time      `json:"until,omitzero"`
	Reason    string         `json:"reason,omitempty"`
	Actor     string         `json:"actor,omitempty"`
	Age       time.Duration  `json:"age,omitempty"` // in force so far
}

type predicateLine struct {
	ASN         uint32       `json:"asn,omitempty"`
	Country     string       `json:"country,omitempty"`
	Network     netip.Prefix `json:"network,omitzero"`
	Role        string       `json:"role,omitempty"`
	UserType    string       `json:"user_type,omitempty"`
	Environment string       `json:"environment,omitempty"`
	Agent       string       `json:"agent,omitempty"`
	From        time.Time    `json:"from,omitzero"`
	To          time.Time    `json:"to,omitzero"`
}

func newOrderLine(e *riskd.Epoch, age time.Duration) *orderLine {
	t := &e.Target
	l := &orderLine{
		Number: e.Number, Effect: e.Effect.String(), Kind: t.Kind.String(), Tenant: t.Tenant, ID: t.ID,
		At: e.At.UTC(), Until: e.Until, Reason: e.Reason, Actor: e.Actor, Age: age,
	}
	if t.Kind == riskd.TargetSession {
		l.Session = t.Session.String()
	}
	if p := t.Predicate; p != nil {
		l.Predicate = &predicateLine{
			ASN: p.ASN, Country: p.Country.String(), Network: p.Network, Role: p.Role, UserType: p.UserType,
			Environment: p.Environment, Agent: p.Agent, From: p.From, To: p.To,
		}
	}
	return l
}

func (l *orderLine) epoch() (e riskd.Epoch, err error) {
	e = riskd.Epoch{
		Target: riskd.Target{Tenant: l.Tenant, ID: l.ID}, At: l.At, Until: l.Until,
		Number: l.Number, Reason: l.Reason, Actor: l.Actor,
	}
	var errs [3]error
	e.Effect, errs[0] = riskd.ParseEffect(l.Effect)
	e.Target.Kind, errs[1] = riskd.ParseTargetKind(l.Kind)
	if l.Session != "" {
		e.Target.Session, errs[2] = riskd.ParseSessionRef(l.Session)
	}
	if p := l.Predicate; p != nil {
		e.Target.Predicate = &riskd.Predicate{
			ASN: p.ASN, Country: riskd.CountryOf(p.Country), Network: p.Network, Role: p.Role, UserType: p.UserType,
			Environment: p.Environment, Agent: p.Agent, From: p.From, To: p.To,
		}
	}
	if err = errors.Join(errs[:]...); err == nil {
		err = e.Validate()
	}
	return e, err
}

func (l *line) bytes() []byte {
	b, err := json.Marshal(l)
	if err != nil { // only times beyond the year 9999 have no form
		panic(fmt.Sprintf("sessions: a record of the ledger can't be written: %v", err))
	}
	return b
}

// restore takes a record of the ledger in.
func (s *Store) restore(_ uint64, payload []byte) error {
	var l line
	if err := json.Unmarshal(payload, &l); err != nil {
		return err
	}
	switch {
	case l.Order != nil:
		e, err := l.Order.epoch()
		if err != nil {
			return err
		}
		s.restoreOrder(&e, l.Order.Age)
	case l.Inherit != nil:
		e, err1 := l.Inherit.epoch()
		id, err2 := riskd.ParseSessionRef(l.For)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		s.seeNumber(e.Number)
		s.orders[e.Effect].sessions.restore(id, &record{Epoch: e, inherited: true, age: l.Inherit.Age})
	case l.Lift != 0:
		s.seeNumber(l.Lift)
		s.drop(l.Lift)
	case l.Number != 0:
		s.seeNumber(l.Number)
	case l.Key != "":
		s.keys.put(l.Key, key{at: l.At})
	default:
		return errors.New("holds nothing that this version of riskd knows")
	}
	return nil
}

func (s *Store) restoreOrder(e *riskd.Epoch, age time.Duration) {
	s.seeNumber(e.Number)
	in := &record{Epoch: *e, age: age}
	x, t := &s.orders[e.Effect], &e.Target
	switch t.Kind {
	case riskd.TargetSession:
		x.sessions.restore(t.Session, in)
	case riskd.TargetDevice:
		x.devices.restore(subject{t.Tenant, t.ID}, in)
	case riskd.TargetUser:
		x.users.restore(subject{t.Tenant, t.ID}, in)
	case riskd.TargetPredicate:
		s.predicates.put(in)
	default:
		x.tenants.restore(subject{tenant: t.Tenant}, in)
	}
	if isPseudonym(t.ID) {
		s.erased.Store(true)
	}
}

func (s *Store) seeNumber(n uint64) {
	if n > s.number.Load() {
		s.number.Store(n)
	}
}

// live gives the records that make up all that is in force. It runs in the
// ledger's own goroutine, and so may wait for nobody who gives orders.
func (s *Store) live(now time.Time) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		going := true
		put := func(l line) { going = going && yield(l.bytes()) }
		if n := s.number.Load(); n > 0 {
			put(line{Number: n}) // its order may be gone
		}
		for i := range s.orders {
			x := &s.orders[i]
			x.sessions.all(func(id riskd.SessionID, in *record) {
				l := newOrderLine(&in.Epoch, x.sessions.ageOf(id, in, now))
				if in.inherited {
					put(line{Inherit: l, For: id.String()})
				} else {
					put(line{Order: l})
				}
			})
			for _, r := range []*register[subject]{&x.devices, &x.users, &x.tenants} {
				r.all(func(k subject, in *record) { put(line{Order: newOrderLine(&in.Epoch, r.ageOf(k, in, now))}) })
			}
		}
		for _, in := range s.predicates.all() {
			put(line{Order: newOrderLine(&in.Epoch, 0)})
		}
		s.keys.Lock()
		defer s.keys.Unlock()
		for k, in := range s.keys.given {
			put(line{Key: k, At: in.at})
		}
		s.lifted.Range(func(n, _ any) bool {
			put(line{Lift: n.(uint64)})
			return going
		})
	}
}
