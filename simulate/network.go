package simulate

import (
	"math"
	"strconv"

	"github.com/riskd/riskd"
)

// prefix is an IPv4 /24, as the upper three bytes of its addresses. All lie in
// 240.0.0.0/4, which is nobody's (RFC 1112 §4). A prefix says by itself which
// network, country and city it belongs to.
type prefix uint32

const (
	firstPrefix  = 0xf00000
	systems      = 29  // autonomous systems of a country
	perCity      = 256 // prefixes of a system in a city
	firstAS      = 4_200_000_000
	hostsOfNAT   = 8
	natNumber    = 255 // the prefix of a carrier's NAT, in the last residential system
	mobileNumber = 16  // prefixes of a mobile network in a city
	exitNumber   = 8   // prefixes of a VPN or a hosting provider in a city
)

// The systems of each country: 6 residential, 3 mobile, 12 business, 5 hosting and
// 3 VPN (detection.md §4.2, assumed there).
const (
	residentialAS = 0
	mobileAS      = 6
	businessAS    = 9
	hostingAS     = 21
	vpnAS         = 26
	residentials  = mobileAS - residentialAS
	mobiles       = businessAS - mobileAS
	businesses    = hostingAS - businessAS
	hostings      = vpnAS - hostingAS
	vpns          = systems - vpnAS
)

func prefixAt(country, system, city, number int) prefix {
	return prefix(firstPrefix + ((country*systems+system)*citiesPerCountry+city)*perCity + number)
}

func (p prefix) block() int   { return int(p-firstPrefix) / perCity }
func (p prefix) city() int    { return p.block() % citiesPerCountry }
func (p prefix) system() int  { return p.block() / citiesPerCountry % systems }
func (p prefix) country() int { return p.block() / citiesPerCountry / systems }
func (p prefix) asn() uint32 {
	return firstAS + uint32(100*p.country()+p.system())
}

func (p prefix) kind() riskd.NetworkKind {
	switch s := p.system(); {
	case s < mobileAS:
		return riskd.NetworkResidential
	case s < businessAS:
		return riskd.NetworkMobile
	case s < hostingAS:
		return riskd.NetworkBusiness
	case s < vpnAS:
		return riskd.NetworkHosting
	}
	return riskd.NetworkVPN
}

// sameSystem gives another prefix of the system in the same city.
func (p prefix) sameSystem(d *dice, numbers int) prefix {
	base := p - prefix(int(p-firstPrefix)%perCity)
	q := base + prefix(d.below(numbers))
	if q == p {
		q = base + prefix((int(p-base)+1)%numbers)
	}
	return q
}

// How far off geolocation is, in km: the median of a lognormal distribution, and the
// radius that the database admits (9 and 190 by arXiv 2605.21937, the rest assumed).
var geoError = map[riskd.NetworkKind]struct{ median, radius float64 }{
	riskd.NetworkResidential: {9, 20},
	riskd.NetworkMobile:      {190, 200},
	riskd.NetworkBusiness:    {12, 20},
	riskd.NetworkHosting:     {5, 20},
	riskd.NetworkVPN:         {30, 100},
}

const (
	geoErrorSigma = 1.0 // assumed
	// elsewhere is the share of mobile prefixes that a database puts into another
	// city of the country (assumed).
	elsewhere = 0.2
)

// place is what a database says of a prefix: the same for ever.
func (w *world) place(p prefix) riskd.Place {
	d := roll(w.Seed, uint64(p), forPlace)
	c := &countries[p.country()]
	out := riskd.Place{Country: c.code, ASN: p.asn(), Org: orgName(p), Network: p.kind()}
	if w.Variant == GeoOff {
		return out
	}
	at := &c.cities[p.city()]
	if out.Network == riskd.NetworkMobile && d.chance(elsewhere) {
		at = &c.cities[d.below(citiesPerCountry)]
	}
	e := geoError[out.Network]
	off := min(d.lognormal(e.median, geoErrorSigma), 2000) / kmPerDegree
	bearing := d.between(0, 2*math.Pi)
	out.City, out.Located, out.RadiusKM = at.name, true, e.radius
	out.Lat = min(max(at.lat+off*math.Cos(bearing), -85), 85)
	out.Lon = at.lon + off*math.Sin(bearing)/max(0.2, math.Cos(at.lat*math.Pi/180))
	if out.Lon > 180 {
		out.Lon -= 360
	} else if out.Lon < -180 {
		out.Lon += 360
	}
	return out
}

const kmPerDegree = 111.2

func orgName(p prefix) string {
	return countries[p.country()].code + " " + p.kind().String() + " " + strconv.Itoa(p.system())
}
