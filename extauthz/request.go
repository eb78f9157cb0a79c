package extauthz

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// The context extensions by which Envoy's configuration says where a request goes
// (check_settings of ExtAuthzPerRoute). Any other of the prefix is refused: one
// that is misspelt must not leave a route without what it should have said.
const (
	extensionPrefix  = "riskd_"
	extensionProfile = extensionPrefix + "profile"
	extensionClass   = extensionPrefix + "class"
	extensionRoute   = extensionPrefix + "route"
	extensionTenant  = extensionPrefix + "tenant"
)

var errMalformed = errors.New("malformed")

// request reads a check, and by which profile it is to be read. Of the body,
// the SNI and the destination nothing is taken.
func (s *Server) request(in *authv3.CheckRequest) (profile string, r *gateway.Request, err error) {
	attributes := in.GetAttributes()
	h := attributes.GetRequest().GetHttp()
	if h == nil {
		return "", nil, errMalformed
	}
	r = &gateway.Request{Method: h.GetMethod(), Path: h.GetPath(), Told: true}
	if raw := h.GetHeaderMap().GetHeaders(); len(raw) > 0 {
		r.Header = rawHeader(raw)
	} else {
		r.Header, r.Said.Joined = joinedHeader(h.GetHeaders()), true
	}
	if profile, err = s.extensions(attributes.GetContextExtensions(), &r.Said); err != nil {
		return "", nil, err
	}
	if r.Said.Binding, err = bindingOf(attributes.GetSource().GetCertificate()); err != nil {
		return "", nil, err
	}
	r.Peer = addressOf(attributes.GetSource().GetAddress())
	if at, ok := s.Metadata[profile]; ok {
		if payload := attributes.GetMetadataContext().GetFilterMetadata()[at.Filter].GetFields()[at.Key].GetStructValue(); payload != nil {
			r.Claims = payload.AsMap()
		}
	}
	return profile, r, nil
}

// rawHeader gives the headers as they came (encode_raw_headers: true).
func rawHeader(lines []*corev3.HeaderValue) http.Header {
	h, values := make(http.Header, len(lines)), make([]string, len(lines))
	for i, line := range lines {
		if strings.HasPrefix(line.GetKey(), ":") {
			continue
		}
		values[i] = line.GetValue()
		if raw := line.GetRawValue(); len(raw) > 0 {
			values[i] = string(raw)
		}
		name := http.CanonicalHeaderKey(line.GetKey())
		if there, ok := h[name]; ok {
			h[name] = append(there, values[i])
			continue
		}
		h[name] = values[i : i+1 : i+1]
	}
	return h
}

// joinedHeader gives the headers of which Envoy has made one each.
func joinedHeader(lines map[string]string) http.Header {
	h, values := make(http.Header, len(lines)), make([]string, 0, len(lines))
	for name, value := range lines {
		if strings.HasPrefix(name, ":") {
			continue
		}
		values = append(values, value)
		name, n := http.CanonicalHeaderKey(name), len(values)
		// Envoy's names are lower-case, and there once; others' might not be.
		h[name] = append(h[name], values[n-1:n:n]...)
	}
	return h
}

// extensions reads what Envoy's configuration says of the route.
func (s *Server) extensions(said map[string]string, to *gateway.Said) (profile string, err error) {
	profile = s.Profile
	for name, value := range said {
		if !strings.HasPrefix(name, extensionPrefix) {
			continue // is for somebody else
		}
		switch name {
		case extensionProfile:
			profile = value
		case extensionRoute:
			to.Route = &value
		case extensionTenant:
			to.Tenant = &value
		case extensionClass:
			class, err := riskd.ParseClass(value)
			if err != nil || value == "" {
				return "", errMalformed
			}
			to.Class = &class
		default:
			return "", errMalformed
		}
	}
	return profile, nil
}

// bindingOf gives what the client's certificate proves, which Envoy sends with
// include_peer_certificate: the TLS handshake has shown that the client has its
// key. The thumbprint is that of RFC 8705 §3.1 (x5t#S256).
func bindingOf(certificate string) (riskd.Binding, error) {
	if certificate == "" {
		return riskd.Binding{}, nil
	}
	text, err := url.PathUnescape(certificate)
	if err != nil {
		return riskd.Binding{}, errMalformed
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return riskd.Binding{}, errMalformed
	}
	sum := sha256.Sum256(block.Bytes)
	return riskd.Binding{Type: "mtls", Thumbprint: base64.RawURLEncoding.EncodeToString(sum[:]), Verified: true}, nil
}

// addressOf gives the far end of the client's connection to Envoy, the zero address
// if it has none.
func addressOf(a *corev3.Address) netip.Addr {
	ip, err := netip.ParseAddr(a.GetSocketAddress().GetAddress())
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
