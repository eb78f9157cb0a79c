package audit

import (
	"slices"
	"strconv"
	"time"

	"github.com/riskd/riskd"
)

// User gives the reference of a user, "" for nobody.
func (l *Log) User(tenant, id string) string { return l.refer("u", tenant, id) }

// Device gives the reference of a device, "" for none.
func (l *Log) Device(tenant, id string) string { return l.refer("d", tenant, id) }

func (l *Log) refer(kind, tenant, id string) string {
	if id == "" {
		return ""
	}
	return l.ref(kind, tenant, id)
}

// Order is the entry of an order that was given at a time and met so many sessions.
func (l *Log) Order(o *riskd.Epoch, at time.Time, matched int) Entry {
	e := Entry{
		Act: Act(o.Effect.String()), At: at, Actor: o.Actor, Reason: o.Reason,
		Epoch: o.Number, Effect: o.Effect.String(), Since: moment(o.At), Until: moment(o.Until), Matched: &matched,
	}
	l.aim(&e, &o.Target)
	return e
}

// Lifted is the entry of an order that was undone.
func (l *Log) Lifted(o *riskd.Epoch, at time.Time, reason, actor string) Entry {
	e := Entry{Act: Lift, At: at, Actor: actor, Reason: reason, Effect: o.Effect.String(), Since: moment(o.At)}
	e.Details = map[string]string{"lifted": strconv.FormatUint(o.Number, 10)}
	l.aim(&e, &o.Target)
	return e
}

// aim tells what an order is about.
func (l *Log) aim(e *Entry, t *riskd.Target) {
	e.Target, e.Tenant = t.Kind.String(), t.Tenant
	switch t.Kind {
	case riskd.TargetSession:
		e.Session = t.Session.String()
	case riskd.TargetUser:
		e.User = l.User(t.Tenant, t.ID)
	case riskd.TargetDevice:
		e.Device = l.Device(t.Tenant, t.ID)
	case riskd.TargetPredicate:
		for name, value := range conditions(t.Predicate) {
			if e.Details == nil {
				e.Details = map[string]string{}
			}
			e.Details[name] = value
		}
	}
}

func conditions(p *riskd.Predicate) map[string]string {
	all := map[string]string{"role": p.Role, "user_type": p.UserType, "environment": p.Environment, "agent": p.Agent}
	if p.ASN > 0 {
		all["asn"] = strconv.FormatUint(uint64(p.ASN), 10)
	}
	if p.Country != (riskd.Country{}) {
		all["country"] = p.Country.String()
	}
	if p.Network.IsValid() {
		all["network"] = p.Network.String()
	}
	for name, at := range map[string]time.Time{"from": p.From, "to": p.To} {
		if !at.IsZero() {
			all[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Identity is the entry of an identity event.
func (l *Log) Identity(i *riskd.IdentityEvent, at time.Time) Entry {
	e := Entry{
		Act: IdentityEvent, At: at, Actor: i.Actor, Tenant: i.Tenant, Reason: i.Reason, EventID: i.ID,
		User: l.User(i.Tenant, i.User), Device: l.Device(i.Tenant, i.Device), Since: moment(i.Time),
		Details: map[string]string{"type": i.Type},
	}
	if !i.Session.IsZero() {
		e.Session = i.Session.String()
	}
	return e
}

// Decided is the entry of a decision, or of what it has led to. Nothing of the
// record is kept.
func (l *Log) Decided(act Act, r *riskd.Record) Entry {
	d, score := r.Decision, r.Decision.Score
	e := Entry{
		Act: act, At: d.At, DecisionID: d.ID, EventID: d.EventID, Outcome: d.Outcome.String(), Score: &score,
		Source: d.Source.String(), Pack: d.Pack, Revision: d.Revision,
	}
	if !d.Session.IsZero() {
		e.Session = d.Session.String()
	}
	if r.Event != nil {
		e.Tenant = r.Event.Tenant
		e.User, e.Device = l.User(e.Tenant, r.Event.User.ID), l.Device(e.Tenant, r.Event.Device.ID)
	}
	for i := range d.Reasons {
		if code := d.Reasons[i].Code; !slices.Contains(e.Reasons, code) {
			e.Reasons = append(e.Reasons, code)
		}
	}
	return e
}
