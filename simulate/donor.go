package simulate

import "github.com/riskd/riskd"

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

// mostCountries is how many countries abroad are tried for a donor.
const mostCountries = 32

// goTo connects from a country, by a donor's home, hosting exit or VPN. Abroad it is
// any other country in which there is one; where nobody has an exit, it is a home.
func (t *actor) goTo(s *stream, country int, residential, hosting, vpn float64) {
	d, home := &t.dice, int(t.user.country)
	first := [...]int{residentialAS, hostingAS, vpnAS}[d.weighed(residential, hosting, vpn)]
	t.link = link{kind: atHome, host: host(d)}
	for range mostCountries {
		if t.borrow(s, country, first, 0) {
			return
		}
		if country == home {
			break
		}
		country = elsewhereThan(d, home)
	}
	if !t.borrow(s, country, residentialAS, 0) {
		t.link.wire = deserted(d, country)
	}
}

// borrow takes the network of a user in a country, of the kind that begins with a
// system, but not one prefix, and reports whether there is one.
func (t *actor) borrow(s *stream, country, first int, but prefix) bool {
	d, v := &t.dice, t.user
	if first != residentialAS {
		t.link.wire = s.exits.in(d, country, first, v, func(p prefix) bool { return p != but })
		return t.link.wire != 0
	}
	u := s.donor(d, func(u *user) bool { return u != v && int(u.country) == country && u.home != v.home })
	if u == nil {
		return false
	}
	t.link.wire, t.link.host = u.home, u.homeHost
	return true
}

// deserted draws a home for want of donors.
func deserted(d *dice, country int) prefix {
	return prefixAt(country, residentialAS+d.zipf(residentials), d.zipf(citiesPerCountry), d.below(natNumber))
}

// hop changes to another exit somewhere.
func (t *actor) hop(s *stream) {
	d, first, here := &t.dice, hostingAS, t.link.prefix()
	if d.chance(0.5) {
		first = vpnAS
	}
	t.link = link{kind: atHome, host: host(d)}
	for range mostCountries {
		if t.borrow(s, drawCountry(d), first, here) {
			return
		}
	}
	t.link.wire = drawExit(d, hostingAS, hostings, drawCountry(d))
}

// sameProvider connects by another prefix of the network that the victim is in, one
// that somebody else lives, works or travels in.
func (t *actor) sameProvider(s *stream) {
	d, v, here := &t.dice, t.user, t.link.prefix()
	t.link = link{kind: atHome, host: host(d)}
	if here.system() >= hostingAS {
		first := hostingAS
		if here.system() >= vpnAS {
			first = vpnAS
		}
		t.link.wire = s.exits.in(d, here.country(), first, v, func(p prefix) bool { return p.asn() == here.asn() && p != here })
	} else if u := s.donor(d, func(u *user) bool { return u != v && len(u.nearby(here)) > 0 }); u != nil {
		all := u.nearby(here)
		if t.link.wire = all[d.below(len(all))]; t.link.wire == u.home {
			t.link.host = u.homeHost
		}
	}
	if t.link.wire != 0 {
		return
	}
	numbers := perCity
	switch here.kind() {
	case riskd.NetworkMobile:
		numbers = mobileNumber
	case riskd.NetworkHosting, riskd.NetworkVPN:
		numbers = exitNumber
	}
	t.link.wire = here.sameSystem(d, numbers)
}

// nearby gives the user's prefixes in the network of another prefix, but not that one.
func (u *user) nearby(here prefix) (out []prefix) {
	for _, p := range [...]prefix{u.home, u.office, u.pool[0], u.pool[1], u.pool[2], u.pool[3]} {
		if p != 0 && p != here && p.asn() == here.asn() {
			out = append(out, p)
		}
	}
	return out
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
