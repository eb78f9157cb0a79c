package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
)

// callerConfig is a caller as a config has it.
type callerConfig struct {
	Name         string        `yaml:"name"`
	Role         riskd.Role    `yaml:"role"`
	Tenant       string        `yaml:"tenant"`
	UIDs         []int         `yaml:"uids"`
	Certificates []string      `yaml:"certificates"`
	Tokens       []tokenConfig `yaml:"tokens"`
}

type tokenConfig struct {
	SHA256   string    `yaml:"sha256"`
	NotAfter time.Time `yaml:"not_after"`
}

// tlsConfig are the files of a listener.
type tlsConfig struct {
	Cert     string `yaml:"cert"`
	Key      string `yaml:"key"`
	ClientCA string `yaml:"client_ca"`
}

func (t tlsConfig) on() bool { return t.Cert != "" }

// grants gives the callers as their room takes them.
func grants(c *config) []callers.Grant {
	list := make([]callers.Grant, len(c.Callers))
	for i, in := range c.Callers {
		g := callers.Grant{
			Caller:       riskd.Caller{Name: in.Name, Role: in.Role, Bound: in.Tenant != "", Tenant: in.Tenant},
			Certificates: in.Certificates,
		}
		for _, uid := range in.UIDs {
			g.UIDs = append(g.UIDs, uint32(uid))
		}
		for _, t := range in.Tokens {
			g.Tokens = append(g.Tokens, callers.Token(t))
		}
		list[i] = g
	}
	return list
}

// evidence is what callers can be known by.
type evidence struct{ users, certificates, tokens bool }

func (c *config) evidence() (s evidence) {
	for i := range c.Callers {
		in := &c.Callers[i]
		s.users = s.users || len(in.UIDs) > 0
		s.certificates = s.certificates || len(in.Certificates) > 0
		s.tokens = s.tokens || len(in.Tokens) > 0
	}
	return s
}

// callers has the callers checked by the room that will know them, and finds what no
// listener would let them show.
func (f *configFaults) callers(c *config) {
	if _, err := callers.New(callers.Options{Grants: grants(c)}); err != nil {
		for _, e := range flatten(err) {
			if in := (*riskd.FieldError)(nil); errors.As(e, &in) {
				f.add(in.Path, "%s", in.Detail)
			}
		}
	}
	_, gatewaySocket := callers.SocketPath(c.Gateway.Listen)
	_, adminSocket := callers.SocketPath(c.Admin.Listen)
	_, envoySocket := callers.SocketPath(c.ExtAuthz.Listen)
	for i := range c.Callers {
		at := fmt.Sprintf("callers[%d]", i)
		for n, uid := range c.Callers[i].UIDs {
			if uid < 0 || uid >= math.MaxUint32 {
				f.add(fmt.Sprintf("%s.uids[%d]", at, n), "is %d, which is no user's number; `id -u USER` tells it", uid)
			}
		}
		if len(c.Callers[i].UIDs) > 0 && !gatewaySocket && !adminSocket && !envoySocket {
			f.add(at+".uids", "can't be shown: no listener is a unix socket")
		}
		if len(c.Callers[i].Certificates) > 0 && c.Gateway.TLS.ClientCA+c.Admin.TLS.ClientCA+c.ExtAuthz.TLS.ClientCA == "" {
			f.add(at+".certificates", "can't be shown: no listener has a tls.client_ca")
		}
	}
}

// tls checks which files are named.
func (f *configFaults) tls(path string, t *tlsConfig, can evidence) {
	switch {
	case t.Cert == "" && t.Key == "" && t.ClientCA == "":
	case t.Cert == "":
		f.add(path+".cert", "is missing: without it nothing is encrypted")
	case t.Key == "":
		f.add(path+".key", "is missing: it is the key of cert")
	case t.ClientCA != "" && !can.certificates:
		f.add(path+".client_ca", "asks for certificates that nobody is known by: name some under callers")
	}
}

// listener checks that whoever can reach a listener is one of those who may, or has
// to show that he is.
func (f *configFaults) listener(name, address string, t *tlsConfig, c *config) {
	path, can := name+".listen", c.evidence()
	f.tls(name+".tls", t, can)
	if socket, ok := callers.SocketPath(address); ok {
		f.socket(path, socket, c, can)
		if *t != (tlsConfig{}) {
			f.add(name+".tls", "is for addresses: what goes through a unix socket doesn't leave the machine")
		}
		return
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		f.add(path, "must be an address and a port such as 127.0.0.1:8181, or unix:///path/to/socket, not %q", address)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		f.add(path, "has the port %q; it must be a number up to 65535", port)
	}
	ip, err := netip.ParseAddr(host)
	near := host == "localhost" || err == nil && ip.IsLoopback()
	known := can.tokens || can.certificates && t.ClientCA != ""
	switch {
	case near && (known || len(c.Callers) == 0):
	case near:
		f.add(path, "%s lets callers show tokens only, or certificates with %s.tls.client_ca, and none is known by these: nobody could use it", address, name)
	case !known:
		f.add(path, "%s can be reached from other machines, and nobody would have to show who he is: name callers with tokens or certificates (see docs/callers.md), or listen on 127.0.0.1, [::1] or a unix socket", address)
	case !t.on():
		f.add(path, "%s can be reached from other machines, in the clear: set %s.tls, or listen on 127.0.0.1, [::1] or a unix socket", address, name)
	}
}

// maxSocketPath is what the kernel takes, without the zero at the end (unix(7)).
const maxSocketPath = 107

func (f *configFaults) socket(path, socket string, c *config, can evidence) {
	switch {
	case !filepath.IsAbs(socket):
		f.add(path, "must be unix:// and an absolute path, such as unix:///run/riskd/gateway.sock")
	case len(socket) > maxSocketPath:
		f.add(path, "is %d bytes long; the path of a socket has %d at most", len(socket), maxSocketPath)
	case len(c.Callers) > 0 && !can.users && !can.tokens:
		f.add(path, "lets callers show their uids or tokens only, and none is known by these: nobody could use it")
	}
}
