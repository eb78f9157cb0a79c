package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/extauthz"
)

// extauthzConfig is the listener for Envoy's ext_authz over gRPC.
type extauthzConfig struct {
	Listen         string    `yaml:"listen"`
	TLS            tlsConfig `yaml:"tls"`
	Profile        string    `yaml:"profile"`
	MaxConnections int       `yaml:"max_connections"`
}

// metadataConfig is where Envoy puts the claims of verified tokens.
type metadataConfig struct {
	Filter string `yaml:"filter"`
	Key    string `yaml:"key"`
}

// jwtAuthn is the namespace of Envoy's own filter for tokens.
const jwtAuthn = "envoy.filters.http.jwt_authn"

// extauthzMetadata gives where each profile's claims are, by its name.
func extauthzMetadata(c *config) map[string]extauthz.Metadata {
	all := map[string]extauthz.Metadata{}
	for _, f := range c.Gateway.ForwardAuth {
		if at := f.JWTMetadata; at.Key != "" {
			if at.Filter == "" {
				at.Filter = jwtAuthn
			}
			all[f.Name] = extauthz.Metadata(at)
		}
	}
	return all
}

// extauthz checks the listener, and what only it can read.
func (f *configFaults) extauthz(c *config) {
	for i, p := range c.Gateway.ForwardAuth {
		at := fmt.Sprintf("gateway.forward_auth[%d]", i)
		if p.JWTMetadata.Filter != "" && p.JWTMetadata.Key == "" {
			f.add(at+".jwt_metadata.key", "is missing: it is payload_in_metadata of the filter")
		}
		given := !reflect.DeepEqual(p.JWT, jwtConfig{})
		switch {
		case given && p.JWT.KeysFile == "" && p.JWT.Issuer == "" && p.JWTMetadata.Key == "":
			f.add(at+".jwt", "has no keys_file, and no jwt_metadata says where Envoy puts what it has verified: no claim would ever be read")
		case p.JWTMetadata.Key != "" && (!given || p.JWT.KeysFile != ""):
			f.add(at+".jwt_metadata", "does nothing but beside a jwt without keys_file, which says what of the claims is read")
		}
	}
	e := &c.ExtAuthz
	if e.Listen == "" {
		if e.Profile != "" || e.TLS != (tlsConfig{}) {
			f.add("extauthz.listen", "is missing: without it Envoy can't ask over gRPC, and the rest of the section does nothing")
		}
		return
	}
	f.listener("extauthz", e.Listen, &e.TLS, c)
	for _, other := range []struct{ name, address string }{{"gateway.listen", c.Gateway.Listen}, {"admin.listen", c.Admin.Listen}} {
		if e.Listen == other.address && !strings.HasSuffix(e.Listen, ":0") {
			f.add("extauthz.listen", "is the address of %s: the two need one each", other.name)
		}
	}
	named := func(p forwardConfig) bool { return p.Name == e.Profile }
	switch {
	case len(c.Gateway.ForwardAuth) == 0:
		f.add("extauthz.listen", "is of no use without a profile in gateway.forward_auth, which says where a session's id is")
	case e.Profile != "" && !slices.ContainsFunc(c.Gateway.ForwardAuth, named):
		f.add("extauthz.profile", "%q is none of gateway.forward_auth", e.Profile)
	}
}

// openExtAuthz begins to answer Envoys over gRPC, if any are to be.
func (s *service) openExtAuthz() (err error) {
	if s.config.ExtAuthz.Listen == "" {
		return nil
	}
	o := extauthz.Options{
		Engine: s.admission, Gateways: s.gateways, Profile: s.config.ExtAuthz.Profile, MaxConnections: s.config.ExtAuthz.MaxConnections, Metadata: extauthzMetadata(s.config),
		TLS: s.tlsOf("extauthz.tls", "h2"), Shown: shownBy, Ready: s.notReady, Observe: s.metrics.answered,
		Panicked: func(surface string, value any, stack []byte) { s.panics.note(surface, value, stack, time.Now()) },
	}
	if s.callers != nil { // a nil of a type is no nil
		o.Callers = s.callers
	}
	s.envoys, err = extauthz.New(o)
	return err
}

// shownBy gives what a connection shows of its far end.
func shownBy(raw net.Conn, state *tls.ConnectionState) riskd.Credentials {
	shown := riskd.Credentials{UID: callers.PeerUID(raw)}
	shown.Names, shown.CertificateEnds = callers.CertificateNames(state)
	return shown
}

// listenExtAuthz opens the listener for Envoys.
func (s *service) listenExtAuthz(load loadMetrics) error {
	if s.envoys == nil {
		return nil
	}
	listener, err := s.bind(s.config.ExtAuthz.Listen)
	if err != nil {
		return s.config.source.at("extauthz.listen", "%w", err)
	}
	load.listeners["extauthz"], s.extauthz = s.envoys, listener.Addr()
	s.servers = append(s.servers, s.envoys)
	s.stops.spawn(func(context.Context) {
		if err := s.envoys.Serve(listener); err != nil {
			s.failed <- err
		}
	})
	s.stops.add(s.envoys.Close)
	return nil
}
