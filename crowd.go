package riskd

// Crowd is how usual the features of an event are among all users of its tenant,
// as far as they were counted: at arrivals, which are logins and changes of network
// or machine within a session. Counts fade, by half in 30 days.
type Crowd struct {
	// Looked says that the crowd was asked: only on an arrival.
	Looked bool
	// Arrivals are all of the tenant's that were learned from.
	Arrivals float64
	Prefix   Popularity // IPv4 /24, IPv6 /48
	ASN      Popularity
	Country  Popularity
	Agent    Popularity // family, system and major version
	Browser  Popularity // family and system
	Stack    Popularity // Browser with the TLS library that its JA4 shows
	Language Popularity
	Device   Popularity // by its id
	Print    Popularity // by its fingerprint
}

// Popularity is how usual one feature is. All of it is 0 for a feature that the
// event doesn't have.
type Popularity struct {
	// Count is how many arrivals had it that were learned from, fading.
	Count float64
	// Users and Before are how many different users came with it, learned from or
	// not, on this UTC day and on the one before: estimates, off by some 10 %, that
	// end at about 500.
	Users, Before float64
}

// StackOf is the part of a JA4 fingerprint that a TLS library decides: protocol,
// version and ciphers, without the extensions, which change from one connection to
// the next ("" when there is no JA4). It is that of TCP alone: over QUIC the same
// browser offers other ciphers, and browsers use both.
func StackOf(ja4 string) string {
	const a, b = 10, 12 // lengths of the parts, FoxIO's JA4
	if len(ja4) < a+1+b || ja4[a] != '_' || ja4[0] != 't' {
		return ""
	}
	return ja4[1:3] + ja4[4:6] + ja4[a:a+1+b]
}
