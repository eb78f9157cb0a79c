//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/riskd/riskd/bench/process"
)

// lab is where the servers are built and run: a folder that is gone afterwards,
// a core for them and one for the generator.
type lab struct {
	dir      string
	core     int // the servers'
	own      int // the generator's
	servers  []*process.Process
	progress *progress
}

func newLab(p *progress) (*lab, Machine, error) {
	cores, err := process.Cores()
	if err != nil {
		return nil, Machine{}, err
	}
	dir, err := os.MkdirTemp("", "riskd-speed-")
	if err != nil {
		return nil, Machine{}, err
	}
	l := &lab{dir: dir, core: process.AnyCore, own: process.AnyCore, progress: p}
	if len(cores) > 1 {
		l.core, l.own = cores[0], cores[1]
	}
	m := describe(cores)
	m.ServerCore, m.GeneratorCore = l.core, l.own
	return l, m, nil
}

// startAll starts the servers, even those that -only leaves out: the floor
// gives riskd's replies, and OPA's have to agree with riskd's.
func (l *lab) startAll(ctx context.Context, now time.Time) ([]*target, error) {
	policy, err := readPolicy()
	if err != nil {
		return nil, err
	}
	module, err := moduleDir(ctx)
	if err != nil {
		return nil, err
	}
	databases, err := makeWorld(module, l.dir, now)
	if err != nil {
		return nil, err
	}
	all := crowds(now)
	asked, err := rehearse(ctx, all, databases)
	if err != nil {
		return nil, err
	}
	binary, err := l.build(ctx, "riskd", "github.com/riskd/riskd/cmd/riskd")
	if err != nil {
		return nil, err
	}
	riskd, err := l.startRiskd(ctx, binary, all)
	if err != nil {
		return nil, err
	}
	floor, err := l.startFloor(ctx, riskd, all)
	if err != nil {
		return nil, err
	}
	opa, err := l.startOPA(ctx, policy, asked)
	if err != nil {
		return nil, err
	}
	gateways, err := l.startGateways(ctx, binary)
	if err != nil {
		return nil, err
	}
	return append([]*target{floor, opa, riskd}, gateways...), nil
}

// close stops the servers, the last one first, and removes the folder.
func (l *lab) close() {
	for _, s := range slices.Backward(l.servers) {
		s.Stop()
	}
	_ = os.RemoveAll(l.dir)
}

// build compiles a command of this module or of its tools.
func (l *lab) build(ctx context.Context, name, pkg string) (string, error) {
	l.progress.step("building %s", name)
	out := filepath.Join(l.dir, name)
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: go build %s: %w\n%s", name, pkg, err, bytes.TrimSpace(text))
	}
	return out, nil
}

// moduleDir is the root of this module's source.
func moduleDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Module.Dir}}", "github.com/riskd/riskd/bench/speed").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w: run the bench inside the module", err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// start runs a server on the servers' core.
func (l *lab) start(ctx context.Context, o process.Options) (*process.Process, error) {
	l.progress.step("starting %s", o.Name)
	o.Core = l.core
	p, err := process.Start(ctx, o)
	if err == nil {
		l.servers = append(l.servers, p)
	}
	return p, err
}

// ask posts a body once, apart from any measuring.
func ask(ctx context.Context, url string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s: %s", url, resp.Status, reply)
	}
	return reply, err
}
