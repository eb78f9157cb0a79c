package gateway

import (
	"strings"

	"github.com/riskd/riskd"
)

// Said is what a gateway itself says of a request, in a protocol that keeps that
// apart from what its client says in headers.
type Said struct {
	// What the gateway's configuration says of where the request goes. Each takes
	// the place of the profile's; nil leaves it.
	Tenant, Route *string
	Class         *riskd.Class
	// Binding is what the client's own connection proves.
	Binding riskd.Binding
	// Joined says that headers which came twice have been made one, with commas.
	// Then such a comma can't be told from the client's own.
	Joined bool
}

// joined reports whether headers that came twice have been made one. Over HTTP, too,
// Envoy asks with one of each name.
func (in *Request) joined(p *profile) bool {
	return in.Said.Joined || !in.Told && p.Style == Envoy
}

func or[T any](said *T, otherwise T) T {
	if said != nil {
		return *said
	}
	return otherwise
}

// lists are the headers in which commas are usual, whoever has put them there. A
// client that sends these twice says no more than it could in one.
var lists = map[string]bool{"User-Agent": true, "Accept-Language": true, forwardedFor: true, "Cookie": true}

// checkJoined refuses what could have been two headers: of which the gateway set one
// and the client another, riskd can't tell, and applications take either.
func (p *profile) checkJoined(in *Request) error {
	for name := range p.owned {
		if !lists[name] && strings.Contains(header(in.Header, name), ",") {
			return errMalformed
		}
	}
	return nil
}

// cookieLines are the lines to look for cookies in. What is left of a comma and
// right of it may have been two lines: a cookie has to have the same value either
// way.
func (in *Request) cookieLines(p *profile) []string {
	lines := in.Header["Cookie"]
	if !in.joined(p) {
		return lines
	}
	for _, line := range lines {
		if strings.Contains(line, ",") {
			lines = append(lines[:len(lines):len(lines)], strings.Split(line, ",")...)
		}
	}
	return lines
}
