package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/riskd/riskd"
)

// Profile says how to read what one gateway, or one location of it, asks.
//
// Beside the headers named here only User-Agent, Accept-Language,
// X-Forwarded-For and those of the style are looked at; whatever the gateway
// doesn't set itself it must delete, or the client's own would be believed.
type Profile struct {
	// Name is 1 to 64 lower-case letters, digits and hyphens.
	Name   string
	Style  Style
	Tenant string
	// Class is how much harm the requests behind this profile can do. It comes
	// from here and never from the path, which gateway and application may read
	// differently.
	Class riskd.Class
	// Session is where the session id is.
	Session Source
	// Device is where the device's id is. Optional.
	Device Source
	// The names of the headers in which the gateway gives what it knows. Optional.
	User      string // the user's id
	Roles     string // separated by commas
	StartedAt string // when the session began, in Unix seconds
	AuthTime  string // OIDC auth_time, in Unix seconds: without it no step-up can be met
	ACR       string // OIDC acr
	AMR       string // RFC 8176 amr, separated by commas or spaces
	Route     string // the template of the route, such as /orders/{id}
}

// Source is where in a request a value is: in a cookie or in a header. Of an
// Authorization header it is what follows the scheme.
type Source struct {
	Cookie string
	Header string
}

// profile is a Profile made ready: its names are canonical, and owned
// holds every header that it reads and whether that may come more than once.
type profile struct {
	Profile
	owned map[string]bool
}

var (
	profileName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	// A token (RFC 9110 §5.6.2), for headers without _ and .
	fieldName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+^`|~-]+$")
	cookieName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// callerHeader is where a gateway shows its own token; callers.Header is the same.
const callerHeader = "X-Riskd-Authorization"

// forwardedFor is the one list among the headers that riskd reads.
const forwardedFor = "X-Forwarded-For"

// Validate reports what is wrong with a profile, beginning with the field.
func (f Profile) Validate() error {
	_, err := newProfile(f)
	return err
}

func newProfile(f Profile) (*profile, error) {
	switch {
	case !profileName.MatchString(f.Name):
		return nil, fmt.Errorf("name: %q must be 1 to 64 lower-case letters, digits and hyphens", f.Name)
	case int(f.Style) >= len(styles) || f.Style == 0:
		return nil, errors.New("style: must be one of " + strings.Join(Styles(), ", "))
	case f.Session == Source{}:
		return nil, errors.New("session: is required: name the cookie or the header with the session id")
	case len(f.Tenant) > riskd.MaxID:
		return nil, fmt.Errorf("tenant: is longer than %d bytes", riskd.MaxID)
	}
	p := &profile{f, map[string]bool{
		"User-Agent": false, "Accept-Language": false, forwardedFor: true, "Cookie": true, callerHeader: false,
	}}
	if name := styles[f.Style].method; name != "" {
		p.owned[name] = false
	}
	for _, field := range []struct {
		name   string
		header *string
	}{
		{"session.header", &p.Session.Header},
		{"device.header", &p.Device.Header},
		{"user", &p.User},
		{"roles", &p.Roles},
		{"started_at", &p.StartedAt},
		{"auth_time", &p.AuthTime},
		{"acr", &p.ACR},
		{"amr", &p.AMR},
		{"route", &p.Route},
	} {
		if *field.header == "" {
			continue
		}
		if !fieldName.MatchString(*field.header) {
			return nil, fmt.Errorf("%s: %q is not the name of a header; _ and . are not taken in it, because gateways disagree on them", field.name, *field.header)
		}
		*field.header = http.CanonicalHeaderKey(*field.header)
		if _, taken := p.owned[*field.header]; taken {
			return nil, fmt.Errorf("%s: %s is read for something else already", field.name, *field.header)
		}
		p.owned[*field.header] = false
	}
	if err := p.Session.validate("session"); err != nil {
		return nil, err
	}
	return p, p.Device.validate("device")
}

func (s Source) validate(name string) error {
	if s.Cookie != "" && s.Header != "" {
		return fmt.Errorf("%s: must be a cookie or a header, not both", name)
	}
	if s.Cookie != "" && !cookieName.MatchString(s.Cookie) {
		return fmt.Errorf("%s: %q is not the name of a cookie", name, s.Cookie)
	}
	return nil
}

// errMalformed stands for every header that can be read in two ways, or in none.
var errMalformed = errors.New("malformed")

// check refuses requests whose headers gateway, application and riskd could
// read differently: one that riskd reads under a name that some servers take for
// the same, one that comes twice, one that Connection tells proxies to drop.
func (p *profile) check(h http.Header) error {
	for name, values := range h {
		if repeatable, owned := p.owned[name]; owned && !repeatable && len(values) > 1 {
			return errMalformed
		}
		if strings.ContainsAny(name, "_.") && p.owns(name) {
			return errMalformed
		}
	}
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if p.owns(strings.Trim(option, " \t")) {
				return errMalformed
			}
		}
	}
	return nil
}

var dashes = strings.NewReplacer("_", "-", ".", "-")

// owns reports whether some server could take the name for a header that the
// profile reads.
func (p *profile) owns(name string) bool {
	_, ok := p.owned[http.CanonicalHeaderKey(dashes.Replace(name))]
	return ok
}

// value reads a source; "" is nothing there. It is an error if there is more
// than one value.
func (s Source) value(h http.Header) (string, error) {
	if s.Cookie != "" {
		return cookie(h["Cookie"], s.Cookie)
	}
	value := strings.Trim(header(h, s.Header), " \t")
	if s.Header == "Authorization" {
		// The same token after a scheme in other letters is the same session.
		_, token, _ := strings.Cut(value, " ")
		value = strings.Trim(token, " \t")
	}
	return value, nil
}
