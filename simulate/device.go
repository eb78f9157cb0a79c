package simulate

// look is all that an application sees of a machine. It has no pointers and can be
// compared and copied, as thieves do.
type look struct {
	agent    uint8
	releases uint8 // of the browser since the simulation began
	tls      tlsStack
	form     uint8 // of the TLS stack
	screen   uint8
	gpu      uint8
	language uint8 // by country
	zone     uint8 // by country
	fonts    uint16
	salt     uint32 // what a canvas shows besides
	id       uint64 // the first-party cookie, 0 is none
}

func (l *look) phone() bool { return agents[l.agent].phone }

// fingerprint is over what a page collects, the user agent included, and neither
// over the cookie nor over what only the network sees.
func (l *look) fingerprint() uint64 {
	return hash(uint64(l.agent)|uint64(l.releases)<<8|uint64(l.screen)<<16|uint64(l.gpu)<<24|uint64(l.language)<<32|uint64(l.zone)<<40|uint64(l.fonts)<<48, uint64(l.salt))
}

// device is one machine of a user, and what becomes of it.
type device struct {
	look
	upgradeAt, driftAt, lossAt int64
	freeAt                     int64 // when the last sitting at it is over
	epoch                      uint16
	used                       bool
	last                       linkKind
	vpn                        bool
	pending                    causes // of what happened since it was last used
}

// How often things happen to a device, in days (detection.md §4.2, the last assumed).
const (
	upgradeLeast, upgradeMost = 14.0, 42.0
	driftMean                 = 20.0
	lossMean                  = 70.0
	replaceMean               = 500.0
)

func newDevice(d *dice, phone bool, country int, at int64) device {
	agent := drawAgent(d, phone)
	v := device{look: look{
		agent: agent, tls: agents[agent].tls, language: uint8(country), zone: uint8(country),
		screen: uint8(d.zipf(len(screens[phone]))),
		gpu:    uint8(d.zipf(len(processors[agents[agent].platform]))),
		fonts:  uint16(d.next()), salt: uint32(d.next()), id: d.next(),
	}}
	v.upgradeAt = at + span(86400*d.between(0, upgradeMost))
	v.driftAt = at + span(86400*d.exponential(driftMean))
	v.lossAt = at + span(86400*d.exponential(lossMean))
	return v
}

// age lets happen what has become due, and notes it to be told with the next request.
func (v *device) age(w *world, d *dice, at int64) {
	for ; v.upgradeAt <= at; v.upgradeAt += span(86400 * d.between(upgradeLeast, upgradeMost)) {
		v.upgrade(false)
	}
	if w.Variant == Drift && at >= w.releaseAt+int64(v.salt)%(7*day) && v.form != laterRelease {
		v.upgrade(true)
	}
	for ; v.driftAt <= at; v.driftAt += span(86400 * d.exponential(driftMean)) {
		if w.Variant != Clean {
			v.drift(d)
		}
	}
	for ; v.lossAt <= at; v.lossAt += span(86400 * d.exponential(lossMean)) {
		if w.Variant != Clean {
			v.id = d.next()
			v.pending |= cookieLost
		}
	}
}

func (v *device) upgrade(stack bool) {
	v.releases++
	if stack {
		v.form = laterRelease
	}
	v.pending |= browserUpdate
}

// drift is another screen, a font or a driver installed (shares assumed).
func (v *device) drift(d *dice) {
	switch d.weighed(0.45, 0.40, 0.15) {
	case 0:
		v.screen = uint8((int(v.screen) + 1 + d.below(8)) % len(screens[v.phone()]))
	case 1:
		v.fonts = uint16(d.next())
	default:
		v.salt = uint32(d.next())
	}
	v.pending |= fingerprintDrift
}

// linkKind is how a device is connected.
type linkKind uint8

const (
	atHome linkKind = iota
	atOffice
	onCellular
	away // a hotel's network
)

func (k linkKind) mobile() bool { return k == onCellular }
