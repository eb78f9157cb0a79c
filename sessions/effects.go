package sessions

import "github.com/riskd/riskd"

// apply lets the orders that hold sessions up have their effect on one. The
// caller holds it.
func (s *Store) apply(in *riskd.Session, family riskd.SessionID, e *riskd.Event) {
	in.Suspension, in.Ordered = nil, nil
	suspended, ordered := &s.orders[riskd.EffectSuspend], &s.orders[riskd.EffectStepUp]
	if in.Status == riskd.StatusSuspended {
		in.Status = in.Waiting()
	}
	if suspended.count()+ordered.count() == 0 {
		return
	}
	c := claim{
		ids: [4]riskd.SessionID{in.ID, family, in.Previous}, tenant: e.Tenant,
		devices: [6]string{e.Device.ID, in.DeviceID}, users: [6]string{e.User.ID, in.User},
	}
	s.disguise(&c)
	if in.Suspension = s.suspension(&c); in.Suspension != nil && !in.Status.Over() {
		in.Status = riskd.StatusSuspended
	}
	if r := ordered.latest(&c); r != nil && r.At.After(in.AuthTime) && r.At.After(in.ProvedAt) {
		in.Ordered = &r.Epoch
	}
}

// suspension finds the order that holds a session up.
func (s *Store) suspension(c *claim) *riskd.Epoch {
	suspended, resumed := &s.orders[riskd.EffectSuspend], &s.orders[riskd.EffectResume]
	if suspended.count() == 0 {
		return nil
	}
	for slot := range slots {
		r := suspended.at(c, slot)
		if r == nil {
			continue
		}
		if end := resumed.at(c, slot); end == nil || end.At.Before(r.At) {
			return &r.Epoch
		}
	}
	return nil
}

// void takes out of a profile what orders have made void.
func (s *Store) void(p *riskd.Profile, device string) {
	if x := &s.orders[riskd.EffectForget]; x.count() > 0 {
		c := claim{tenant: p.Tenant, users: [6]string{p.User}}
		s.disguise(&c)
		if r := x.latest(&c); r != nil && p.FirstAt.Before(r.At) {
			*p = riskd.Profile{
				Tenant: p.Tenant, User: p.User, Trust: p.Trust, Live: p.Live, Told: p.Told, PromptDay: p.PromptDay, Prompts: p.Prompts,
			}
		}
	}
	x := &s.orders[riskd.EffectDistrust]
	if x.count() == 0 {
		return
	}
	of := func(c claim, device uint64) {
		s.disguise(&c)
		if r := x.latest(&c); r != nil {
			p.DistrustBefore(r.At, device)
		}
	}
	of(claim{tenant: p.Tenant, users: [6]string{p.User}}, 0)
	of(claim{tenant: p.Tenant, devices: [6]string{device}}, riskd.MarkOf(&riskd.Device{ID: device}).ID)
}
