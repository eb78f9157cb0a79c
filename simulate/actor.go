package simulate

// actor sends requests: a user at a machine, or an attacker in a session that he has
// come to. He always knows his next request only, so that a sitting takes the same
// memory however long it is.
type actor struct {
	user    *user
	dice    dice
	session *session
	device  *device
	look    look
	link    link
	at, end int64 // of the next request, of the sitting
	left    int
	done    bool
	kind    kind   // of the next request
	steps   []kind // what has to come before anything else
	causes  causes // to be told with the next request
	count   int    // of requests made

	thief *actor // who will come to this session, nil for nobody
	crime *crime // of an attacker

	page page // how the line was last written
}

const (
	maxRequests = 400 // of a sitting
	gapSigma    = 1.2
	pauseShare  = 0.02
	pauseMean   = 15 * 60.0 // seconds

	// Noise of a request within a session (detection.md §4.2); that a browser goes
	// over to QUIC is as frequent (assumed).
	fingerprintNoise = 6e-4
	stackNoise       = 4e-4

	// All assumed: how many come by the login page, how many mistype, and before how
	// many of the dangerous requests the application asks for a fresh proof.
	doorShare    = 0.5
	mistypeShare = 0.05
	proveShare   = 0.5
	proofAge     = 15 * minute
)

// sit begins a sitting.
func (w *world) sit(u *user, s *sitting) *actor {
	a := &actor{
		user: u, dice: roll(w.Seed, uint64(u.number), uint64(s.number), forSitting),
		device: &u.devices[s.device], at: s.start, end: s.start + s.length, left: maxRequests,
	}
	u.age(w, s.start)
	a.connect(w, s.start)
	a.look = a.device.look
	a.causes |= a.device.pending
	a.device.pending = 0
	if s.odd {
		a.causes |= oddHour
	}
	if u.roleAt <= s.start {
		u.roleAt, u.support = never, true
		u.news = append(u.news, news{s.start, "role_change"})
	}
	a.open(w, a.at)
	return a
}

// open begins a new session, with a login.
func (a *actor) open(w *world, at int64) {
	awaited := a.session != nil && a.session.awaited
	a.session = w.newSession(a.user, at)
	a.session.awaited = awaited
	a.steps = a.steps[:0]
	if a.dice.chance(doorShare) {
		a.steps = append(a.steps, opensDoor)
	}
	if a.dice.chance(mistypeShare) {
		a.steps = append(a.steps, mistypes)
		a.causes |= mistyped
	}
	a.steps = append(a.steps, signsIn)
	a.nextStep()
}

func (a *actor) nextStep() {
	a.kind = a.steps[0]
	a.steps = append(a.steps[:0], a.steps[1:]...)
}

// act makes the request that is due and plans the next.
func (a *actor) act(s *stream, e *event) {
	if a.crime != nil {
		a.commit(s, e)
		return
	}
	a.request(e)
	a.plan(s.world)
	if a.thief != nil {
		a.noticed(e)
	}
}

// request says what the request that is due is.
func (a *actor) request(e *event) {
	u, d, s := a.user, &a.dice, a.session
	e.at, e.actor, e.kind, e.session = a.at, a, a.kind, s
	e.look, e.prefix = a.look, a.link.prefix()
	e.causes, a.causes = a.causes, 0
	switch a.kind {
	case signsIn:
		s.signIn(u, a.at, false)
		s.rotatedAt = a.at
	case proves:
		s.signIn(u, a.at, true)
	}
	e.signedIn = s.auth != 0
	if a.kind < kinds && s.turns(u, a.at) {
		e.turn, e.before = true, s.rotation
		e.causes |= rotated
		s.rotate(a.at)
	}
	e.rotation, s.usedAt = s.rotation, a.at
	a.choose(e, d.zipf(len(routes[a.kind])))
	e.status = a.kind.status(d)
	if a.kind >= kinds {
		e.status = a.kind.success()
	}
	e.host = a.link.address(d)
	a.count++
	u.tell(e, d)
}

// choose takes one of the kind's routes, the user's favourites first.
func (a *actor) choose(e *event, rank int) {
	e.route = uint8(rank)
	if a.kind < kinds {
		e.route = a.user.favourites[a.kind][rank]
	}
	e.object = a.user.object(&a.dice)
	g := &gravity[a.kind]
	e.bytes = int64(a.dice.lognormal(g.bytes, g.sigma))
}

// plan draws when the next request comes, what it is, and what changes until then.
func (a *actor) plan(w *world) {
	d := &a.dice
	a.left--
	gap := a.gap()
	next := a.at + gap
	switch {
	case len(a.steps) == 0 && (next > a.end || a.left <= 0):
		a.done = true
		return
	case len(a.steps) > 0:
		a.nextStep()
	case gap > a.user.idleLimit() || next-a.session.start > a.user.absoluteLimit():
		a.open(w, next)
	default:
		a.draw(next)
	}
	a.roam(w, gap)
	a.at = next
	if a.user.renumberAt <= next {
		a.user.age(w, next)
	}
	if a.link.kind == atHome && a.device.epoch != a.user.epoch {
		a.toHome()
	}
	if w.Variant == Clean || len(a.steps) > 0 {
		return
	}
	if d.chance(fingerprintNoise) {
		a.look.fonts = uint16(d.next())
		a.causes |= fingerprintDrift
	}
	switch x := d.float(); {
	case x < stackNoise:
		a.look.form = intercepted
		a.causes |= tlsNoise
	case x < 2*stackNoise:
		a.look.form = overQUIC
		a.causes |= tlsNoise
	}
}

// gap is the time to the next request.
func (a *actor) gap() int64 {
	d := &a.dice
	switch {
	case len(a.steps) > 0:
		return span(d.between(4, 20))
	case d.chance(pauseShare):
		return span(d.exponential(pauseMean))
	}
	return max(50, span(d.lognormal(a.user.pace, gapSigma)))
}

// draw takes a kind of request from the user's mix; before a dangerous one, the
// application may want a fresh proof.
func (a *actor) draw(at int64) {
	mix := &userMix
	if a.user.admin {
		mix = &adminMix
	}
	a.kind = kind(a.dice.weighed(mix[:]...))
	if gravity[a.kind].level > 0 && at-a.session.auth > proofAge && a.dice.chance(proveShare) {
		a.steps = append(a.steps, a.kind)
		a.kind = proves
	}
}

// news is an identity event that is about to be told.
type news struct {
	at   int64
	what string
}

// tell has the identity provider tell of a credential that was changed.
func (u *user) tell(e *event, d *dice) {
	if e.kind != changes || e.status != 200 {
		return
	}
	switch e.route {
	case mfaRoute:
		u.news = append(u.news, news{e.at + int64(d.from(200, 2000)), "mfa_added"})
	case passwordRoute:
		u.news = append(u.news, news{e.at + int64(d.from(200, 2000)), "password_change"})
	}
}
