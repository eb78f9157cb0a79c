//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/riskd/riskd/bench/load"
	"github.com/riskd/riskd/bench/process"
)

// riskdConfig is riskd with everything on, as it comes. What differs from the
// defaults: the ports; the places; a deadline that a machine which stalls for a
// moment doesn't hit, since a degraded decision fails the run; no log line for
// each decision, as OPA writes none either; and an end without drain.
const riskdConfig = `
gateway: {listen: %s}
admin: {listen: %s}
geo: {databases: [city.mmdb, asn.mmdb, anonymous.mmdb]}
decision: {deadline: 1s}
log: {level: warn}
drain: {wait: 0s, limit: 2s}
`

const decisions = "/v1/decisions"

// startRiskd runs riskd and lets it get to know the two crowds.
func (l *lab) startRiskd(ctx context.Context, binary string, crowds []*crowd) (*target, error) {
	gateway, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(l.dir, "riskd.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, riskdConfig, gateway, admin), 0o600); err != nil {
		return nil, err
	}
	t := &target{name: "riskd", addr: gateway, work: map[string]*workload{}}
	t.server, err = l.start(ctx, process.Options{
		Name: t.name, Command: []string{binary, "serve", "-config", file},
		Ready: "http://" + admin + "/readyz", Metrics: "http://" + admin + "/metrics",
	})
	if err != nil {
		return nil, err
	}
	wrap := func(body []byte) []byte { return post(gateway, decisions, body) }
	for _, c := range crowds {
		t.work[c.name] = &workload{request: c.requests(wrap), decision: c.decision, says: []string{said(c.decision), `"degraded":[]`}}
	}
	return t, l.introduce(t, crowds, wrap)
}

// introduce sends the events by which riskd gets to know its users.
func (l *lab) introduce(t *target, crowds []*crowd, wrap func([]byte) []byte) error {
	l.progress.step("introducing users to riskd")
	var requests [][]byte
	for _, c := range crowds {
		for n := range visits {
			for user := range c.users {
				requests = append(requests, wrap(c.known(user, n)))
			}
		}
	}
	g, err := load.Dial(load.Options{
		Addr: t.addr, Connections: 16,
		Request: func(i int) []byte { return requests[i] },
		Check: func(i int, r *load.Reply) error {
			if r.Status != http.StatusOK || !bytes.Contains(r.Body, []byte(`"decision":"allow"`)) {
				return fmt.Errorf("riskd finds a user's first visits suspicious: %d: %s, asked %s", r.Status, r.Body, requests[i])
			}
			return nil
		},
	})
	if err != nil {
		return t.server.Explain(err)
	}
	defer g.Close()
	if _, err := g.Closed(load.Limit{Requests: len(requests)}); err != nil {
		return t.server.Explain(err)
	}
	return nil
}
