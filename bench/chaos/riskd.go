//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/riskd/riskd"
)

// build compiles riskd as it lies in this module.
func build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "riskd")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/riskd/riskd/cmd/riskd").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: run it inside the module\n%s", err, bytes.TrimSpace(text))
	}
	return binary, nil
}

// site is what one riskd leaves when it ends: config, key, data and log.
type site struct {
	binary string
	dir    string
	data   string // data_dir
}

// siteOptions are what checks differ in.
type siteOptions struct {
	binary string // built if it's ""
	data   string // the data folder, a new one if it's ""
	config string // more lines of the config
	// forwardAuth are the profiles of forward-auth.
	forwardAuth string
	deadline    string // of decisions; "" is 1s
	// gateway and admin are where to listen; "" is any port.
	gateway, admin string
}

// A machine that stalls mustn't change an answer, and an end needs no drain.
const siteConfig = `
gateway: {listen: %q, forward_auth: [%s]}
admin: {listen: %q}
session_key_file: key
data_dir: %s
decision: {deadline: %s}
drain: {wait: 0s, limit: 10s}
`

// sessionSecret is the key of all sites: what is written by one is read by another.
var (
	sessionSecret = bytes.Repeat([]byte("chaos-"), 8)
	sessionKey    = mustKey(sessionSecret)
)

func mustKey(secret []byte) *riskd.SessionKey {
	k, err := riskd.NewSessionKey(secret)
	if err != nil {
		panic(err)
	}
	return k
}

// newSite makes a site; close removes it.
func newSite(ctx context.Context, o siteOptions) (s *site, err error) {
	s = &site{binary: o.binary, data: o.data}
	if s.dir, err = os.MkdirTemp("", "riskd-chaos-"); err != nil {
		return nil, err
	}
	if s.data == "" {
		s.data = filepath.Join(s.dir, "data")
	}
	if s.binary == "" {
		if s.binary, err = build(ctx, s.dir); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	anyPort := func(address string) string {
		if address == "" {
			return "127.0.0.1:0"
		}
		return address
	}
	config := fmt.Sprintf(siteConfig, anyPort(o.gateway), o.forwardAuth, anyPort(o.admin), s.data, cmp.Or(o.deadline, "1s")) + o.config
	err = errors.Join(
		os.WriteFile(filepath.Join(s.dir, "key"), sessionSecret, 0o600),
		os.WriteFile(filepath.Join(s.dir, "riskd.yaml"), []byte(config), 0o600),
	)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) close() error { return os.RemoveAll(s.dir) }

func (s *site) logFile() string { return filepath.Join(s.dir, "riskd.log") }

// server is a riskd that serves.
type server struct {
	cmd            *exec.Cmd
	client         *http.Client
	gateway, admin string        // http://…
	took           time.Duration // from exec to ready
	ended          chan struct{} // closed when it has ended
}

// startPatience is when a start has failed.
const startPatience = 2 * time.Minute

// start runs riskd until it is ready. It ends with kill, with stop, or with this
// program.
func (s *site) start(ctx context.Context) (*server, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	d := &diary{file: log, serving: make(chan addresses, 1)}
	r := &server{
		cmd:    exec.Command(s.binary, "serve", "-config", filepath.Join(s.dir, "riskd.yaml")),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: time.Minute},
		ended:  make(chan struct{}),
	}
	r.cmd.Stdout, r.cmd.Stderr = d, d
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = r.cmd.Wait() // how it ended stands in cmd.ProcessState
		_ = log.Close()
		close(r.ended)
	}()
	if err := r.await(ctx, d.serving); err != nil {
		r.kill()
		return nil, s.explain(err)
	}
	r.took = time.Since(started)
	return r, nil
}

func (r *server) await(ctx context.Context, serving <-chan addresses) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case a := <-serving:
		r.gateway, r.admin = "http://"+a.Gateway, "http://"+a.Admin
	case <-r.ended:
		return fmt.Errorf("riskd ended before it served: %s", r.cmd.ProcessState)
	case <-ctx.Done():
		return fmt.Errorf("riskd doesn't serve: %w", ctx.Err())
	}
	status, body, err := r.get(ctx, r.admin+"/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("riskd isn't ready when it serves: %d %s", status, body)
	}
	return err
}

// explain adds the end of the log to an error.
func (s *site) explain(err error) error {
	text, _ := os.ReadFile(s.logFile())
	const kept = 2 << 10
	return fmt.Errorf("%w; riskd last wrote:\n%s", err, text[max(0, len(text)-kept):])
}

// kill ends riskd as a crash would.
func (r *server) kill() {
	_ = r.cmd.Process.Kill()
	<-r.ended
	r.client.CloseIdleConnections()
}

// stop asks riskd to end, and waits for it.
func (r *server) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	<-r.ended
	r.client.CloseIdleConnections()
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("riskd was told to end and did so with %s", r.cmd.ProcessState)
	}
	return nil
}

// alive reports whether riskd still runs.
func (r *server) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func (r *server) get(ctx context.Context, url string) (status int, answer []byte, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	return r.do(q)
}

func (r *server) post(ctx context.Context, url, body string) (status int, answer []byte, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	return r.do(q)
}

func (r *server) do(q *http.Request) (status int, answer []byte, err error) {
	a, err := r.client.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer a.Body.Close()
	answer, err = io.ReadAll(a.Body)
	return a.StatusCode, answer, err
}

// addresses are where riskd listens, as its log says.
type addresses struct{ Message, Gateway, Admin string }

// diary takes riskd's log down, and waits in it for the line that says where it
// listens.
type diary struct {
	file    *os.File
	mu      sync.Mutex
	line    []byte
	served  bool
	serving chan addresses
}

func (d *diary) Write(text []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.served {
		d.look(text)
	}
	return d.file.Write(text)
}

func (d *diary) look(text []byte) {
	d.line = append(d.line, text...)
	for !d.served {
		line, rest, whole := bytes.Cut(d.line, []byte("\n"))
		if !whole {
			return
		}
		d.line = rest
		var a struct{ Msg, Gateway, Admin string }
		if json.Unmarshal(line, &a) == nil && a.Msg == "serving" {
			d.served = true
			d.serving <- addresses{a.Msg, a.Gateway, a.Admin}
		}
	}
}
