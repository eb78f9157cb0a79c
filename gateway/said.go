package gateway

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// Said is what a gateway itself says of a request, in a protocol that keeps that
// apart from what its client says in headers. Then Peer is the far end of the
// client's connection, as the gateway has it.
type Said struct {
	// What the gateway's configuration says of where the request goes. Each takes
	// the place of the profile's; nil leaves it.
	Tenant, Route *string
	Class         *riskd.Class
	// Claims are those of the client's token, whose signature, issuer, audience and
	// time the gateway has checked; values are as encoding/json decodes them. They
	// go before headers.
	Claims map[string]any
	// Binding is what the client's own connection proves.
	Binding riskd.Binding
	// Joined says that headers which came twice have been made one, with commas.
	// Then such a comma can't be told from the client's own.
	Joined bool
}

// nothing is said where the protocol has no room for it.
var nothing = &Said{}

func (in *Request) said() *Said {
	if in.Said != nil {
		return in.Said
	}
	return nothing
}

// joined reports whether headers that came twice have been made one. Over HTTP, too,
// Envoy asks with one of each name.
func (in *Request) joined(p *profile) bool {
	return in.said().Joined || in.Said == nil && p.Style == Envoy
}

// The claims that are read (OpenID Connect Core §2, RFC 8176).
const (
	claimUser     = "sub"
	claimACR      = "acr"
	claimAMR      = "amr"
	claimAuthTime = "auth_time"
)

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

// addClaims takes what the claims say into an event.
func addClaims(claims map[string]any, e *riskd.Event) error {
	for _, c := range [...]struct {
		name string
		to   *string
	}{{claimUser, &e.User.ID}, {claimACR, &e.Session.ACR}} {
		text, err := claimText(claims, c.name)
		if err != nil {
			return err
		}
		if text != "" {
			*c.to = text
		}
	}
	switch amr := claims[claimAMR].(type) {
	case nil:
	case string:
		e.Session.AMR = words(amr, " ,")
	case []any:
		e.Session.AMR = make([]string, len(amr))
		for i := range amr {
			method, ok := amr[i].(string)
			if !ok {
				return fmt.Errorf("%w: %s", errMalformed, claimAMR)
			}
			e.Session.AMR[i] = method
		}
	default:
		return fmt.Errorf("%w: %s", errMalformed, claimAMR)
	}
	switch at := claims[claimAuthTime].(type) {
	case nil:
	case float64:
		if !(at >= 0 && at < 1<<33) { // until the year 2242
			return fmt.Errorf("%w: %s", errMalformed, claimAuthTime)
		}
		e.Session.AuthTime = time.Unix(int64(at), 0).UTC()
	default:
		return fmt.Errorf("%w: %s", errMalformed, claimAuthTime)
	}
	return nil
}

// claimText gives a claim that has to be text, "" if it isn't there.
func claimText(claims map[string]any, name string) (string, error) {
	value, there := claims[name]
	if !there {
		return "", nil
	}
	text, ok := value.(string)
	if !ok || !utf8.ValidString(text) {
		return "", fmt.Errorf("%w: %s", errMalformed, name)
	}
	return text, nil
}
