package riskd

import (
	"errors"
	"time"
)

// Session is what riskd remembers of one session. It holds few pointers, so
// that a million of them cost the garbage collector little.
type Session struct {
	ID       SessionID
	Tenant   string
	User     string // "" until somebody has signed in
	DeviceID string // as in revocations of a device
	Status   Status
	// Start is the earliest start that riskd knows; revocations compare with it.
	Start time.Time
	// SeenAt is the last event. ActiveAt is where the idle clock began: the first
	// event, the last interactive one, or an extension since.
	SeenAt   time.Time
	ActiveAt time.Time
	// Limits are the strictest timeouts that the session has come under.
	Limits   Limits
	Requests uint32
	// Previous and Next are the ids around a rotation; revoking one revokes all.
	Previous SessionID
	Next     SessionID
	// NextAt is when Next took over. Forked is how long before this session the id that
	// it took over from had been taken over by another, 0 if it hadn't.
	NextAt time.Time
	Forked time.Duration
	// Learned says that the user's profile has learned from this session.
	Learned bool
	// Suspect says that the session came halfway to a step-up and hasn't been proved
	// since: nothing is learned from it.
	Suspect bool
	// BeforeLogin says that the id was seen before anybody had signed in with it.
	BeforeLogin bool

	AuthTime time.Time
	ACR      string
	AMR      []string
	Binding  Binding
	// Roles, UserType and Environment are those that events named last.
	Roles       []string
	UserType    string
	Environment string

	// Here is the context of the last event, Before the one that it replaced and
	// MovedAt when that happened.
	Here    Context
	Before  Context
	MovedAt time.Time
	// Known are the contexts that this session may return to without notice.
	Known Contexts
	// Anchor is the last place that is exact enough to measure a distance from.
	Anchor Anchor
	// Device is the device of the last event, Devices are those accepted.
	Device  DeviceMark
	Devices [4]DeviceMark
	Agent   Agent
	Network NetworkKind

	Identity  Sum
	Behaviour Sum
	// StepUp is the challenge that waits for proof, nil when none does; Asked is one
	// that a single action asked for and that holds nothing else up. Failures counts
	// the attempts that failed since the last one that was passed, at ProvedAt.
	StepUp   *StepUp
	Asked    *StepUp
	Failures int
	ProvedAt time.Time
	// Suspension is the order that holds the session up, Ordered the one that asks
	// for a later authentication, nil when there is none. Both are set anew for
	// each event.
	Suspension *Epoch
	Ordered    *Epoch
	// Lost says that the session may have a history that can't be read now.
	Lost bool
	// Leased says that somebody may hold a lease on it.
	Leased bool
	// Last is the last decision of a working policy, DecidedAt its time.
	Last      Outcome
	DecidedAt time.Time
	Score     float64

	// Cells are the signals' own memory, by Signal.Cell.
	Cells []Cell
	// Timeline is what happened to the session; see Note. The list is never
	// changed in place.
	Timeline []Moment
}

// Cell is the memory that one signal may keep in a session: four numbers,
// whose meaning only that signal knows.
type Cell [4]float64

// Status is where a session is in its life.
type Status uint8

// The states of a session.
const (
	StatusActive Status = iota
	StatusStepUp
	StatusRevoked
	StatusExpired
	StatusSuspended
)

var statusNames = []string{"active", "step_up", "revoked", "expired", "suspended"}

// Over reports whether the session has ended, in whichever way. What is over
// stays over.
func (s Status) Over() bool { return s == StatusRevoked || s == StatusExpired }

func (s Status) String() string { return nameOf(statusNames, uint8(s)) }

// Waiting is the status of a session that is neither over nor suspended.
func (s *Session) Waiting() Status {
	if s.StepUp != nil {
		return StatusStepUp
	}
	return StatusActive
}

// ParseStatus reads the name of a session's state.
func ParseStatus(s string) (Status, error) {
	i, err := parseName(statusNames, s)
	return Status(i), err
}

// Why a session can't be extended.
var (
	ErrUnknownSession = errors.New("session is not known")
	ErrSessionOver    = errors.New("session is over")
	ErrStepUpPending  = errors.New("session waits for a step-up")
)

// Limits are how long a session may last: since the last activity, and since its
// start. Zero is no limit.
type Limits struct{ Idle, Absolute time.Duration }

// Strictest joins limits: the shorter of each counts.
func (l Limits) Strictest(o Limits) Limits {
	return Limits{shorter(l.Idle, o.Idle), shorter(l.Absolute, o.Absolute)}
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Ends gives the times at which the limits end the session if nobody does
// anything more; the zero time where there is no limit, and where nothing has
// been seen yet that it could be counted from.
func (s *Session) Ends(l Limits) (idle, absolute time.Time) {
	if l.Idle > 0 && !s.ActiveAt.IsZero() {
		idle = s.ActiveAt.Add(l.Idle)
	}
	if l.Absolute > 0 && !s.Start.IsZero() {
		absolute = s.Start.Add(l.Absolute)
	}
	return idle, absolute
}

// Anchor is a place and when it was seen, for measuring travel.
type Anchor struct {
	Lat, Lon float64
	RadiusKM float64
	Country  Country
	Prefix   Prefix
	Build    int64
	At       time.Time // zero: no anchor yet
}

// Agent is what a user agent says it is. The empty Family is unknown.
type Agent struct {
	Family string
	OS     string
	Major  int
	Minor  int
}

// HasDevice reports whether the session has accepted this very device.
func (s *Session) HasDevice(m DeviceMark) bool {
	for _, d := range s.Devices {
		if d == m && m != (DeviceMark{}) {
			return true
		}
	}
	return false
}

// AcceptDevice remembers the device, in place of the one accepted longest ago.
func (s *Session) AcceptDevice(m DeviceMark) {
	if m == (DeviceMark{}) || s.HasDevice(m) {
		return
	}
	copy(s.Devices[1:], s.Devices[:len(s.Devices)-1])
	s.Devices[0] = m
}

// Contexts is a bounded memory of contexts with how often and when they were
// seen; the zero value is empty.
type Contexts [8]ContextSeen

// ContextSeen is one remembered context.
type ContextSeen struct {
	Context
	Tenure // in profiles only
	Count  uint32
	At     int64 // Unix seconds of the last sighting
}

// Familiarity is how well a context is known: the deepest of its levels that
// was seen before.
type Familiarity struct{ Prefix, ASN, Country bool }

// Familiar compares a context with those remembered.
func (c *Contexts) Familiar(x Context) Familiarity {
	var f Familiarity
	for i := range c {
		if c[i].Count > 0 {
			f.meet(&c[i].Context, x)
		}
	}
	return f
}

func (f *Familiarity) meet(c *Context, x Context) {
	f.Prefix = f.Prefix || c.Prefix == x.Prefix && x != Context{}
	f.ASN = f.ASN || c.ASN == x.ASN && x.ASN != 0
	f.Country = f.Country || c.Country == x.Country && x.Country != (Country{})
}

// Settled compares a context with those that count as the user's own. A prefix of
// a network that does is one after two days. On a machine that is the user's own,
// those count too that such a machine was seen in on an earlier day.
func (c *Contexts) Settled(x Context, own bool, at time.Time) Familiarity {
	var f Familiarity
	for i := range c {
		if c[i].Count > 0 && (c[i].Tenure.Settled(at) || own && c[i].Days > 0 && c[i].Since < dayOf(at)) {
			f.meet(&c[i].Context, x)
		}
	}
	for i := range c {
		s := &c[i]
		f.Prefix = f.Prefix || f.ASN && s.Count > 0 && s.Prefix == x.Prefix && s.Days >= 2
	}
	return f
}

// See counts a sighting; the context seen longest ago makes room.
func (c *Contexts) See(x Context, at time.Time) { c.see(x, at, false, false) }

// see is See with what it does to the context's tenure. One that isn't settled
// makes room before one that is.
func (c *Contexts) see(x Context, at time.Time, vouched, proved bool) {
	if x == (Context{}) {
		return
	}
	slot := 0
	for i := range c {
		s, worst := &c[i], &c[slot]
		if s.Count > 0 && s.Context == x {
			s.Tenure.see(s.At, at, vouched, proved)
			s.Count++
			s.At = max(s.At, at.Unix())
			return
		}
		if worst.Count > 0 && earlierToGo(s.Count, &s.Tenure, s.At, &worst.Tenure, worst.At, at) {
			slot = i
		}
	}
	c[slot] = ContextSeen{Context: x, Count: 1, At: at.Unix()}
	c[slot].Tenure.see(0, at, vouched, proved)
}

// earlierToGo reports whether what was seen count times makes room before another.
func earlierToGo(count uint32, t *Tenure, at int64, other *Tenure, otherAt int64, now time.Time) bool {
	if count == 0 {
		return true
	}
	if own, others := t.Settled(now), other.Settled(now); own != others {
		return !own
	}
	return at < otherAt
}
