package gateway

import (
	"net/http"
	"net/netip"

	"github.com/riskd/riskd"
)

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
	// Told says that Peer is the far end of the client's connection to its gateway, as
	// the protocol tells it, and not that of the gateway's to riskd.
	Told bool
	// Method and Path are the client's, where the protocol itself tells them; the
	// headers of the profile's style are looked at where they are "". The path is as
	// the client sent it, not decoded, with or without the query.
	Method, Path string
	// OwnMethod and OwnPath are those of the HTTP request with which a gateway asks:
	// the method, and what follows the profile in the path. They are the client's if
	// the profile's style says so, and not looked at otherwise.
	OwnMethod, OwnPath string
	// Claims are those of a token that the gateway itself has verified, as JSON has
	// them, nil if it verifies none. They are read where the profile names claims and
	// has no keys.
	Claims map[string]any
	// Said is what the gateway says beside headers.
	Said Said
}

// method is the client's.
func (in *Request) method(p *profile) string {
	switch {
	case in.Method != "":
		return in.Method
	case p.Style == Envoy:
		return in.OwnMethod
	}
	return header(in.Header, styles[p.Style].method)
}

// uri is the client's, as it sent it.
func (in *Request) uri(p *profile) string {
	switch {
	case in.Path != "":
		return in.Path
	case p.Style == Envoy:
		return in.OwnPath
	}
	return header(in.Header, styles[p.Style].uri)
}

// classify says what kind of request it is, by the gateway's word or by the
// path.
func (p *profile) classify(in *Request, e *riskd.Event, key *riskd.SessionKey) Refusal {
	if refusal := p.classifyAs(in, e, key); refusal != "" {
		return refusal
	}
	e.Request.Class, e.Request.Route = or(in.Said.Class, e.Request.Class), or(in.Said.Route, e.Request.Route)
	return ""
}

// classifyAs is classify by the profile alone.
func (p *profile) classifyAs(in *Request, e *riskd.Event, key *riskd.SessionKey) Refusal {
	e.Request.Method, e.Request.Class = in.method(p), p.Class
	if p.ClassHeader != "" {
		if word := header(in.Header, p.ClassHeader); word != "" {
			class, err := riskd.ParseClass(word)
			if err != nil {
				return Malformed
			}
			e.Request.Class = class
		}
	}
	if p.routes == nil {
		e.Request.Route = header(in.Header, p.Route)
		return ""
	}
	uri := in.uri(p)
	if uri == "" || !method.MatchString(e.Request.Method) {
		return Malformed
	}
	raw, decoded, ok := readPath(uri)
	if !ok {
		return PathAmbiguous
	}
	r := p.routes.find(e.Request.Method, raw, decoded)
	e.Request.Route, e.Request.Class, e.Request.Activity, e.Privilege = r.Path, r.Class, r.Activity, r.Privilege
	e.Request.Object = key.Mark("object", e.Tenant, r.object(decoded))
	return ""
}
