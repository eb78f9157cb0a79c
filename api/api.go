package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// Options are the parts of an API.
type Options struct {
	Engine   Decider
	Sessions Sessions
	Orders   Orders
	StepUps  StepUps
	Identity IdentityEvents
	// Decisions are those that can be explained.
	Decisions Decisions
	// Policy says which pack decides. Optional.
	Policy Policy
	// Trials are those of policies; without them nothing can be tried. Optional.
	Trials Trials
	// Notices are what ends leases early; without them nobody can follow. Optional.
	Notices Notices
	// Brake has what would meet many wait for a confirmation. Optional.
	Brake Brake
	// Callers says who is calling. Without it nobody is asked, so that only callers
	// who may do everything must be able to reach the handlers. Optional.
	Callers Callers
	// Key hashes raw session ids.
	Key *riskd.SessionKey
	// PublicURL is the https URL, a host alone, by which AuthZEN's callers know the
	// gateway handler. Without it there is no metadata for them.
	PublicURL string
	// Gateways reads what gateways ask; without it forward-auth knows no profile.
	// Optional.
	Gateways Gateways
	// AdminHosts are the names, beside those of the loopback, under which the
	// admin handler may be asked; without them a page in a browser could reach it
	// through a name of its own.
	AdminHosts []string
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Ready gives what keeps riskd from being ready. Optional.
	Ready func() []string
	// Degraded gives what doesn't work although riskd is ready. Optional.
	Degraded func() []string
	// Metrics answers /metrics. Optional.
	Metrics http.Handler
	// Observe is told of every answer: the surface ("decision", "batch",
	// "telemetry", "authzen", "opa_data", "forward_auth", "stream" (which takes as long as
	// somebody follows), "ack", "admin" or, for requests that hit no route,
	// "none"), its status and the time it took. Optional.
	Observe func(surface string, status int, took time.Duration)
	// Panicked is told of every panic that was turned into an answer. Optional.
	Panicked func(surface string, value any, stack []byte)
	// Failed is told of every error of a part that was answered 500 or 503.
	// Optional.
	Failed func(surface string, err error)
}

// API is the two handlers. It is safe for concurrent use.
type API struct {
	Options
	hosts map[string]bool
}

// New makes an API of its parts.
func New(o Options) (*API, error) {
	switch {
	case o.Engine == nil:
		return nil, errors.New("api.Options.Engine: is required")
	case o.Sessions == nil:
		return nil, errors.New("api.Options.Sessions: is required")
	case o.Orders == nil:
		return nil, errors.New("api.Options.Orders: is required")
	case o.StepUps == nil:
		return nil, errors.New("api.Options.StepUps: is required")
	case o.Identity == nil:
		return nil, errors.New("api.Options.Identity: is required")
	case o.Decisions == nil:
		return nil, errors.New("api.Options.Decisions: is required")
	case o.Key == nil:
		return nil, errors.New("api.Options.Key: is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Gateways == nil {
		o.Gateways = noProfiles{}
	}
	if o.Brake == nil {
		o.Brake = released{}
	}
	if o.Ready == nil {
		o.Ready = func() []string { return nil }
	}
	if o.Degraded == nil {
		o.Degraded = func() []string { return nil }
	}
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	if o.Panicked == nil {
		o.Panicked = func(string, any, []byte) {}
	}
	if o.Failed == nil {
		o.Failed = func(string, error) {}
	}
	if err := ValidatePublicURL(o.PublicURL); err != nil {
		return nil, fmt.Errorf("api.Options.PublicURL: %w", err)
	}
	return &API{Options: o, hosts: hostSet(o.AdminHosts)}, nil
}

// NewServer gives a server for one of the handlers, with limits that a caller
// who sends slowly or endlessly runs into: a second for the headers, two for the
// whole request, 16 KiB of headers. A header that is too long is answered 431
// before any handler sees it, which gateways take for a failure and close.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: time.Second,
		ReadTimeout:       2 * time.Second,
		WriteTimeout:      5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}
