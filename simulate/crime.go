package simulate

// crime is an attack under way.
type crime struct {
	number int
	family Family
	victim *actor // whose session it is; nil: the attacker's own
	waits  moment
	stays  bool // the victim goes on, too
	begun  bool

	mix        [kinds]float64
	pace       float64 // seconds between requests: median
	sigma      float64
	jitter     float64  // unless 0: the spread around an even pace
	familiar   bool     // with the victim's favourite routes and objects
	start      uint32   // the object that others begin with, to go on with the next
	denied     float64  // share of administration that is refused
	change     int      // the request that changes a credential, from 1; 0 is none
	hop        int      // another exit after so many requests; 0 is never
	onset      int      // number of the request that it begins with; 0: a login
	source     *session // whose id was stolen before it was changed
	stolen     uint32   // and the rotation of that id
	again      bool     // the stolen id is rotated once more
	dress      func(s *stream, t *actor)
	afterLogin int // requests that come once the victim has signed in
}

// moment is what an attacker waits for.
type moment uint8

const (
	forTime moment = iota
	forLogin
	forRotation
	forLeave
)

// How attackers go about it (detection.md §3.1, §4.3).
const (
	thiefPace  = 4.0 // seconds
	thiefSigma = 0.7
	walking    = 0.5 // share of objects that aren't the victim's but the next, assumed
	fewest     = 6
	most       = 30
)

// ready prepares an attacker whose time has come; false means that he isn't yet.
func (a *actor) ready(s *stream) bool {
	c := a.crime
	if c.begun {
		return true
	}
	v := c.victim
	if v == nil || a.session != nil { // his own session, or one that he had before
		c.begun = true
		c.dress(s, a)
		return true
	}
	if c.source == nil && v.session.auth == 0 {
		a.at = max(a.at, v.at) + second
		return false
	}
	c.begun = true
	a.session, a.look, a.link = v.session, v.look, v.link
	if c.source != nil {
		a.session = c.source
	}
	a.session.held = true
	if !c.stays && !v.done {
		v.done = true
		a.user.drop(v)
	}
	c.dress(s, a)
	return false // the list of actors may have changed
}

func (u *user) drop(a *actor) {
	for i := range u.actors {
		if u.actors[i] == a {
			u.actors = append(u.actors[:i], u.actors[i+1:]...)
			return
		}
	}
}

// noticed tells the attacker who waits for this victim what the victim has done.
func (a *actor) noticed(e *event) {
	t := a.thief
	c, d := t.crime, &t.dice
	if c.begun && c.afterLogin == 0 {
		return
	}
	switch {
	case c.waits == forLogin && e.kind == signsIn && c.afterLogin > 0:
		t.left, c.afterLogin = c.afterLogin, 0
		t.at = e.at + span(d.between(30, 300))
		t.kind = kind(d.weighed(c.mix[:]...))
	case c.waits == forRotation && e.turn:
		c.source, c.stolen, t.at, c.waits = e.session, e.before, e.at+span(d.between(20, 240)), forTime
	}
	if !a.done {
		return
	}
	switch c.waits {
	case forRotation:
		a.stayOn()
	case forLeave:
		t.at = a.at + span(d.between(30, 600))
	default:
		t.at = min(t.at, a.at+span(d.between(10, 200)))
	}
}

// stayOn has a victim make one more request, with which his id is changed.
func (a *actor) stayOn() {
	a.done, a.left, a.kind, a.session.due = false, 1, reads, true
	a.at += span(a.dice.between(10, 60))
}

// commit makes the attacker's request and plans the next.
func (a *actor) commit(s *stream, e *event) {
	c := a.crime
	e.crime = c
	if a.kind == mistypes {
		a.session = s.newSession(a.user, a.at)
		a.session.held = true
	}
	a.request(e)
	e.causes = 0
	e.onset = a.count == c.onset || c.onset == 0 && a.kind == signsIn
	if a.kind < kinds && !c.familiar {
		e.route = uint8(a.dice.below(len(routes[a.kind])))
		if c.family == F7 || a.dice.chance(walking) {
			e.object = (c.start + uint32(a.count)) % objects
		}
	}
	if a.kind == administers && a.dice.chance(c.denied) {
		e.status = 403
	}
	if c.family == F14 {
		c.reuse(e, a.count == 1)
	}
	a.next(s)
}

// reuse puts the stolen id in place of the session's present one.
func (c *crime) reuse(e *event, first bool) {
	if !c.again {
		e.rotation = c.stolen
		return
	}
	e.rotation = foreignRotation
	e.turn, e.before = first, c.stolen
}

// foreignRotation numbers the id that an attacker gets for a stolen one: it is none
// that the victim has.
const foreignRotation = 1 << 20

func (a *actor) next(s *stream) {
	c, d := a.crime, &a.dice
	a.left--
	switch {
	case a.left <= 0 && c.afterLogin > 0:
		a.at, a.kind = never, reads
		return
	case a.left <= 0:
		a.done = true
		return
	case len(a.steps) > 0:
		if a.nextStep(); a.kind == mistypes {
			a.at += span(d.between(2, 12))
		} else {
			a.at += span(d.between(4, 20))
		}
		return
	}
	a.at += c.gap(d)
	a.kind = kind(d.weighed(c.mix[:]...))
	if a.count+1 == c.change {
		a.kind = changes
	}
	if c.hop > 0 && a.count%c.hop == 0 {
		a.hop(s)
	}
}

func (c *crime) gap(d *dice) int64 {
	if c.jitter > 0 {
		return max(50, span(c.pace*(1+c.jitter*d.normal())))
	}
	return max(50, span(d.lognormal(c.pace, c.sigma)))
}
