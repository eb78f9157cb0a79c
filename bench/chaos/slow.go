//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd/bench/load"
)

// stalling has many connections stop in the middle of what they say, while others
// go on asking, and sends bodies that don't end.
type stalling struct {
	binary  string
	stalled int
	rate    float64 // of good requests a second
	bodies  int     // of a GiB
}

func slowFlags(flags *flag.FlagSet) action {
	s := &stalling{}
	flags.IntVar(&s.stalled, "stalled", 2000, "connections that stall")
	flags.Float64Var(&s.rate, "rate", 500, "good requests a second meanwhile")
	flags.IntVar(&s.bodies, "bodies", 16, "bodies of a GiB")
	return s.run
}

// stalls are the places in which a connection may stop.
var stalls = []string{
	"",
	"POST /v1/decisions HTTP/1.1\r\nHost: ri",
	"POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
	"POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
}

// cutWithin is when a connection that stalls has to be gone: a request may take
// two seconds, and a machine may be busy.
const cutWithin = time.Minute

func (s *stalling) run(ctx context.Context, out io.Writer) (err error) {
	site, err := newSite(ctx, siteOptions{binary: s.binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	r, err := site.start(ctx)
	if err != nil {
		return err
	}
	defer r.kill()
	addr := strings.TrimPrefix(r.gateway, "http://")
	alone, err := s.ask(addr, 3*time.Second)
	if err != nil {
		return err
	}
	before, err := rssOf(r.cmd.Process.Pid)
	if err != nil {
		return err
	}
	cuts, err := s.stall(addr)
	if err != nil {
		return err
	}
	beside, err := s.ask(addr, 3*time.Second)
	if err != nil {
		return fmt.Errorf("a good request beside %d that stall: %w", s.stalled, err)
	}
	cut, longest := 0, time.Duration(0)
	for range s.stalled {
		if c := <-cuts; c.err == nil {
			cut++
			longest = max(longest, c.after)
		}
	}
	fmt.Fprintf(out, "%d of %d stalled connections were cut, the last after %s; good requests at %.0f/s meanwhile: %d of %d answered, p50 %s p99 %s (alone: p50 %s p99 %s)\n",
		cut, s.stalled, longest.Round(10*time.Millisecond), s.rate, beside.Replies, beside.Replies,
		beside.Latency.Quantile(0.5), beside.Latency.Quantile(0.99), alone.Latency.Quantile(0.5), alone.Latency.Quantile(0.99))
	if cut != s.stalled {
		return errors.New("connections that stall stay open")
	}
	peak := &rssPeak{pid: r.cmd.Process.Pid}
	stop := peak.watch()
	taken, slowest, err := s.pour(addr)
	stop()
	if err != nil {
		return err
	}
	const mib = 1 << 20
	fmt.Fprintf(out, "%d bodies of 1 GiB at once: %d MiB taken of the longest, the last answer after %s; riskd took %d MiB before all, %d MiB at most\n",
		s.bodies, taken/mib, slowest.Round(10*time.Millisecond), before/mib, peak.most/mib)
	switch {
	case taken > 64*mib:
		return errors.New("a body goes on after its limit")
	case peak.most-before > 64*mib:
		return errors.New("connections and bodies take memory that they shouldn't")
	case !r.alive():
		return errors.New("riskd has ended")
	}
	return nil
}

// ask sends good requests at the rate.
func (s *stalling) ask(addr string, long time.Duration) (*load.Result, error) {
	const body = `{"session":{"id":"good"},"client":{"ip":"203.0.113.7"}}`
	good := fmt.Appendf(nil, "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	g, err := load.Dial(load.Options{
		Addr: addr, Connections: 32, Request: func(int) []byte { return good },
		Check: func(_ int, r *load.Reply) error {
			if r.Status != http.StatusOK || !bytes.Contains(r.Body, []byte(`"decision":`)) {
				return fmt.Errorf("answered %d %s", r.Status, r.Body)
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if _, err := g.Closed(load.Limit{Requests: 64}); err != nil { // a connection that says nothing is cut
		return nil, err
	}
	return g.Open(s.rate, load.Limit{For: long})
}

type cutting struct {
	after time.Duration
	err   error
}

// stall opens the connections, each of which says when it was cut.
func (s *stalling) stall(addr string) (<-chan cutting, error) {
	cuts := make(chan cutting, s.stalled)
	for i := range s.stalled {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		go func() {
			defer c.Close()
			_, err := io.WriteString(c, stalls[i%len(stalls)])
			_ = c.SetReadDeadline(began.Add(cutWithin))
			if err == nil {
				if _, err = io.Copy(io.Discard, c); !errors.Is(err, os.ErrDeadlineExceeded) {
					err = nil // closed or reset
				}
			}
			cuts <- cutting{time.Since(began), err}
		}()
	}
	return cuts, nil
}

// pour sends the bodies, and says how much of one was taken at most.
func (s *stalling) pour(addr string) (taken int64, slowest time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	chunk := []byte(fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10)))
	for range s.bodies {
		c, dialled := net.Dial("tcp", addr)
		if dialled != nil {
			return 0, 0, dialled
		}
		began := time.Now()
		all.Go(func() {
			defer c.Close()
			n := int64(0)
			_, failed := io.WriteString(c, "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
			for ; failed == nil && n < 1<<30; n += int64(len(chunk)) {
				_, failed = c.Write(chunk)
			}
			mu.Lock()
			taken = max(taken, n)
			mu.Unlock()
		})
		all.Go(func() {
			status := make([]byte, len("HTTP/1.1 413"))
			_ = c.SetReadDeadline(began.Add(cutWithin))
			_, failed := io.ReadFull(c, status)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, time.Since(began))
			if string(status) != "HTTP/1.1 413" {
				err = errors.Join(err, fmt.Errorf("a body of 1 GiB is answered %q: %w", status, failed))
			}
		})
	}
	all.Wait()
	return taken, slowest, err
}

// rssOf is how much memory a process has.
func rssOf(pid int) (bytes int64, err error) {
	var all, pages int64
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err == nil {
		_, err = fmt.Sscan(string(text), &all, &pages)
	}
	return pages * int64(os.Getpagesize()), err
}

// rssPeak is the most memory that a process had while it was watched.
type rssPeak struct {
	pid  int
	most int64
}

func (p *rssPeak) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			now, _ := rssOf(p.pid)
			p.most = max(p.most, now)
			<-tick.C
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}
