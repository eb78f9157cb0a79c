package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what to run and how to know that it serves.
type Options struct {
	// Name stands in errors.
	Name string
	// Command is the program and its arguments.
	Command []string
	// Core is the only core that the process may use; AnyCore leaves it free.
	Core int
	// Ready is a URL that answers 200 as soon as the server serves.
	Ready string
	// Metrics is a URL with Prometheus text in which client_golang's Go collector
	// has its part.
	Metrics string
}

const (
	startPatience = 30 * time.Second
	stopPatience  = 5 * time.Second
	pollEvery     = 20 * time.Millisecond
	outputKept    = 4 << 10
)

// Process is a server that runs. Stop it.
type Process struct {
	opt    Options
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{} // closed when it has ended
}

// Start runs a server and waits until it serves. It ends with ctx, with Stop,
// or with the program that started it.
func Start(ctx context.Context, o Options) (*Process, error) {
	p := &Process{opt: o, output: &tail{}, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, o.Command[0], o.Command[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	// A group of its own, so that Ctrl-C in a terminal reaches the bench alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := onCore(o.Core, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("%s: start: %w", o.Name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended stands in cmd.ProcessState
		close(p.ended)
	}()
	if err := p.awaitReady(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	var last error
	for {
		if _, last = get(ctx, p.opt.Ready); last == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.Explain(fmt.Errorf("ended before it served: %s", p.cmd.ProcessState))
		case <-ctx.Done():
			return p.Explain(fmt.Errorf("doesn't serve: %w", last))
		case <-poll.C:
		}
	}
}

// Explain adds to an error the server's name and the last words that it wrote.
func (p *Process) Explain(err error) error {
	if words := p.output.String(); words != "" {
		return fmt.Errorf("%s: %w; it last wrote:\n%s", p.opt.Name, err, words)
	}
	return fmt.Errorf("%s: %w", p.opt.Name, err)
}

// Stop asks the server to end, and ends it if it doesn't.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// CPU is the time that the server has taken so far, user and system, in all its
// threads. It is read from the process's own clock (clock_getcpuclockid(3)),
// since /proc counts in steps of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	const schedClock = 2 // CPUCLOCK_SCHED: what the scheduler gave, in ns
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid)<<3|schedClock, &t); err != nil {
		return 0, fmt.Errorf("%s: CPU time: %w", p.opt.Name, err)
	}
	return time.Duration(t.Nano()), nil
}

// mallocs is client_golang's name for runtime.MemStats.Mallocs.
var mallocs = []byte("\ngo_memstats_mallocs_total ")

// Allocations is how many heap objects the server has allocated so far, by its
// own metrics.
func (p *Process) Allocations(ctx context.Context) (float64, error) {
	text, err := get(ctx, p.opt.Metrics)
	if err != nil {
		return 0, fmt.Errorf("%s: metrics: %w", p.opt.Name, err)
	}
	_, after, found := bytes.Cut(text, mallocs)
	if !found {
		return 0, fmt.Errorf("%s: metrics: %s has no go_memstats_mallocs_total", p.opt.Name, p.opt.Metrics)
	}
	value, _, _ := bytes.Cut(after, []byte("\n"))
	return strconv.ParseFloat(string(value), 64)
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return body.Bytes(), nil
}

// FreeAddr finds a loopback address that nobody listens on. Another program may
// take it before the server does; the start then fails and says so.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), errors.Join(l.Close())
}

// tail keeps the end of what a server writes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if cut := len(t.text) - outputKept; cut > 0 {
		t.text = t.text[:copy(t.text, t.text[cut:])]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
