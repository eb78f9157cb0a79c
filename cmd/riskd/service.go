package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/gateway"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/scoring"
)

// service is all rooms put together behind their listeners.
type service struct {
	config  *config
	repair  bool
	log     *slog.Logger
	metrics *metrics
	panics  *panicMeter
	stops   stops

	store   *state
	past    *past
	pack    *packKeeper
	guard   *policyGuard
	trials  *policyTrials
	orders  *orderBrake
	locator *geo.Locator
	key     *riskd.SessionKey
	engine  *scoring.Engine
	callers *callers.Callers // nil: nobody is asked
	tls     []listenerTLS
	// admission is before the engine, for all who ask for decisions.
	admission *scoring.Admission
	api       *api.API
	// gateways follows the key files of its profiles.
	gateways *gateway.Reader

	envoys *extauthz.Server // nil: none asks over gRPC

	servers  []server
	failed   chan error // a listener that ended by itself
	draining atomic.Bool
	// gateway, admin and extauthz are where it listens, with the ports that it got.
	gateway, admin, extauthz net.Addr
}

// server is what answers on a listener: an http.Server is one.
type server interface {
	// Shutdown takes nothing new and returns when all that is under way is answered,
	// or ctx ends.
	Shutdown(ctx context.Context) error
}

// serviceOptions are what serve and dev differ in.
type serviceOptions struct {
	config *config
	log    *slog.Logger
	geo    geo.Options
	output output
	repair bool // go on after damage to the data folder
}

// output is where decisions are written for people: serve's log, dev's screen.
type output interface {
	// record takes a decision down, or reports that there is no room. It must not
	// wait, and neither keep nor change what it is given.
	record(*riskd.Record) (taken bool)
	// write puts out what was taken down until ctx ends, and then the rest.
	write(ctx context.Context)
}

// startService puts the rooms together, and opens the listeners last: nobody is
// answered before everything is there to answer with. What began is stopped
// again if something fails; the error holds everything that did.
func startService(o serviceOptions) (*service, error) {
	s := &service{config: o.config, repair: o.repair, log: o.log, metrics: newMetrics(), failed: make(chan error, 3)}
	s.panics = &panicMeter{log: o.log, count: s.metrics.panics}
	s.stops.spawn(o.output.write)
	if err := s.start(o); err != nil {
		s.stops.run()
		return nil, err
	}
	return s, nil
}

func (s *service) start(o serviceOptions) error {
	if err := errors.Join(s.openCallers(), s.openTLS(), s.openState(), s.openPolicy(), s.openGeo(o.geo)); err != nil {
		return err
	}
	s.metrics.registry.MustRegister(stateMetrics{s.store.Store, s.locator})
	if err := s.openEngine(o.output); err != nil {
		return err
	}
	if err := s.openAPI(); err != nil {
		return err
	}
	return s.listen()
}

func (s *service) openState() (err error) {
	if s.key, err = openKey(s.config); err != nil {
		return err
	}
	failed := func(err error) { s.log.Error("state", "error", err.Error()) }
	if s.store, err = openState(s.config, s.key, s.metrics, s.repair, failed); err != nil {
		return err
	}
	s.stops.add(func() {
		if err := s.store.Close(); err != nil {
			failed(err)
		}
	})
	s.stops.spawn(s.store.sweep)
	return nil
}

// openKey reads the key that session ids are hashed with, or makes one up.
func openKey(c *config) (*riskd.SessionKey, error) {
	if c.SessionKeyFile == "" {
		secret := make([]byte, riskd.MinSessionKey)
		rand.Read(secret) // never fails
		return riskd.NewSessionKey(secret)
	}
	secret, err := os.ReadFile(c.SessionKeyFile)
	if err != nil {
		return nil, c.source.at("session_key_file", "%w; `openssl rand 32 > FILE` makes one", err)
	}
	key, err := riskd.NewSessionKey(secret)
	if err != nil {
		return nil, c.source.at("session_key_file", "%s: %w", c.SessionKeyFile, err)
	}
	return key, nil
}

func (s *service) openPolicy() error {
	source, err := configuredPack(s.config)
	if err != nil {
		return err
	}
	dir := ""
	if s.config.DataDir != "" {
		dir = filepath.Join(s.config.DataDir, policyFolder)
	}
	s.pack, err = newPackKeeper(context.Background(), packOptions{source: source, log: s.log, dir: dir, checks: packChecks, tell: s.packNews})
	if err != nil {
		return err
	}
	s.metrics.watchPolicy(s.pack.set.Current)
	if every := s.config.Policy.Watch; every > 0 && source.kind() != "shipped" {
		s.stops.spawn(func(ctx context.Context) { s.pack.watch(ctx, every) })
	}
	return nil
}

func (s *service) packNews(n packNews) {
	s.metrics.packNews(n, time.Now())
	if s.store != nil { // its folder may be what keeps riskd from starting
		s.store.trail.policy(n)
		if n.change == packInForce && !n.pack.Since.IsZero() { // it may be less lenient than the one before
			s.store.EndLeases()
		}
	}
}

func (s *service) openEngine(out output) (err error) {
	if s.past, err = newPast(s.config.Decision.Keep, s.pack.set); err != nil {
		return err
	}
	if err := s.openGuard(); err != nil {
		return err
	}
	record := func(r *riskd.Record) {
		s.metrics.record(r)
		s.past.Record(r)
		s.guard.note(r)
		s.store.trail.decision(r)
		if !out.record(r) {
			s.metrics.unlogged.Inc()
		}
	}
	s.engine, err = scoring.New(scoring.Options{
		Memory: s.store, Locator: s.locator, Policy: func() scoring.Policy { return s.pack.set.Current() },
		NewID: newID, Record: record, Deadline: s.config.Decision.Deadline,
		Shadows: s.trials.shadows, Cases: s.trials.cases,
	})
	if err != nil {
		return err
	}
	s.admission, err = scoring.NewAdmission(scoring.AdmissionOptions{
		Engine: s.engine, Deadline: s.config.Decision.Deadline,
		Panicked: func(value any, stack []byte) { s.panics.note("engine", value, stack, time.Now()) },
	})
	if err != nil {
		return err
	}
	return s.beginTrials()
}

// newID gives the ids of decisions: they sort by time (ULID). They are filled in
// place, because ulid.New reads its entropy through an interface, which costs an
// object and as much time again.
func newID() string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(time.Now())) // fails from the year 10889 on
	rand.Read(id[6:])                          // never fails
	return id.String()
}

func (s *service) openAPI() (err error) {
	handler, err := identity.New(identity.Options{
		Orders: s.store,
		Table:  func() map[string][]riskd.Action { return s.pack.set.Current().Info().Tuning.Identity },
		Tell:   s.store.Tell,
	})
	if err != nil {
		return err
	}
	if err := s.openGateways(); err != nil {
		return err
	}
	options := api.Options{
		Engine: s.admission, Sessions: s.store, Orders: forgetful{s.store, s.past}, Decisions: s.past, Key: s.key,
		StepUps: stepUps{s.engine, s.store.trail}, Identity: identityEvents{handler, s.store.trail},
		Trials: s.trials, Brake: s.orders, Notices: s.store.notices,
		Failed: func(surface string, err error) {
			s.log.Error("request failed", "surface", surface, "error", err.Error())
		},
		Gateways: s.gateways, PublicURL: s.config.Gateway.PublicURL, AdminHosts: s.config.Admin.AllowedHosts,
		Policy:   s.pack,
		Ready:    s.notReady,
		Degraded: s.degraded,
		Metrics:  promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}),
		Observe:  s.metrics.answered,
		Panicked: func(surface string, value any, stack []byte) {
			s.panics.note(surface, value, stack, time.Now())
		},
	}
	if s.callers != nil { // a nil of a type is no nil
		options.Callers = s.callers
	}
	if s.api, err = api.New(options); err != nil {
		return err
	}
	return s.openExtAuthz()
}

func (s *service) listen() error {
	load := loadMetrics{s.admission, map[string]connections{}}
	open := func(name, address string, h http.Handler, most int) (net.Addr, error) {
		c, err := s.open(address, name+".tls", h, most)
		if err != nil {
			return nil, s.config.source.at(name+".listen", "%w", err)
		}
		load.listeners[name] = c
		return c.Addr(), nil
	}
	var err1, err2 error
	s.gateway, err1 = open("gateway", s.config.Gateway.Listen, s.api.Gateway(), s.config.Gateway.MaxConnections)
	s.admin, err2 = open("admin", s.config.Admin.Listen, s.api.Admin(), s.config.Admin.MaxConnections)
	err3 := s.listenExtAuthz(load)
	s.metrics.registry.MustRegister(load)
	return errors.Join(err1, err2, err3)
}

// open begins to serve on an address.
func (s *service) open(address, section string, h http.Handler, most int) (*api.Connections, error) {
	plain, err := s.bind(address)
	if err != nil {
		return nil, err
	}
	if secured := s.tlsOf(section, "http/1.1"); secured != nil {
		plain = tls.NewListener(plain, secured)
	}
	server := api.NewServer(h)
	server.ConnContext = callers.ConnContext
	listener := api.LimitConnections(server, plain, most)
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	s.servers = append(s.servers, server)
	s.stops.spawn(func(context.Context) {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	s.stops.add(func() { server.Close() })
	return listener, nil
}

// notReady gives what keeps gateways from being sent here.
func (s *service) notReady() []string {
	var reasons []string
	if s.draining.Load() {
		reasons = append(reasons, "draining: riskd was told to end")
	}
	if s.panics.tooMany(time.Now()) {
		reasons = append(reasons, fmt.Sprintf("%d panics within %s: the log says where", panicLimit, panicWindow))
	}
	return reasons
}

// degraded gives what riskd serves without, or with the one before.
func (s *service) degraded() []string {
	all := s.pack.degraded()
	pack := s.pack.set.Current()
	if _, mismatches := pack.Compiled(); mismatches > 0 {
		all = append(all, fmt.Sprintf("pack %s: its compiled rules and OPA gave different answers; OPA alone is asked now, which is slower; report it with the pack's revision, %s", pack.Info().Name, pack.Info().Revision))
	}
	for _, status := range s.locator.Status() {
		for _, e := range flatten(status.Err) {
			all = append(all, e.Error())
		}
	}
	return slices.Concat(all, s.tlsFaults(time.Now()), s.orders.faults(time.Now()), s.store.faults(), s.gateways.Faults())
}

// reload looks at everything on disk again.
func (s *service) reload() {
	s.log.Info("reloading")
	s.reloadTLS()
	s.pack.reload(context.Background(), true)
	s.reloadKeys()
	_ = s.locator.Reload() // the statuses say what failed
	for _, status := range s.locator.Status() {
		logGeo(s.log, status)
	}
}
