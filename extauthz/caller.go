package extauthz

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// authorizations are the call's own metadata in which an Envoy shows its token
// (initial_metadata of its grpc_service). What the client sent is in the message.
var authorizations = [...]string{"x-riskd-authorization", "authorization"}

// local is who asks where nobody is asked who he is.
var local = riskd.Caller{Name: "local", Role: riskd.RoleAdmin}

// caller says who is asking, or why that one is refused.
func (s *Server) caller(ctx context.Context) (*riskd.Caller, gateway.Refusal) {
	if s.Callers == nil {
		return &local, ""
	}
	var shown riskd.Credentials
	if p, ok := peer.FromContext(ctx); ok {
		if on, ok := p.AuthInfo.(*connection); ok {
			shown = on.shown
		}
	}
	for _, name := range authorizations {
		shown.Authorization = append(shown.Authorization, metadata.ValueFromIncomingContext(ctx, name)...)
	}
	c, err := s.Callers.Caller(&shown)
	switch {
	case err != nil:
		return nil, gateway.UnknownCaller
	case !c.Role.May(riskd.RoleGateway):
		return nil, gateway.NotAllowed
	}
	return c, ""
}

// connection is what a connection has shown of its far end.
type connection struct {
	credentials.CommonAuthInfo
	kind  string
	shown riskd.Credentials
}

// AuthType names the protocol that has secured the connection.
func (c *connection) AuthType() string { return c.kind }

// handshaker is a server's credentials that look at each connection once.
type handshaker struct {
	credentials.TransportCredentials
	shown func(net.Conn, *tls.ConnectionState) riskd.Credentials
}

func newHandshaker(o *Options) credentials.TransportCredentials {
	h := handshaker{insecure.NewCredentials(), o.Shown}
	if o.TLS != nil {
		h.TransportCredentials = credentials.NewTLS(o.TLS)
	}
	if h.shown == nil {
		return h.TransportCredentials
	}
	return h
}

// ServerHandshake is TLS's own, or none, and notes what was shown.
func (h handshaker) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, info, err := h.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	on := &connection{kind: info.AuthType(), CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}
	var state *tls.ConnectionState
	if secured, ok := info.(credentials.TLSInfo); ok {
		on.CommonAuthInfo, state = secured.CommonAuthInfo, &secured.State
	}
	on.shown = h.shown(raw, state)
	return c, on, nil
}

// Clone is part of the interface.
func (h handshaker) Clone() credentials.TransportCredentials {
	return handshaker{h.TransportCredentials.Clone(), h.shown}
}
