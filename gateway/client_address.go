package gateway

import (
	"fmt"
	"net/netip"
	"strings"
)

// proxies are the networks whose word on a client's address is believed.
type proxies []netip.Prefix

func newProxies(networks []netip.Prefix) (proxies, error) {
	for _, n := range networks {
		switch {
		case !n.IsValid():
			return nil, fmt.Errorf("%s is not a network", n)
		case n.Bits() == 0:
			return nil, fmt.Errorf("%s trusts everybody, so that anybody could choose his own address: name your proxies' networks", n)
		case n.Addr().Is4In6():
			return nil, fmt.Errorf("%s would match no address: write it as an IPv4 network", n)
		}
	}
	return networks, nil
}

func (p proxies) trust(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// client finds the client's address: the peer's or, as long as the address so
// far is that of a trusted proxy, what that proxy said in X-Forwarded-For, which
// is read from right to left. What the first proxy that isn't trusted said can
// be anybody's invention and is never looked at; an entry that is no address
// ends the walk as well. The address is the zero one if the peer has none. A local
// peer is trusted as if its address were a trusted proxy's.
func (p proxies) client(peer netip.Addr, local bool, forwardedFor []string) netip.Addr {
	client, trusted := peer, local || p.trust(peer)
	for i := len(forwardedFor) - 1; i >= 0; i-- {
		for line, more := forwardedFor[i], true; more; {
			if !trusted {
				return client
			}
			comma := strings.LastIndexByte(line, ',')
			entry, ok := forwardedAddress(strings.Trim(line[comma+1:], " \t"))
			if !ok {
				return client
			}
			client, trusted = entry, p.trust(entry)
			if more = comma >= 0; more {
				line = line[:comma]
			}
		}
	}
	return client
}

// PeerAddress gives the address of the far end of a connection, the zero one if
// it has none.
func PeerAddress(remote string) netip.Addr {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap().WithZone("")
}

// forwardedAddress reads one entry of X-Forwarded-For: an address, an IPv6 one
// perhaps in brackets, with or without a port.
func forwardedAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
			a, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
			if a.Is4() {
				return netip.Addr{}, false
			}
		} else {
			var withPort netip.AddrPort
			withPort, err = netip.ParseAddrPort(s)
			a = withPort.Addr()
		}
	}
	return a.Unmap().WithZone(""), err == nil
}
