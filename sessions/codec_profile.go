package sessions

import (
	"math"
	"math/bits"

	"github.com/riskd/riskd"
)

// encodeProfile gives a profile's record. It holds until the next one.
func (c *codec) encodeProfile(p *riskd.Profile) []byte {
	c.b, c.last = c.b[:0], 0
	c.profile(p)
	return c.b
}

func decodeProfile(record []byte, p *riskd.Profile) error {
	*p = riskd.Profile{}
	c := codec{b: record, reading: true}
	c.profile(p)
	return c.end()
}

func (c *codec) profile(p *riskd.Profile) {
	c.begin()
	c.time(&p.FirstAt) // first, for the others count from it
	c.time(&p.LastAt)
	c.string(&p.Tenant)
	c.string(&p.User)
	number(c, &p.Sessions)
	number(c, &p.Requests)
	number(c, &p.Privileged)
	signed(c, &p.PrivilegeMax)
	c.contexts(&p.Contexts)
	c.contexts(&p.Anonymous)
	array(c, p.Devices[:], (*codec).deviceSeen)
	array(c, p.Hours[:], number[uint16])
	array(c, p.Trust[:], (*codec).trust)
	signed(c, &p.PromptDay)
	number(c, &p.Prompts)
	if c.version >= habitVersion {
		c.habits(p)
	}
}

func (c *codec) habits(p *riskd.Profile) {
	array(c, p.Kinds[:], number[uint16])
	c.moments(&p.Pace)
	c.moments(&p.Volume)
	c.sketch(&p.Routes)
	c.sketch(&p.Actions)
	array(c, p.Moves[:], number[uint16])
	signed(c, &p.ActiveFor)
	number(c, &p.HabitDay)
	number(c, &p.HabitsNow)
	c.byte(&p.MovesNow)
	array(c, p.Live[:], (*codec).sessionSeen)
	array(c, p.Told[:], (*codec).telling)
}

// tenure is a user's own from the start where an older form doesn't say.
func (c *codec) tenure(t *riskd.Tenure) {
	if c.version < habitVersion {
		t.Proved = true
		return
	}
	number(c, &t.Since)
	c.byte(&t.Days)
	c.bool(&t.Proved)
}

func (c *codec) moments(m *riskd.Moments) {
	number(c, &m.N)
	c.float32(&m.Mean)
	c.float32(&m.Var)
}

func (c *codec) float32(x *float32) {
	v := uint64(bits.ReverseBytes32(math.Float32bits(*x)))
	if v = c.uvarint(v); v > math.MaxUint32 {
		c.fail(errDamaged)
		v = 0
	}
	if c.reading {
		*x = math.Float32frombits(bits.ReverseBytes32(uint32(v)))
	}
}

// sketch leaves out what is empty, as most of it is.
func (c *codec) sketch(s *riskd.Sketch) {
	for _, words := range [...][]uint64{s.Known[:], s.Once[:], s.Today[:]} {
		var some bool
		for _, w := range words {
			some = some || w != 0
		}
		if c.bool(&some); !some {
			continue
		}
		for i := range words {
			c.fixed(&words[i])
		}
	}
	number(c, &s.Day)
}

func (c *codec) sessionSeen(s *riskd.SessionSeen) {
	c.fixed(&s.Session)
	signed(c, &s.At)
	c.context(&s.Here)
}

func (c *codec) telling(t *riskd.Telling) {
	c.byte(&t.Type)
	signed(c, &t.At)
}

func (c *codec) deviceSeen(d *riskd.DeviceSeen) {
	c.mark(&d.DeviceMark)
	c.agent(&d.Agent)
	number(c, &d.Count)
	signed(c, &d.At)
	c.tenure(&d.Tenure)
	if c.version < habitVersion {
		return
	}
	number(c, &d.Stack)
	array(c, d.Attributes[:], number[uint16])
}

func (c *codec) trust(t *riskd.DeviceTrust) {
	c.fixed(&t.Device)
	c.time(&t.AuthTime)
	c.time(&t.Until)
	c.context(&t.Here)
	c.context(&t.There)
	c.time(&t.SeenAt)
	c.time(&t.LeftAt)
}
