package replay

import (
	"context"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/replay/measure"
)

// collector adds up what the packs answer.
type collector struct {
	*tally
	options  *Options
	order    *order
	sessions [2][]measure.Session
	alarms   [2][]measure.Alarm
	demands  [2]map[int32]int // of users, who are places in order.people
}

func newCollector(o *Options) *collector {
	return &collector{tally: newTally(), options: o, order: newOrder(o), demands: [2]map[int32]int{{}, {}}}
}

// run runs the trace; faults are the lines that are none.
func (c *collector) run(ctx context.Context) (faults []error, err error) {
	if err = newPipeline(c.options, c.order).run(ctx, c.take); err != nil {
		return c.order.faults, err
	}
	if err = c.order.ask(); err != nil { // of a trace without a line
		return c.order.faults, err
	}
	for _, s := range c.order.live {
		c.over(s)
	}
	return c.order.faults, nil
}

// take takes in a batch.
func (c *collector) take(b *batch) {
	for i := range b.items {
		switch in := &b.items[i]; {
		case in.fault != nil:
		case in.Identity != nil:
			c.identity++
			for side := range c.options.Engines {
				if in.refused[side] != nil {
					c.refuse(side, in)
				}
			}
		case in.Event != nil:
			c.event(in)
		}
	}
	for _, s := range b.over {
		c.over(s)
	}
}

func (c *collector) event(in *item) {
	var got [2]Class
	for side := range c.options.Engines {
		got[side] = classOf(&in.answers[side])
		if in.proved[side] {
			c.stepUps[side].proved++
		}
	}
	if len(c.options.Engines) == 1 {
		got[1] = got[0]
	}
	c.events[got[0]][got[1]]++
	s := in.story
	s.take(c, in, got)
	s.mark(in, got)
	c.weigh(in, got)
}

// over takes in a session that nothing is expected of any more.
func (c *collector) over(s *story) {
	c.close(s)
	if s.named || !s.counts {
		return
	}
	for side := range c.options.Engines {
		c.sessions[side] = append(c.sessions[side], measure.Session{
			User: int32(s.who), Strength: s.strength[side], Alarmed: s.alarmedBy[side], Abroad: s.abroad,
		})
	}
}

// weigh takes up what there is to measure of an event.
func (c *collector) weigh(in *item, got [2]Class) {
	s := in.story
	if in.causes != nil {
		s.causes = in.causes
	}
	abroad := false
	switch country := in.answers[0].Country; {
	case country == "":
	case s.country == "":
		s.country = country
	default:
		abroad = country != s.country
	}
	s.abroad = s.abroad || abroad
	if a := in.attack; a != nil {
		a.requests++
		a.abroad = a.abroad || abroad
	}
	for side := range c.options.Engines {
		answer := &in.answers[side]
		s.strength[side] = max(s.strength[side], float32(answer.Strength))
		if got[side].Alarm() {
			for _, a := range in.came {
				a.ask(side, in)
			}
		}
		if got[side].Alarm() && s.demand(side, answer) {
			c.demanded(in, side)
			continue
		}
		s.alarmedBy[side] = s.alarmedBy[side] || got[side].Alarm()
		for _, a := range in.came {
			a.meet(side, in, got[side])
		}
		if a := in.attack; a != nil && got[side] == Allow && !a.met[side].alarm.Met && harmful(in.Event) {
			a.met[side].sensitive++
		}
		if s.counts && len(in.came) == 0 && got[side].Alarm() {
			c.alarm(in, side, got[side])
		}
	}
}

// demanded takes up a step-up that isn't for risk.
func (c *collector) demanded(in *item, side int) {
	s := in.story
	for _, a := range in.came {
		a.met[side].strength = max(a.met[side].strength, float32(in.answers[side].Strength))
		a.met[side].demanded = a.met[side].demanded || !a.met[side].alarm.Met
	}
	if id := in.answers[side].StepUp.ID; s.asking[side] != id {
		s.asking[side] = id
		if s.counts && len(in.came) == 0 {
			c.demands[side][int32(in.user)]++
		}
	}
}

func harmful(e *riskd.Event) bool {
	return e.Request.Class == riskd.ClassSensitive || e.Request.Class == riskd.ClassAdmin
}

// alarm notes a false alarm: a challenge once, however many events wait for it, and a
// revocation once.
func (c *collector) alarm(in *item, side int, got Class) {
	s, answer := in.story, &in.answers[side]
	switch {
	case got == Revoke && s.revoked[side]:
		return
	case got == Revoke:
		s.revoked[side] = true
	case answer.StepUp == nil || answer.StepUp.ID == s.challenge[side]:
		return
	default:
		s.challenge[side] = answer.StepUp.ID
	}
	c.alarms[side] = append(c.alarms[side], measure.Alarm{
		User: int32(in.user), Revoke: got == Revoke, Causes: s.causes, Reasons: shares(answer),
	})
}

// shares are the reasons of an answer and their parts in its score.
func shares(a *Answer) []measure.Reason {
	out := make([]measure.Reason, 0, len(a.Reasons))
	points := 0
	for i := range a.Reasons {
		points += max(0, a.Reasons[i].Points)
	}
	for i := range a.Reasons {
		r := measure.Reason{Code: a.Reasons[i].Code, Share: 1 / float64(len(a.Reasons))}
		if points > 0 {
			r.Share = float64(max(0, a.Reasons[i].Points)) / float64(points)
		}
		out = append(out, r)
	}
	return out
}

// attack is one attack.
type attack struct {
	// Of these order has the say, and nothing changes once it has begun but for user,
	// which is nobody's business before the end.
	id, family string
	late       bool // one of its events is labelled as its beginning
	begun      bool
	at         place
	onset      time.Time
	user       int
	counts     bool

	// And of these the collector.
	requests int // its own so far, from its onset on
	abroad   bool
	met      [2]meeting
}

// meeting is how one pack meets an attack.
type meeting struct {
	asked         measure.Stop // by a step_up or a revoke, whatever it is for
	at            place        // of that
	alarm, revoke measure.Stop // by risk
	sensitive     int
	strength      float32
	reasons       []measure.Reason
	demanded      bool // a proof, before any alarm
}

// ask takes up a step_up or a revoke in a session that the attack has come to.
func (a *attack) ask(side int, in *item) {
	if m := &a.met[side]; !m.asked.Met {
		m.asked, m.at = a.stop(in), in.place
	}
}

// meet takes up an answer there that isn't for what is demanded whatever the risk.
func (a *attack) meet(side int, in *item, got Class) {
	m := &a.met[side]
	m.strength = max(m.strength, float32(in.answers[side].Strength))
	if got.Alarm() && !m.alarm.Met {
		m.alarm, m.reasons = a.stop(in), shares(&in.answers[side])
	}
	if got == Revoke && !m.revoke.Met {
		m.revoke = a.stop(in)
	}
}

func (a *attack) stop(in *item) measure.Stop {
	return measure.Stop{Met: true, Requests: a.requests, After: max(0, in.Event.Time.Sub(a.onset))}
}

// records are what is to be measured of one pack.
func (c *collector) records(side int) *measure.Run {
	end := c.order.last
	if until := c.order.until; !until.IsZero() && until.Before(end) {
		end = until
	}
	r := &measure.Run{Sessions: c.sessions[side], Alarms: c.alarms[side]}
	for i := range c.order.people {
		p := &c.order.people[i]
		u := measure.User{Name: p.name(), Archetype: c.order.labels.archetype(p.person), Demanded: c.demands[side][int32(i)]}
		from := p.since
		if from.Before(c.order.from) {
			from = c.order.from
		}
		if p.user != "" && end.After(from) {
			u.Exposure = end.Sub(from)
		}
		r.Users = append(r.Users, u)
	}
	for _, a := range c.order.begun {
		if !a.counts {
			continue
		}
		m := &a.met[side]
		r.Attacks = append(r.Attacks, measure.Attack{
			ID: a.id, Family: a.family, User: a.user, At: a.at.String(), Requests: a.requests, Alarm: m.alarm, Revoke: m.revoke,
			Sensitive: m.sensitive, Strength: m.strength, Abroad: a.abroad, Demanded: m.demanded, Reasons: m.reasons,
		})
	}
	return r
}

// name is the user's within all tenants.
func (p person) name() string {
	if p.tenant != "" {
		return p.tenant + "/" + p.user
	}
	return p.user
}
