package sessions

import "github.com/riskd/riskd"

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
}

func (c *codec) deviceSeen(d *riskd.DeviceSeen) {
	c.mark(&d.DeviceMark)
	c.agent(&d.Agent)
	number(c, &d.Count)
	signed(c, &d.At)
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
