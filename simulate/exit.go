package simulate

import "slices"

// exits are where users leave relays, gateways and VPNs, by country: what attackers
// share with them.
type exits struct{ hosting, vpn [len(countries)][]exit }

type exit struct {
	prefix prefix
	user   *user
	which  uint8 // as the user leaves by it
}

// add takes a user's.
func (x *exits) add(u *user) {
	all := u.leaves()
	for i, p := range all {
		if p == 0 || i > 0 && p == all[i-1] {
			continue
		}
		list := &x.vpn[p.country()]
		if p.system() < vpnAS {
			list = &x.hosting[p.country()]
		}
		*list = append(*list, exit{p, u, uint8(i)})
	}
}

// The exits of a user: his VPN's two, his relay, his company's gateway.
const (
	byVPN = iota
	byVPNAbroad
	byRelay
	byGateway
	waysOut
)

// leaves gives the exits that the user has, 0 where there is none.
func (u *user) leaves() [waysOut]prefix {
	out := [waysOut]prefix{byRelay: u.relay, byGateway: u.gateway}
	if u.vpn || u.vpnFrom != 0 {
		out[byVPN], out[byVPNAbroad] = u.exits[0], u.exits[1]
	}
	return out
}

// in gives an exit in a country that somebody has left by already and isn't the
// victim's own, of a hosting provider or of a VPN by the number of the first such
// system, and suits; 0 if there is none.
func (x *exits) in(d *dice, country, first int, victim *user, suits func(prefix) bool) prefix {
	list := x.vpn[country]
	if first == hostingAS {
		list = x.hosting[country]
	}
	if len(list) == 0 {
		return 0
	}
	mine, start := victim.leaves(), d.below(len(list))
	for i := range list {
		e := list[(start+i)%len(list)]
		if e.user != victim && e.user.left[e.which] && !slices.Contains(mine[:], e.prefix) && suits(e.prefix) {
			return e.prefix
		}
	}
	return 0
}

// drawExit draws a prefix of one of the VPN or hosting providers of a country.
func drawExit(d *dice, first, systems, country int) prefix {
	return prefixAt(country, first+d.zipf(systems), d.zipf(citiesPerCountry), d.below(exitNumber))
}

// drawExits draws where a VPN's users leave it, at home and abroad. Some providers rent
// hosting.
func (u *user) drawExits(d *dice) {
	first, systems := vpnAS, vpns
	if d.chance(rentedVPNs) {
		first, systems = hostingAS, hostings
	}
	home := int(u.country)
	u.exits = [2]prefix{drawExit(d, first, systems, home), drawExit(d, first, systems, elsewhereThan(d, home))}
}
