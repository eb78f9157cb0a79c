package riskd

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Place is where an address is and what kind of network it belongs to. What
// isn't known stays zero; unknown is a fact, not an error.
type Place struct {
	Country string // ISO 3166-1 alpha-2, "" when unknown
	City    string
	// Located says that Lat, Lon and RadiusKM are known.
	Located  bool
	Lat, Lon float64
	// RadiusKM is the radius in which the address lies with 67 % probability,
	// as geolocation databases define it; 0 when the database doesn't say.
	RadiusKM float64
	ASN      uint32 // 0 when unknown
	Org      string
	Network  NetworkKind
	// Build is the build time of the database that located the address, in Unix
	// seconds: a place that moved with the database is no travel.
	Build int64
}

// NetworkKind is what kind of network an address belongs to.
type NetworkKind uint8

// The kinds of network. An address that several sources name gets the one
// that says most about who hides behind it: Tor before proxy before VPN before
// hosting, and those before the access networks.
const (
	NetworkUnknown NetworkKind = iota
	NetworkResidential
	NetworkMobile
	NetworkBusiness
	NetworkSatellite
	NetworkHosting
	NetworkVPN
	NetworkProxy
	NetworkTor
)

var networkNames = []string{"unknown", "residential", "mobile", "business", "satellite", "hosting", "vpn", "proxy", "tor"}

func (k NetworkKind) String() string { return nameOf(networkNames, uint8(k)) }

// ParseNetworkKind reads the name of a kind of network.
func ParseNetworkKind(s string) (NetworkKind, error) {
	i, err := parseName(networkNames, s)
	return NetworkKind(i), err
}

// Anonymous reports whether the network hides where its user is: what it says
// of the place is the exit's place.
func (k NetworkKind) Anonymous() bool { return k >= NetworkHosting }

// Prefix is the unit in which riskd compares addresses, never the address
// itself: an IPv4 /24 or an IPv6 /48, packed without pointers. With single
// addresses as the unit nearly all false step-ups fall on users of relays
// (docs/detection.md).
type Prefix uint64

const prefixV4 Prefix = 1 << 63

// PrefixOf gives the prefix of an address, 0 where that is unknown; IPv4-mapped IPv6
// counts as IPv4.
func PrefixOf(a netip.Addr) Prefix {
	a = a.Unmap()
	switch {
	case !a.IsValid(), a.IsUnspecified():
		return 0
	case a.Is4():
		b := a.As4()
		return prefixV4 | Prefix(b[0])<<16 | Prefix(b[1])<<8 | Prefix(b[2])
	default:
		b := a.As16()
		return Prefix(binary.BigEndian.Uint64(b[:8])>>16) | 1<<62
	}
}

func (p Prefix) String() string {
	switch {
	case p == 0:
		return ""
	case p&prefixV4 != 0:
		return fmt.Sprintf("%d.%d.%d.0/24", byte(p>>16), byte(p>>8), byte(p))
	default:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], uint64(p&^(1<<62))<<16)
		return netip.PrefixFrom(netip.AddrFrom16(b), 48).String()
	}
}

// Within reports whether all of the prefix lies in a network.
func (p Prefix) Within(n netip.Prefix) bool {
	if p == 0 {
		return false
	}
	if p&prefixV4 != 0 {
		return n.Bits() <= 24 && n.Contains(netip.AddrFrom4([4]byte{byte(p >> 16), byte(p >> 8), byte(p)}))
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(p&^(1<<62))<<16)
	return n.Bits() <= 48 && n.Contains(netip.AddrFrom16(b))
}

// Context is where a request came from, in the unit that riskd remembers. The zero
// Context is unknown: it is like no other, itself included.
type Context struct {
	Prefix  Prefix
	ASN     uint32
	Country Country
}

// ContextOf gives an event's context.
func ContextOf(e *Event) Context {
	return Context{Prefix: PrefixOf(e.Client.IP), ASN: e.Place.ASN, Country: CountryOf(e.Place.Country)}
}

// Country is an ISO 3166-1 alpha-2 code; the zero Country is unknown.
type Country [2]byte

// CountryOf packs a country code; anything but two bytes is unknown.
func CountryOf(code string) Country {
	if len(code) != 2 {
		return Country{}
	}
	return Country{code[0], code[1]}
}

func (c Country) String() string {
	a, b := int(c[0])-'A', int(c[1])-'A'
	switch {
	case c == Country{}:
		return ""
	case a < 0 || a > 25 || b < 0 || b > 25:
		return string(c[:])
	}
	return countryCodes[2*(26*a+b):][:2]
}

// countryCodes are all codes of two capital letters in a row: a code that is cut
// out of it needs no allocation.
var countryCodes = func() string {
	codes := make([]byte, 0, 2*26*26)
	for a := byte('A'); a <= 'Z'; a++ {
		for b := byte('A'); b <= 'Z'; b++ {
			codes = append(codes, a, b)
		}
	}
	return string(codes)
}()
