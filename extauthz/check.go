package extauthz

import (
	"context"
	"runtime/debug"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// Codes of what didn't work here; they are among a decision's degraded.
const (
	noOutcome     = "no_outcome"
	internalError = "internal_error"
)

// Check answers whether Envoy may let a request pass. The error is always nil, and
// the answer has a status.
func (s *Server) Check(ctx context.Context, in *authv3.CheckRequest) (out *authv3.CheckResponse, _ error) {
	started, status := time.Now(), 0
	defer func() {
		if v := recover(); v != nil {
			s.Panicked(Surface, v, debug.Stack())
			a := gateway.Failed(internalError)
			out, status = answer(&a, nil, in), a.Status
		}
		s.Observe(Surface, status, time.Since(started))
	}()
	a, d := s.decide(ctx, in)
	out, status = answer(&a, d, in), a.Status
	return out, nil
}

// decide reads a check and has it decided. There is no decision on what is refused.
func (s *Server) decide(ctx context.Context, in *authv3.CheckRequest) (gateway.Answer, *riskd.Decision) {
	c, refusal := s.caller(ctx)
	if refusal != "" {
		return gateway.Refuse(refusal), nil
	}
	profile, r, err := s.request(in)
	if err != nil {
		return gateway.Refuse(gateway.Malformed), nil
	}
	e, refusal := s.Gateways.Event(profile, r)
	switch {
	case refusal != "":
		return gateway.Refuse(refusal), nil
	case !c.Sees(e.Tenant):
		return gateway.Refuse(gateway.NotAllowed), nil
	}
	e.Time = s.Now()
	d := s.Engine.Decide(ctx, e, e.Time)
	switch d.Outcome {
	case riskd.Allow, riskd.StepUpNeeded, riskd.Revoke:
	default: // what was forgotten must not leave as allow
		d.Outcome = riskd.StepUpNeeded
		d.Degraded = append(d.Degraded, noOutcome)
	}
	return gateway.Tell(&d), &d
}
