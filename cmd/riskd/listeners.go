package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/riskd/riskd/callers"
)

// listenerTLS is the TLS material of a listener.
type listenerTLS struct {
	*callers.TLS
	name string // the section of its config, such as gateway.tls
}

// tlsEvery is how often TLS files are looked at. Certificates are renewed days
// before they end.
const tlsEvery = 10 * time.Second

// openCallers knows the callers; without any nobody is asked.
func (s *service) openCallers() (err error) {
	if len(s.config.Callers) == 0 {
		return nil
	}
	s.callers, err = callers.New(callers.Options{Grants: grants(s.config), Refused: s.metrics.refused})
	return err
}

// openTLS reads the material of all listeners and watches it. What can't be read
// keeps riskd from starting.
func (s *service) openTLS() error {
	list, err := readTLS(s.config)
	if err != nil {
		return err
	}
	s.tls = list
	for _, in := range list {
		s.metrics.watchCertificate(in.name, in.Ends)
		s.stops.spawn(func(ctx context.Context) {
			in.Watch(ctx, tlsEvery, func(err error) { s.tlsNews(in, err) })
		})
	}
	return nil
}

// readTLS reads the material of the listeners that have any.
func readTLS(c *config) (list []listenerTLS, all error) {
	for _, in := range []struct {
		name  string
		files tlsConfig
	}{{"gateway.tls", c.Gateway.TLS}, {"admin.tls", c.Admin.TLS}, {"extauthz.tls", c.ExtAuthz.TLS}} {
		if !in.files.on() {
			continue
		}
		material, err := callers.OpenTLS(callers.TLSFiles(in.files))
		for _, e := range flatten(err) {
			if fault := (*callers.FileError)(nil); errors.As(e, &fault) {
				e = c.source.at(in.name+"."+fault.Field, "%w", fault.Err)
			}
			all = errors.Join(all, e)
		}
		if err == nil {
			list = append(list, listenerTLS{material, in.name})
		}
	}
	return list, all
}

func (s *service) tlsNews(in listenerTLS, err error) {
	if err == nil {
		s.log.Info("certificate loaded", "listener", in.name, "ends", in.Ends())
		return
	}
	for _, e := range flatten(err) {
		s.log.Error("certificate not loaded; the one before stays in force", "listener", in.name, "error", e.Error())
	}
}

// reloadTLS reads the material again, changed or not.
func (s *service) reloadTLS() {
	for _, in := range s.tls {
		if changed, err := in.Reload(); changed || err != nil {
			s.tlsNews(in, err)
		}
	}
}

// tlsFaults are what is wrong with TLS material.
func (s *service) tlsFaults(now time.Time) (all []string) {
	for _, in := range s.tls {
		for _, e := range flatten(in.Fault(now)) {
			all = append(all, in.name+"."+e.Error())
		}
	}
	return all
}

// bind listens on an address or a unix socket.
func (s *service) bind(address string) (net.Listener, error) {
	if path, ok := callers.SocketPath(address); ok {
		mode := callers.ModeGroup
		if s.callers == nil {
			mode = callers.ModeOwner
		}
		return callers.ListenUnix(path, mode)
	}
	return net.Listen("tcp", address)
}

// tlsOf gives the TLS of a listener by the section of its config, nil if it has none.
func (s *service) tlsOf(name string, protocols ...string) *tls.Config {
	for _, in := range s.tls {
		if in.name == name {
			return in.Config(protocols...)
		}
	}
	return nil
}
