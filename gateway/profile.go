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
	// Class is how much harm the requests behind this profile can do.
	Class riskd.Class
	// ClassHeader is the header in which the gateway gives the class of a location,
	// where it isn't Class. Optional.
	ClassHeader string
	// Routes say by method and path what a request is; one that none is about is of
	// the strictest class. With them there is neither of the three others that say it:
	// Class, ClassHeader and Route. Optional.
	Routes []Route
	// Session is where the session id is.
	Session Source
	// JWT says what of the claims of the token in Session is read. Optional.
	JWT JWT
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

// Source is where in a request a value is: in a cookie, in a header, or the token
// in Authorization. Of an Authorization header it is what follows the scheme.
type Source struct {
	Cookie string
	Header string
	// Bearer is what follows Bearer or DPoP in Authorization, which are schemes for
	// the same tokens (RFC 6750, RFC 9449).
	Bearer bool
}

// profile is a Profile made ready: its names are canonical, and owned
// holds every header that it reads and whether that may come more than once.
type profile struct {
	Profile
	owned  map[string]bool
	routes routes
	keys   keyring
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
	case f.Session == Source{} && (f.JWT.SessionClaim == "" || f.JWT.KeysFile != ""):
		return nil, errors.New("session: is required: name the cookie or the header with the session id, or bearer")
	case len(f.Tenant) > riskd.MaxID:
		return nil, fmt.Errorf("tenant: is longer than %d bytes", riskd.MaxID)
	}
	p := &profile{Profile: f, owned: map[string]bool{
		"User-Agent": false, "Accept-Language": false, forwardedFor: true, "Cookie": true, callerHeader: false,
	}}
	if name := styles[f.Style].method; name != "" {
		p.owned[name] = false
	}
	if err := errors.Join(p.takeRoutes(), p.takeJWT()); err != nil {
		return nil, err
	}
	for _, source := range []*Source{&p.Session, &p.Device} {
		if source.Bearer && source.Header == "" {
			source.Header = authorization
		}
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
		{"class_header", &p.ClassHeader},
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

// takeRoutes makes the routes ready, if there are any. The header with the URI is
// looked at with them alone.
func (p *profile) takeRoutes() (err error) {
	if len(p.Routes) == 0 {
		return nil
	}
	switch {
	case p.Class != riskd.ClassStandard:
		return errors.New("class: does nothing beside routes: give its class to a route {path: /{rest...}}")
	case p.ClassHeader != "":
		return errors.New("class_header: does nothing beside routes, which say the class")
	case p.Route != "":
		return errors.New("route: does nothing beside routes, which have the templates")
	}
	if name := styles[p.Style].uri; name != "" {
		p.owned[name] = false
	}
	p.routes, err = newRoutes(p.Routes)
	return err
}

func (s Source) validate(name string) error {
	if s.Cookie != "" && s.Header != "" || s.Bearer && s != bearer {
		return fmt.Errorf("%s: must be one of cookie, header and bearer", name)
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
