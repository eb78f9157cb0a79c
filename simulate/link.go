package simulate

// link is how a machine is connected while it is used.
type link struct {
	kind linkKind
	wire prefix // the access network
	host byte
	exit prefix // of a VPN or relay on top; 0 is none
	out  byte   // host there
	many bool   // the exit is a relay: one of four addresses for each request
}

// prefix is where requests come from, as the application sees it.
func (l *link) prefix() prefix {
	if l.exit != 0 {
		return l.exit
	}
	return l.wire
}

func (l *link) address(d *dice) byte {
	switch {
	case l.many:
		return l.out + byte(d.below(4))
	case l.exit != 0:
		return l.out
	}
	return l.host
}

// How often connections change, for each hour of activity (detection.md §4.2; the
// return from a tether is assumed).
const (
	wifiToCellularRate   = 0.35
	cellularToWifiRate   = 0.30
	tetherRate           = 0.03
	officeToCellularRate = 0.06
	reattachRate         = 0.8
	vpnOnRate            = 0.10
	vpnOffRate           = 0.25
	foreignExit          = 0.4
	sameCityPool         = 0.8
)

// trip is a stretch of time that a user spends somewhere else.
type trip struct {
	number        uint64
	country, city int
}

const (
	tripWindow = 56 * day // in which a traveller makes one
	abroad     = 0.4
)

// trip says whether the user is on one.
func (u *user) tripAt(w *world, at int64) (trip, bool) {
	if !u.traveller {
		return trip{}, false
	}
	n := (at - w.begin) / tripWindow
	for _, n := range [...]int64{n, n - 1} {
		if n < 0 {
			continue
		}
		d := roll(w.Seed, uint64(u.number), uint64(n), forTrip)
		start := w.begin + n*tripWindow + int64(d.float()*float64(tripWindow))
		if at < start || at >= start+span(86400*d.between(1, 6)) {
			continue
		}
		t := trip{number: uint64(n) + 1, country: int(u.country), city: (int(u.city) + 1 + d.below(citiesPerCountry-1)) % citiesPerCountry}
		if d.chance(abroad) {
			t.country = elsewhereThan(&d, t.country)
		}
		return t, true
	}
	return trip{}, false
}

// Where people are when they sit down, and how often those whose company has a web
// gateway go through it (assumed).
const (
	officeDays       = 0.6
	phoneOnWifi      = 0.7
	phoneOnOfficeLAN = 0.5
	phoneOnHotelWifi = 0.5
	laptopOnHotelLAN = 0.85
	throughGateway   = 0.7
)

// connect finds the network of a machine at the beginning of a sitting.
func (a *actor) connect(w *world, at int64) {
	u, d, v := a.user, &a.dice, a.device
	phone := v.phone()
	if t, on := u.tripAt(w, at); on {
		a.travel(w, t)
	} else if u.atWork(w, at) {
		if phone && !d.chance(phoneOnOfficeLAN) {
			a.toCellular()
		} else {
			a.toOffice()
		}
	} else if phone && !d.chance(phoneOnWifi) {
		a.toCellular()
	} else {
		a.toHome()
	}
	if v.used && v.last.mobile() != a.link.kind.mobile() {
		a.causes |= moved(a.link.kind)
	}
	switch {
	case u.relay != 0:
		u.left[byRelay] = true
		a.link.exit, a.link.out, a.link.many = u.relay, byte(4+u.number%60*4), true
	case u.gateway != 0 && !phone && d.chance(throughGateway):
		u.left[byGateway] = true
		a.link.exit, a.link.out = u.gateway, byte(1+u.number%3)
	case u.onVPN(at) && d.chance(vpnOnRate/(vpnOnRate+vpnOffRate)):
		a.enterVPN()
	}
	if v.used && v.vpn != (a.link.exit != 0) {
		a.causes |= vpnSwitch(a.link.exit != 0)
	}
	v.vpn, v.last, v.used = a.link.exit != 0, a.link.kind, true
}

func moved(to linkKind) causes {
	if to.mobile() {
		return wifiToMobile
	}
	return mobileToWifi
}

func vpnSwitch(on bool) causes {
	if on {
		return vpnOn
	}
	return vpnOff
}

func (u *user) onVPN(at int64) bool { return u.vpn || u.vpnFrom != 0 && at >= u.vpnFrom }

// atWork is decided for each day, as colleagues would.
func (u *user) atWork(w *world, at int64) bool {
	local := at - w.begin + int64(countries[u.country].offset)*minute
	if u.office == 0 || (local/day+int64(w.From.Weekday())+6)%7 >= 5 {
		return false
	}
	h := local % day / hour
	d := roll(w.Seed, uint64(u.number), uint64(local/day), forDay)
	return h >= 8 && h < 18 && d.chance(officeDays)
}

func (a *actor) toHome() {
	u, v := a.user, a.device
	a.link.kind, a.link.wire, a.link.host = atHome, u.home, u.homeHost
	if v.epoch != u.epoch {
		a.causes |= u.homeCause
		v.epoch = u.epoch
	}
}

func (a *actor) toCellular() {
	a.link.kind = onCellular
	a.link.wire, a.link.host = a.user.pool[a.dice.below(len(a.user.pool))], host(&a.dice)
}

func (a *actor) enterVPN() {
	exit := byVPN
	if a.dice.chance(foreignExit) {
		exit = byVPNAbroad
	}
	a.user.left[exit] = true
	a.link.exit, a.link.out = a.user.exits[exit], host(&a.dice)
}

// travel connects somebody who is on a trip: by the hotel's network or by a mobile
// one of that country.
func (a *actor) travel(w *world, t trip) {
	share := laptopOnHotelLAN
	if a.device.phone() {
		share = phoneOnHotelWifi
	}
	if a.dice.chance(share) {
		a.toHotel(w, t)
	} else {
		a.toRoaming(t)
	}
	if u := a.user; u.lastTrip != t.number {
		u.lastTrip = t.number
		a.causes |= travel
	}
}

func (a *actor) toHotel(w *world, t trip) {
	d := roll(w.Seed, uint64(a.user.number), t.number, forTrip, forPlace)
	a.link.kind, a.link.host = away, host(&d)
	a.link.wire = prefixAt(t.country, businessAS+d.below(businesses), t.city, 1+d.below(perCity-1))
}

func (a *actor) toRoaming(t trip) {
	a.link.kind, a.link.host = onCellular, host(&a.dice)
	a.link.wire = prefixAt(t.country, mobileAS+int(t.number)%mobiles, t.city, a.dice.below(mobileNumber))
}

func (a *actor) toOffice() {
	a.link.kind, a.link.wire, a.link.host = atOffice, a.user.office, byte(1+a.user.number%3)
}

// roam lets the connection change during a gap, and notes why.
func (a *actor) roam(w *world, gap int64) {
	d, u := &a.dice, a.user
	hours := float64(min(gap, 15*minute)) / float64(hour)
	rate := [...]float64{atHome: tetherRate, atOffice: officeToCellularRate, away: tetherRate, onCellular: cellularToWifiRate}[a.link.kind]
	if a.device.phone() && a.link.kind != onCellular {
		rate = wifiToCellularRate
	}
	switch x := d.float() / hours; {
	case x < rate:
		a.handOver(w)
	case a.link.kind == onCellular && x < rate+reattachRate:
		a.reattach()
	}
	if !u.onVPN(a.at) {
		return
	}
	switch on := a.link.exit != 0; {
	case on && d.chance(vpnOffRate*hours):
		a.link.exit = 0
		a.causes |= vpnOff
	case !on && d.chance(vpnOnRate*hours):
		a.enterVPN()
		a.causes |= vpnOn
	}
	a.device.vpn = a.link.exit != 0
}

// handOver changes between a wifi or cable and the mobile network.
func (a *actor) handOver(w *world) {
	t, onTrip := a.user.tripAt(w, a.at)
	switch toMobile := a.link.kind != onCellular; {
	case toMobile && onTrip:
		a.toRoaming(t)
	case toMobile:
		a.toCellular()
	case onTrip:
		a.toHotel(w, t)
	case a.user.atWork(w, a.at):
		a.toOffice()
	default:
		a.toHome()
	}
	a.causes |= moved(a.link.kind)
	a.device.last = a.link.kind
}

// reattach is another address, mostly of the same city, as mobile networks give it.
func (a *actor) reattach() {
	d := &a.dice
	old := a.link.wire
	a.link.host = host(d)
	if d.chance(sameCityPool) {
		a.link.wire = a.user.pool[d.below(len(a.user.pool))]
		if a.link.wire.country() != old.country() {
			a.link.wire = old.sameSystem(d, mobileNumber)
		}
	} else {
		a.link.wire = prefixAt(old.country(), old.system(), d.below(citiesPerCountry), d.below(mobileNumber))
	}
	if a.link.wire != old {
		a.causes |= reattached
	}
}
