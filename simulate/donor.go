package simulate

// Attackers have no networks and machines of their own kind: they take those of
// other users, so that nothing but the attack tells them apart.

// donor finds a user whom the condition holds for, nil if there is none.
func (s *stream) donor(d *dice, suits func(*user) bool) *user {
	const tries = 64
	for range tries {
		if u := s.users[d.below(len(s.users))]; suits(u) {
			return u
		}
	}
	start := d.below(len(s.users))
	for i := range s.users {
		if u := s.users[(start+i)%len(s.users)]; suits(u) {
			return u
		}
	}
	return nil
}

// goTo connects from a country: by a donor's home, a hosting provider or a VPN.
func (t *actor) goTo(s *stream, country int, residential, hosting, vpn float64) {
	d := &t.dice
	t.link = link{kind: atHome, host: host(d)}
	switch d.weighed(residential, hosting, vpn) {
	case 1:
		t.link.wire = drawExit(d, hostingAS, hostings, country)
	case 2:
		t.link.wire = drawExit(d, vpnAS, vpns, country)
	default:
		v := t.user
		u := s.donor(d, func(u *user) bool { return u != v && int(u.country) == country && u.home != v.home })
		if u == nil {
			t.link.wire = prefixAt(country, residentialAS+d.zipf(residentials), d.zipf(citiesPerCountry), d.below(natNumber))
			return
		}
		t.link.wire, t.link.host = u.home, u.homeHost
	}
}

// sameProvider connects by another prefix of the network that the victim is in.
func (t *actor) sameProvider(s *stream) {
	d, here := &t.dice, t.link.prefix()
	u := s.donor(d, func(u *user) bool { return u.home.asn() == here.asn() && u.home != here })
	if u != nil {
		t.link = link{kind: atHome, wire: u.home, host: u.homeHost}
		return
	}
	numbers := perCity
	switch here.system() {
	case mobileAS, mobileAS + 1, mobileAS + 2:
		numbers = mobileNumber
	case vpnAS, vpnAS + 1, vpnAS + 2:
		numbers = exitNumber
	}
	t.link = link{kind: atHome, wire: here.sameSystem(d, numbers), host: host(d)}
}

// disguise copies the victim's machine with a chance, its TLS stack with another.
// Otherwise it is a browser of the attacker's, sometimes with the victim's whole jar
// of cookies.
func (t *actor) disguise(s *stream, copied, rightStack float64) {
	d, id := &t.dice, t.look.id
	if d.chance(copied) {
		if !d.chance(rightStack) {
			t.otherStack(s)
		}
		return
	}
	t.ownBrowser(s)
	if d.chance(0.5) {
		t.look.id = id
	}
}

// ownBrowser is one as a donor has it, on another machine.
func (t *actor) ownBrowser(s *stream) {
	d := &t.dice
	u := s.donor(d, func(u *user) bool { return u != t.user })
	if u == nil {
		u = t.user
	}
	t.look = u.devices[d.below(u.count)].look
	t.look.salt, t.look.id = uint32(d.next()), d.next()
}

// otherStack shakes hands as another browser does, or as a tool.
func (t *actor) otherStack(s *stream) {
	d, mine := &t.dice, t.look.tls
	u := s.donor(d, func(u *user) bool { return u.devices[0].tls != mine })
	if u != nil && d.chance(0.5) {
		t.look.tls, t.look.form = u.devices[0].tls, u.devices[0].form
		return
	}
	t.look.tls, t.look.form = goTLS+tlsStack(d.below(int(tlsStacks-goTLS))), overTCP
}
