package riskd

import (
	"net/netip"
	"slices"
	"time"
)

// Predicate describes sessions by what was seen of them, for the revocation of
// those that no id names. All conditions that are set have to hold at once; the
// zero value of one is no condition.
type Predicate struct {
	ASN     uint32
	Country Country
	// Network is the addresses; it counts in prefixes of /24 and /48, which is
	// all that is remembered of addresses.
	Network     netip.Prefix
	Role        string
	UserType    string
	Environment string
	// Agent is the user agent's family, such as "Firefox".
	Agent string
	// From and To bound the time in which a session was seen so; To is open.
	From, To time.Time
}

func (p *Predicate) validate() error {
	switch {
	case p == nil || *p == Predicate{From: p.From, To: p.To}:
		return &FieldError{"target.predicate", "needs a condition beside the time: asn, country, network, role, user_type, environment or agent"}
	case p.Network.IsValid() && (p.Network != p.Network.Masked() || p.Network.Bits() > 24 && p.Network.Addr().Is4() || p.Network.Bits() > 48):
		return &FieldError{"target.predicate.network", "must be a network of /24 or larger, in IPv6 /48 or larger, with no host bits set: riskd remembers no single addresses"}
	case !p.To.IsZero() && !p.From.Before(p.To):
		return &FieldError{"target.predicate.to", "must be after from"}
	}
	return nil
}

// HitsEvent reports whether an event is as described. Its place has to be known
// already.
func (p *Predicate) HitsEvent(e *Event, a Agent, now time.Time) bool {
	return p.hitsSubject(e.User.Roles, e.User.Type, e.Environment, a.Family) &&
		p.hitsContext(ContextOf(e)) && p.overlaps(now, now)
}

// Hits reports whether a session was as described at any time that it remembers.
func (p *Predicate) Hits(s *Session) bool {
	if !p.hitsSubject(s.Roles, s.UserType, s.Environment, s.Agent.Family) {
		return false
	}
	for i := range s.Known {
		if k := &s.Known[i]; k.Count > 0 && p.hitsContext(k.Context) && p.overlaps(time.Unix(k.At, 0), time.Unix(k.At, 0)) {
			return true
		}
	}
	until := s.SeenAt
	for i := len(s.Timeline) - 1; i >= 0; i-- {
		m := &s.Timeline[i]
		if p.hitsContext(m.Context) && p.overlaps(m.At, until) {
			return true
		}
		until = m.At
	}
	return p.hitsContext(s.Here) && p.overlaps(s.SeenAt, s.SeenAt)
}

func (p *Predicate) hitsSubject(roles []string, userType, environment, agent string) bool {
	return (p.Role == "" || slices.Contains(roles, p.Role)) && (p.UserType == "" || p.UserType == userType) &&
		(p.Environment == "" || p.Environment == environment) && (p.Agent == "" || p.Agent == agent)
}

func (p *Predicate) hitsContext(c Context) bool {
	return (p.ASN == 0 || p.ASN == c.ASN) && (p.Country == Country{} || p.Country == c.Country) &&
		(!p.Network.IsValid() || c.Prefix.Within(p.Network))
}

// overlaps reports whether any of the time from first to last, both included, is
// in the predicate's.
func (p *Predicate) overlaps(first, last time.Time) bool {
	return (p.To.IsZero() || first.Before(p.To)) && !last.Before(p.From)
}
