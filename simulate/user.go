package simulate

// user is one of the population: what he is and has, and where in his life the
// simulation has got to.
type user struct {
	number    int
	archetype archetype
	country   uint8
	city      uint8
	admin     bool
	mfa       bool
	rotates   bool // his client changes the session's id now and then
	support   bool // has that role, too
	daily     bool // his provider renumbers every day

	pace       float64 // median seconds between requests
	favourites [kinds][12]uint8
	mobile     prefix // the first of his mobile network's
	pool       [4]prefix
	home       prefix
	homeHost   byte
	office     prefix // 0: works nowhere but at home
	exits      [2]prefix
	relay      prefix
	gateway    prefix        // that his company's machines go out by; 0: none
	left       [waysOut]bool // which of his exits he has used
	epoch      uint16        // of his home's address, and why it is another
	homeCause  causes
	lastTrip   uint64

	renumberAt, moveAt, roleAt, deviceAt int64
	joins, vpnFrom                       int64
	vpn                                  bool
	traveller                            bool

	devices [2]device
	count   int // of devices
	dice    dice

	schedule schedule
	coming   sitting
	actors   []*actor
	attacks  []planned
	news     []news
	sessions uint32
}

// The shares of the population (detection.md §4.2; where it doesn't say, assumed).
type shares struct {
	twoDevices, admins, vpns, relays, gateways, travellers, nats, laptops, office, mfa, joiners float64
	rate, rateSigma                                                                             float64 // sittings on a weekday
}

var population = map[Preset]shares{
	Workforce: {
		twoDevices: 0.6, admins: 0.08, vpns: 0.12, relays: 0.03, gateways: 0.015, travellers: 0.12, nats: 0.04,
		laptops: 0.75, office: 0.5, mfa: 0.6, joiners: 0.1, rate: 0.9, rateSigma: 0.7,
	},
	// A median of two logins in 13 months, of which the 90th percentile makes 9.
	Consumer: {
		twoDevices: 0.6, admins: 0.002, vpns: 0.05, relays: 0.03, travellers: 0.12, nats: 0.08,
		laptops: 0.4, mfa: 0.25, joiners: 0.1, rate: 2.0 / 395, rateSigma: 1.17,
	},
}

const (
	rotators      = 0.2  // share of users, assumed
	dailyRenumber = 0.2  // share of users (detection.md §4.2)
	staticHomes   = 0.15 // share of users that are never renumbered, assumed
	renumberMean  = 30.0 // days
	moveMean      = 700.0
	roleMean      = 1500.0
	vpnRollout    = 0.3
	rentedVPNs    = 0.25 // share of VPN users whose exits are at a hosting provider, assumed
	coldJoiners   = 0.7
)

func (w *world) newUser(number int) *user {
	p := &w.shares
	d := roll(w.Seed, uint64(number), forUser)
	u := &user{number: number, country: uint8(drawCountry(&d)), city: uint8(d.zipf(citiesPerCountry)), dice: roll(w.Seed, uint64(number), forHabit)}
	u.admin, u.mfa, u.rotates = d.chance(p.admins), d.chance(p.mfa), d.chance(rotators)
	u.vpn, u.traveller = d.chance(p.vpns), d.chance(p.travellers)
	relay, nat, gateway := d.chance(p.relays), d.chance(p.nats), d.chance(p.gateways)
	u.mfa = u.mfa || u.admin
	u.settle(&d, nat, w.begin)
	if d.chance(p.office) {
		u.office = prefixAt(int(u.country), businessAS+d.zipf(businesses), int(u.city), 0)
	}
	u.drawExits(&d)
	switch tunnel := drawExit(&d, hostingAS, hostings, int(u.country)); {
	case relay:
		u.relay, u.vpn = tunnel, false
	case gateway:
		u.gateway, u.vpn = tunnel, false
	}
	first := !d.chance(p.laptops)
	u.devices[0] = newDevice(&d, first, int(u.country), w.begin)
	u.count = 1
	if d.chance(p.twoDevices) {
		u.devices[1] = newDevice(&d, first == d.chance(0.2), int(u.country), w.begin)
		u.count = 2
	}
	joiners := p.joiners
	if w.Variant == Cold {
		joiners = coldJoiners
	}
	u.joins = w.begin
	if d.chance(joiners) {
		u.joins += span(86400 * d.between(0, float64(w.Days)))
	}
	if w.Variant == Drift && !u.vpn && u.relay == 0 && u.gateway == 0 && d.chance(vpnRollout) {
		u.vpnFrom, u.exits[1] = w.rolloutAt, u.exits[0]
	}
	u.roleAt = w.begin + span(86400*d.exponential(roleMean))
	u.deviceAt = w.begin + span(86400*d.exponential(replaceMean))
	u.moveAt = w.begin + span(86400*d.exponential(moveMean))
	u.archetype = u.kind(relay, nat)
	u.takeHabits(w)
	return u
}

func (u *user) kind(relay, nat bool) archetype {
	switch {
	case relay:
		return relayUser
	case u.vpn, u.gateway != 0:
		return vpnUser
	case u.admin:
		return administrator
	case nat:
		return behindNAT
	case u.traveller:
		return traveller
	case u.count == 1 && u.devices[0].phone():
		return onTheMove
	}
	return plain
}

// settle finds a home and a mobile network.
func (u *user) settle(d *dice, nat bool, at int64) {
	country, city := int(u.country), int(u.city)
	if nat {
		u.home, u.homeHost = prefixAt(country, residentials-1, city, natNumber), byte(1+d.below(hostsOfNAT))
		u.renumberAt = never
	} else {
		u.home = prefixAt(country, residentialAS+d.zipf(residentials), city, d.below(natNumber))
		u.homeHost = host(d)
		u.daily = d.chance(dailyRenumber)
		u.renumberAt = u.nextRenumbering(d, at)
		if !u.daily && d.chance(staticHomes) {
			u.renumberAt = never
		}
	}
	system := mobileAS + d.zipf(mobiles)
	for i := range u.pool {
		u.pool[i] = prefixAt(country, system, city, d.below(mobileNumber))
	}
	u.mobile = u.pool[0]
}

// nextRenumbering is at a fixed hour of the night for those who are renumbered daily.
func (u *user) nextRenumbering(d *dice, at int64) int64 {
	if u.daily {
		return at - at%day + day + 2*hour + int64(u.homeHost)*minute/3
	}
	return at + span(86400*d.exponential(renumberMean))
}

const never = int64(1) << 62

func host(d *dice) byte { return byte(d.from(1, 254)) }

func elsewhereThan(d *dice, country int) int {
	for {
		if c := drawCountry(d); c != country {
			return c
		}
	}
}

// takeHabits draws what the user likes to do, and how fast.
func (u *user) takeHabits(w *world) {
	d := &u.dice
	u.pace = d.lognormal(10, 0.35)
	for k := range u.favourites {
		n := len(routes[k])
		for i := range n {
			j := d.below(i + 1)
			u.favourites[k][i] = u.favourites[k][j]
			u.favourites[k][j] = uint8(i)
		}
	}
	u.schedule = newSchedule(w, u)
}

// age lets happen to the user's home and machines what has become due.
func (u *user) age(w *world, at int64) {
	d := &u.dice
	for u.renumberAt <= at {
		u.renumber(d)
		u.renumberAt = u.nextRenumbering(d, max(u.renumberAt, w.begin))
	}
	if w.Variant == Drift && at >= w.renumberAt && u.epoch < driftEpoch && u.home.system() == residentialAS {
		u.home = u.home.sameSystem(d, natNumber)
		u.epoch += driftEpoch
		u.homeCause = renumbered
	}
	if u.moveAt <= at {
		u.settle(d, false, at)
		u.moveAt = at + span(86400*d.exponential(moveMean))
		u.epoch++
		u.homeCause = newHome
	}
	if u.deviceAt <= at {
		i := d.below(u.count)
		free := u.devices[i].freeAt
		u.devices[i] = newDevice(d, u.devices[i].phone(), int(u.country), at)
		u.devices[i].pending, u.devices[i].freeAt = freshDevice, free
		u.deviceAt = at + span(86400*d.exponential(replaceMean))
	}
	for i := range u.count {
		u.devices[i].age(w, d, at)
	}
}

// driftEpoch marks that a home has gone through the renumbering of the variant drift.
const driftEpoch = 1 << 15

// renumber stays inside the /24 in half of cases (detection.md §4.2).
func (u *user) renumber(d *dice) {
	if d.chance(0.5) {
		u.home = u.home.sameSystem(d, natNumber)
	}
	u.homeHost = host(d)
	u.epoch++
	u.homeCause = renumbered
}
