package simulate

// attack sends an attacker to a sitting that begins.
func (s *stream) attack(v *actor, p *planned, at *sitting) {
	u := v.user
	t := &actor{user: u, device: v.device, dice: roll(s.Seed, uint64(p.number), forThief), at: never, kind: reads}
	d := &t.dice
	c := &crime{
		number: p.number, family: p.family, victim: v, onset: 1,
		mix: attackMix, pace: thiefPace, sigma: thiefSigma,
	}
	t.crime = c
	c.start = uint32(d.below(objects))
	t.left = d.from(fewest, most)
	t.at = at.start + int64(d.between(0.1, 0.9)*float64(at.length))
	methods[p.family](s, t, at)
	if s.Variant == Mimic {
		c.imitate(u)
	}
	if a := t.crime; a.victim != nil {
		v.thief = t
	}
	if len(t.steps) > 0 {
		t.nextStep()
	} else if c.change != 1 {
		t.kind = kind(d.weighed(c.mix[:]...))
	}
	u.actors = append(u.actors, t)
}

// imitate gives an attacker the victim's pace and mix. What makes the family stays.
func (c *crime) imitate(u *user) {
	c.pace, c.sigma, c.jitter, c.familiar = u.pace, gapSigma, 0, true
	switch c.family {
	case F6, F7, F11, F12:
		return
	}
	c.mix = userMix
	c.mix[reads] -= mimicExports - c.mix[exports]
	c.mix[exports] = mimicExports
}

// methods are what makes each family (detection.md §4.3; numbers of requests where it
// has none are assumed).
var methods = map[Family]func(s *stream, t *actor, at *sitting){
	F1: func(_ *stream, t *actor, _ *sitting) {
		t.crime.stays = t.dice.chance(0.5)
		t.crime.dress = func(s *stream, t *actor) {
			t.goTo(s, elsewhereThan(&t.dice, int(t.user.country)), 0.35, 0.40, 0.25)
			t.disguise(s, 0.35, 0.5)
		}
	},
	F2: func(_ *stream, t *actor, _ *sitting) {
		t.crime.stays = t.dice.chance(0.5)
		t.crime.dress = neighbour
	},
	F3: func(s *stream, t *actor, at *sitting) { t.fixate(s, at) },
	F4: func(s *stream, t *actor, at *sitting) {
		v := t.crime.victim
		t.ownSession(s, at.start, signsIn)
		t.user.drop(v)
		t.crime.dress = func(s *stream, t *actor) {
			t.look = v.look
			t.look.tls, t.look.form, t.look.id = goTLS, overTCP, t.dice.next()
			t.look.fonts, t.look.salt = uint16(t.dice.next()), uint32(t.dice.next())
			country := int(t.user.country)
			if t.dice.chance(0.6) {
				country = elsewhereThan(&t.dice, country)
			}
			t.goTo(s, country, 0.25, 0.75, 0)
		}
	},
	F5: func(s *stream, t *actor, at *sitting) {
		t.ownSession(s, at.start+at.length+span(t.dice.between(60, 4*3600)), signsIn)
		t.crime.dress = stranger
	},
	F6: func(_ *stream, t *actor, _ *sitting) {
		t.sameBrowser(10, 40)
		t.crime.pace = 2
		t.crime.mix = attackMix
		for k := range t.crime.mix {
			t.crime.mix[k] *= 0.3 / (1 - attackMix[administers])
		}
		t.crime.mix[administers] = 0.7
		if !t.user.admin {
			t.crime.denied = 0.7
		}
	},
	F7: func(_ *stream, t *actor, _ *sitting) {
		t.sameBrowser(60, 120)
		t.crime.pace, t.crime.sigma = 0.8*t.user.pace, gapSigma
		t.crime.mix = [kinds]float64{lists: 0.65, exports: 0.35}
	},
	F8: func(_ *stream, t *actor, _ *sitting) {
		t.left = t.dice.from(4, 8)
		t.crime.change = t.dice.from(2, 3)
		t.crime.dress = func(s *stream, t *actor) {
			t.goTo(s, int(t.user.country), 0.50, 0.25, 0.25)
			t.disguise(s, 0.5, 0.5)
		}
	},
	F9: func(_ *stream, t *actor, _ *sitting) {
		t.sameBrowser(20, 80)
		if t.dice.chance(0.6) {
			t.waitFor(forLeave)
		}
		t.crime.pace, t.crime.jitter = 3, 0.08
		t.crime.dress = func(s *stream, t *actor) {
			if t.dice.chance(0.5) {
				t.otherStack(s)
			}
		}
	},
	F10: func(_ *stream, t *actor, _ *sitting) {
		t.crime.stays = true
		t.crime.dress = func(s *stream, t *actor) {
			t.sameProvider(s)
			t.disguise(s, 0.8, 1)
		}
	},
	F11: func(s *stream, t *actor, at *sitting) {
		t.left = t.dice.from(15, 40)
		t.ownSession(s, nextNight(t, at.start+at.length), signsIn)
		t.crime.pace, t.crime.sigma, t.crime.familiar = t.user.pace, gapSigma, true
		t.crime.mix = [kinds]float64{lists: 0.6, exports: 0.4}
		if t.user.admin {
			t.crime.mix = [kinds]float64{administers: 0.6, exports: 0.4}
		}
		t.crime.dress = func(s *stream, t *actor) {
			t.user.age(s.world, t.at)
			t.look, t.link = t.device.look, link{}
			t.toHome()
		}
	},
	F12: func(_ *stream, t *actor, _ *sitting) {
		t.sameBrowser(10, 40)
		t.waitFor(forLeave)
		t.crime.pace, t.crime.sigma, t.crime.familiar = t.user.pace, gapSigma, true
		t.crime.mix = userMix
		if t.user.admin {
			t.crime.mix = adminMix
		}
		t.crime.dress = func(_ *stream, t *actor) {
			t.link.host, t.link.out = t.link.host^1, t.link.out^1
		}
	},
	F13: func(s *stream, t *actor, at *sitting) { t.spray(s, at) },
	F14: func(_ *stream, t *actor, _ *sitting) {
		t.crime.stays = t.dice.chance(0.5)
		t.crime.again = t.dice.chance(0.5)
		t.waitFor(forRotation)
		t.crime.victim.session.awaited = true
		t.crime.dress = neighbour
	},
	F15: func(_ *stream, t *actor, _ *sitting) {
		t.left = t.dice.from(15, 40)
		t.crime.hop = 5
		t.crime.stays = t.dice.chance(0.5)
		t.crime.dress = func(s *stream, t *actor) {
			t.hop(s)
			t.disguise(s, 0.75, 0.6)
		}
	},
}

// neighbour is somebody behind a residential address of the victim's country.
func neighbour(s *stream, t *actor) {
	t.goTo(s, int(t.user.country), 1, 0, 0)
	t.disguise(s, 0.75, 0.6)
}

// stranger is somebody in another country with a browser of his own.
func stranger(s *stream, t *actor) {
	t.goTo(s, elsewhereThan(&t.dice, int(t.user.country)), 0.35, 0.40, 0.25)
	t.ownBrowser(s)
}

// fixate plants an id before the victim signs in with it, and comes back afterwards.
func (t *actor) fixate(s *stream, at *sitting) {
	v, c := t.crime.victim, t.crime
	planted := t.dice.from(1, 2)
	c.waits, c.afterLogin = forLogin, t.left
	t.left, t.at = planted, at.start
	t.session = v.session
	t.session.held = true
	for range planted {
		t.steps = append(t.steps, opensDoor)
	}
	v.at += span(t.dice.between(120, 720))
	v.end = max(v.end, v.at+5*minute)
	c.dress = func(s *stream, t *actor) {
		country := int(t.user.country)
		if t.dice.chance(0.5) {
			country = elsewhereThan(&t.dice, country)
		}
		t.look = v.look
		t.goTo(s, country, 0.4, 0.35, 0.25)
		t.disguise(s, 0.2, 0.6)
	}
}

// spray tries a password on many accounts, until it is the victim's.
func (t *actor) spray(s *stream, at *sitting) {
	tries := t.dice.from(20, 60)
	steps := make([]kind, 0, tries+1)
	for range tries {
		steps = append(steps, mistypes)
	}
	t.crime.onset = 0 // the login that works
	t.ownSession(s, at.start+at.length+span(t.dice.between(60, 6*3600)), append(steps, signsIn)...)
	t.crime.dress = func(s *stream, t *actor) {
		country := int(t.user.country)
		if t.dice.chance(0.5) {
			country = elsewhereThan(&t.dice, country)
		}
		t.goTo(s, country, 0.35, 0.40, 0.25)
		t.ownBrowser(s)
	}
}

// sameBrowser acts in the victim's own machine, network and session.
func (t *actor) sameBrowser(least, most int) {
	t.left = t.dice.from(least, most)
	t.crime.stays = true
	t.crime.dress = func(*stream, *actor) {}
}

func (t *actor) waitFor(m moment) { t.crime.waits, t.at = m, never }

// ownSession has the attacker sign in himself, at a time, by the login page as often
// as others do.
func (t *actor) ownSession(s *stream, at int64, steps ...kind) {
	t.crime.victim = nil
	if t.steps = steps; t.dice.chance(doorShare) {
		t.steps = append([]kind{opensDoor}, steps...)
	}
	t.at = at
	t.left += len(t.steps)
	t.session = s.newSession(t.user, at)
	t.session.held = true
}

// nextNight is some time between 01:30 and 04:30 of the user's, after a time.
func nextNight(t *actor, after int64) int64 {
	offset := int64(countries[t.user.country].offset) * minute
	midnight := (after+offset)/day*day + day - offset
	return midnight + 90*minute + int64(t.dice.float()*float64(3*hour))
}
