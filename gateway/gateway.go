package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/riskd/riskd"
)

// Options are what a Reader knows of its gateways.
type Options struct {
	Profiles []Profile
	// TrustedProxies are the networks whose X-Forwarded-For is believed. None is
	// trusted by default.
	TrustedProxies []netip.Prefix
	// Key hashes raw session ids.
	Key *riskd.SessionKey
}

// Reader reads events out of what gateways ask. It is safe for concurrent use.
type Reader struct {
	key      *riskd.SessionKey
	profiles map[string]*profile
	proxies  proxies
}

// New makes a Reader.
func New(o Options) (*Reader, error) {
	if o.Key == nil {
		return nil, errors.New("gateway.Options.Key: is required")
	}
	r := &Reader{key: o.Key, profiles: map[string]*profile{}}
	var err error
	if r.proxies, err = newProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("gateway.Options.TrustedProxies: %w", err)
	}
	for i, f := range o.Profiles {
		p, err := newProfile(f)
		if err == nil && r.profiles[f.Name] != nil {
			err = fmt.Errorf("name: %q is given twice", f.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("gateway.Options.Profiles[%d]: %w", i, err)
		}
		r.profiles[f.Name] = p
	}
	return r, nil
}

// Request is a client's request as its gateway tells of it.
type Request struct {
	// Header has what the gateway sent; in it are the client's own headers, as far
	// as the gateway lets them through.
	Header http.Header
	// Peer is the far end of the connection, the zero address if it has none.
	Peer netip.Addr
	// Local says that the peer has no address because it is a gateway on this
	// machine, which asks through a unix socket. Its X-Forwarded-For is believed.
	Local bool
	// Method is the client's, where the protocol itself tells it; the header of the
	// profile's style is looked at where it is "".
	Method string
}
