package gateway

import (
	"fmt"
	"strings"
)

// Style is the dialect in which a gateway tells what the client asked for.
type Style uint8

// The dialects of gateways.
const (
	Nginx   Style = iota + 1 // auth_request: what proxy_set_header says
	Caddy                    // forward_auth
	Traefik                  // ForwardAuth
	HAProxy                  // Lua: what the script says
	APISIX                   // forward-auth
	// Envoy is ext_authz. Over HTTP the method and, below the profile's, the path
	// are the client's own; over gRPC they are members of the check.
	Envoy
)

// styles are the headers with the method and the URI of the client's request,
// which Envoy doesn't need; that with the URI is looked at only where a profile
// has routes. Nothing else of X-Original-* and X-Forwarded-* but X-Forwarded-For
// is.
var styles = [...]struct{ name, method, uri string }{
	Nginx:   {"nginx", "X-Original-Method", "X-Original-Uri"},
	Caddy:   {"caddy", "X-Forwarded-Method", "X-Forwarded-Uri"},
	Traefik: {"traefik", "X-Forwarded-Method", "X-Forwarded-Uri"},
	HAProxy: {"haproxy", "X-Original-Method", "X-Original-Uri"},
	APISIX:  {"apisix", "X-Forwarded-Method", "X-Forwarded-Uri"},
	Envoy:   {"envoy", "", ""},
}

// Styles are the names of the dialects.
func Styles() []string {
	var names []string
	for _, s := range styles[1:] {
		names = append(names, s.name)
	}
	return names
}

func (s Style) String() string {
	if s > 0 && int(s) < len(styles) {
		return styles[s].name
	}
	return ""
}

// ParseStyle reads the name of a dialect.
func ParseStyle(name string) (Style, error) {
	for s := Nginx; int(s) < len(styles); s++ {
		if styles[s].name == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", name, strings.Join(Styles(), ", "))
}
