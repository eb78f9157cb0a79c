//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/riskd/riskd/bench/process"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
)

// answerModule asks riskd's two questions at once: one call over HTTP is the
// cheapest way to OPA's whole answer.
const answerModule = `package riskd.speed

answer.reasons := data.riskd.rules.reasons

answer.decision := data.riskd.decision.decision

answer.step_up := data.riskd.decision.step_up if data.riskd.decision.decision == "step_up"
`

const answerPath = "/v1/data/riskd/speed/answer"

// policyFiles are what OPA loads: the library, the default pack and its tuning.
type policyFiles struct {
	modules map[string][]byte
	tuning  []byte
}

func readPolicy() (*policyFiles, error) {
	modules, err := modulesOf(rego.FS)
	if err != nil {
		return nil, err
	}
	pack, err := modulesOf(policies.Default())
	if err != nil {
		return nil, err
	}
	for name, text := range pack {
		modules["pack/"+name] = text
	}
	modules["speed/answer.rego"] = []byte(answerModule)
	tuning, err := fs.ReadFile(policies.Default(), "tuning.json")
	return &policyFiles{modules, tuning}, err
}

// startOPA builds OPA, runs it with the policy and asks it about the same
// events as riskd: it must give the same reasons and decisions.
func (l *lab) startOPA(ctx context.Context, policy *policyFiles, asked map[string]seen) (*target, error) {
	binary, err := l.build(ctx, "opa", "github.com/open-policy-agent/opa")
	if err != nil {
		return nil, err
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.dir, "policy")
	if err := policy.writeTo(dir); err != nil {
		return nil, err
	}
	t := &target{name: "opa", addr: addr, work: map[string]*workload{}}
	t.server, err = l.start(ctx, process.Options{
		Name: t.name,
		Command: []string{
			binary, "run", "--server", "--addr", addr, "--log-level", "error", "--skip-version-check",
			filepath.Join(dir, "rego"), "tuning:" + filepath.Join(dir, "tuning.json"),
		},
		Ready: "http://" + addr + "/health", Metrics: "http://" + addr + "/metrics",
	})
	if err != nil {
		return nil, err
	}
	for name, s := range asked {
		if err := agrees(ctx, "http://"+addr+answerPath, s); err != nil {
			return nil, fmt.Errorf("opa: %s: %w", name, err)
		}
		t.work[name] = &workload{request: always(post(addr, answerPath, s.document)), decision: s.decision}
	}
	return t, nil
}

func (p *policyFiles) writeTo(dir string) error {
	for name, text := range p.modules {
		file := filepath.Join(dir, "rego", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "tuning.json"), p.tuning, 0o600)
}

// agrees asks OPA once and compares its answer with riskd's.
func agrees(ctx context.Context, url string, s seen) error {
	reply, err := ask(ctx, url, s.document)
	if err != nil {
		return err
	}
	var answer struct {
		Result struct {
			Decision string
			Reasons  []struct{ Code string }
		}
	}
	if err := json.Unmarshal(reply, &answer); err != nil {
		return fmt.Errorf("%s: %w", reply, err)
	}
	var codes []string
	for _, r := range answer.Result.Reasons {
		codes = append(codes, r.Code)
	}
	slices.Sort(codes)
	if !slices.Equal(codes, s.codes) || answer.Result.Decision != s.decision {
		return fmt.Errorf("says %s for %s, riskd says %s for %s, both asked %s", answer.Result.Decision, strings.Join(codes, " "),
			s.decision, strings.Join(s.codes, " "), s.document)
	}
	return nil
}
