package sessions

import (
	"math/bits"
	"time"

	"github.com/riskd/riskd"
)

// stored is what the archive holds of a session. It leaves out what is set anew
// for each event: Suspension, Ordered and Lost, what is thought of it while it is in memory: Leased, and the rules of evidence.
type stored struct {
	riskd.Session
	family    riskd.SessionID
	endedBy   uint64 // number of the order that ended it, 0 if none did
	expiredAt time.Time
}

// encodeSession gives a session's record, but for its id, which is its key. It
// holds until the next one.
func (c *codec) encodeSession(s *stored) []byte {
	c.b, c.last = c.b[:0], 0
	c.session(s)
	return c.b
}

// decodeSession reads the record of the session id.
func decodeSession(record []byte, l *layouts, id riskd.SessionID, s *stored) error {
	*s = stored{}
	c := codec{b: record, reading: true, layouts: l}
	c.session(s)
	s.ID = id
	return c.end()
}

func (c *codec) session(s *stored) {
	c.begin()
	c.time(&s.Start) // first, for the others count from it
	c.string(&s.Tenant)
	c.string(&s.User)
	c.string(&s.DeviceID)
	number(c, &s.Status)
	c.time(&s.SeenAt)
	c.time(&s.ActiveAt)
	signed(c, &s.Limits.Idle)
	signed(c, &s.Limits.Absolute)
	number(c, &s.Requests)
	c.links(s)
	number(c, &s.endedBy)
	c.time(&s.expiredAt)
	c.bool(&s.Learned)
	if c.version >= habitVersion {
		c.bool(&s.Suspect)
		c.time(&s.NextAt)
		signed(c, &s.Forked)
	}
	c.bool(&s.BeforeLogin)
	c.proof(&s.Session)
	c.whereabouts(&s.Session)
	c.sum(&s.Identity)
	c.sum(&s.Behaviour)
	c.stepUp(&s.StepUp)
	c.stepUp(&s.Asked)
	signed(c, &s.Failures)
	c.time(&s.ProvedAt)
	number(c, &s.Last)
	c.time(&s.DecidedAt)
	c.float(&s.Score)
	c.cells(&s.Cells)
	list(c, &s.Timeline, 7, (*codec).moment)
}

// links are the ids around a rotation, which few sessions have.
func (c *codec) links(s *stored) {
	ids := [...]*riskd.SessionID{&s.Previous, &s.Next, &s.family}
	var have byte
	for i, id := range ids {
		if !id.IsZero() {
			have |= 1 << i
		}
	}
	c.byte(&have)
	for i, id := range ids {
		if have&(1<<i) != 0 {
			c.bytes(id[:])
		}
	}
}

func (c *codec) proof(s *riskd.Session) {
	c.time(&s.AuthTime)
	c.string(&s.ACR)
	c.strings(&s.AMR)
	c.string(&s.Binding.Type)
	c.string(&s.Binding.Thumbprint)
	c.bool(&s.Binding.Verified)
	c.strings(&s.Roles)
	c.string(&s.UserType)
	c.string(&s.Environment)
}

func (c *codec) whereabouts(s *riskd.Session) {
	c.context(&s.Here)
	c.context(&s.Before)
	c.time(&s.MovedAt)
	c.contexts(&s.Known)
	c.anchor(&s.Anchor)
	c.mark(&s.Device)
	array(c, s.Devices[:], (*codec).mark)
	c.agent(&s.Agent)
	number(c, &s.Network)
}

// context turns the prefix so that its family's bits are the low ones and an IPv4
// prefix is short.
func (c *codec) context(x *riskd.Context) {
	v := c.uvarint(bits.RotateLeft64(uint64(x.Prefix), 2))
	if c.reading {
		x.Prefix = riskd.Prefix(bits.RotateLeft64(v, -2))
	}
	number(c, &x.ASN)
	c.bytes(x.Country[:])
}

func (c *codec) contexts(x *riskd.Contexts) {
	array(c, x[:], func(c *codec, s *riskd.ContextSeen) {
		c.context(&s.Context)
		number(c, &s.Count)
		signed(c, &s.At)
		c.tenure(&s.Tenure)
	})
}

// anchor is empty for as long as its time is zero.
func (c *codec) anchor(a *riskd.Anchor) {
	if c.time(&a.At); a.At.IsZero() {
		return
	}
	c.float(&a.Lat)
	c.float(&a.Lon)
	c.float(&a.RadiusKM)
	c.bytes(a.Country[:])
	v := c.uvarint(bits.RotateLeft64(uint64(a.Prefix), 2))
	if c.reading {
		a.Prefix = riskd.Prefix(bits.RotateLeft64(v, -2))
	}
	signed(c, &a.Build)
}

func (c *codec) mark(m *riskd.DeviceMark) {
	var have byte
	if m.ID != 0 {
		have |= 1
	}
	if m.Fingerprint != 0 {
		have |= 2
	}
	c.byte(&have)
	if have&1 != 0 {
		c.fixed(&m.ID)
	}
	if have&2 != 0 {
		c.fixed(&m.Fingerprint)
	}
}

func (c *codec) agent(a *riskd.Agent) {
	c.string(&a.Family)
	c.string(&a.OS)
	signed(c, &a.Major)
	signed(c, &a.Minor)
}

func (c *codec) sum(s *riskd.Sum) {
	c.time(&s.At)
	list(c, &s.Open, 4, func(c *codec, e *riskd.Evidence) {
		c.string(&e.Code)
		number(c, &e.Group)
		c.float(&e.Nats)
		c.strings(&e.ClearsWith)
		if c.version >= firedVersion {
			c.time(&e.FiredAt)
			c.float(&e.FiredNats)
		}
	})
}

func (c *codec) stepUp(in **riskd.StepUp) {
	pending := *in != nil
	if c.bool(&pending); !pending {
		return
	}
	if c.reading {
		*in = new(riskd.StepUp)
	}
	u := *in
	c.string(&u.ID)
	c.strings(&u.Demand.ACR)
	c.strings(&u.Demand.AMR)
	signed(c, &u.Demand.MaxAge)
	c.strings(&u.Clears)
	c.time(&u.IssuedAt)
	c.time(&u.ExpiresAt)
	signed(c, &u.AttemptsLeft)
	c.bool(&u.OverBudget)
	c.time(&u.AuthTime)
	c.time(&u.Tried)
}

func (c *codec) moment(m *riskd.Moment) {
	c.time(&m.At)
	number(c, &m.Kind)
	c.context(&m.Context)
	c.string(&m.Note)
}
