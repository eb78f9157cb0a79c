package simulate

import "math/bits"

// causes are the innocent reasons why a request may look odd, as a set.
type causes uint32

const (
	wifiToMobile causes = 1 << iota
	mobileToWifi
	reattached
	vpnOn
	vpnOff
	renumbered
	travel
	freshDevice
	cookieLost
	fingerprintDrift
	browserUpdate
	tlsNoise
	newHome
	oddHour
	rotated
	mistyped
)

var causeNames = [...]string{
	"wifi_to_mobile", "mobile_to_wifi", "reattached", "vpn_on", "vpn_off", "renumbered", "travel", "new_device",
	"cookie_lost", "fingerprint_drift", "browser_update", "tls_noise", "new_home", "odd_hour", "rotated", "mistyped",
}

// Causes are the names of all causes that a label may give.
func Causes() []string { return append([]string(nil), causeNames[:]...) }

// each calls with the name of every cause in the set.
func (c causes) each(call func(name string)) {
	for ; c != 0; c &= c - 1 {
		call(causeNames[bits.TrailingZeros32(uint32(c))])
	}
}

// Archetypes are what users mainly are; each is one.
func Archetypes() []string { return append([]string(nil), archetypeNames[:]...) }

type archetype uint8

const (
	plain archetype = iota
	onTheMove
	traveller
	behindNAT
	administrator
	vpnUser
	relayUser
)

var archetypeNames = [...]string{"plain", "mobile", "traveller", "nat", "admin", "vpn", "relay"}

func (a archetype) String() string { return archetypeNames[a] }
