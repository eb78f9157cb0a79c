package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what to drive and with what.
type Options struct {
	// Addr is the server's address and port, 127.0.0.1:8181.
	Addr string
	// Connections is how many connections stay open; each carries one request at
	// a time.
	Connections int
	// Call is the gRPC method that is called, /package.Service/Method; "" sends
	// requests in HTTP/1.1.
	Call string
	// Request gives the i-th request, whole, as it goes over the wire, or with Call
	// its message. The bytes have been sent when the next one is asked for.
	Request func(i int) []byte
	// Check judges the reply to the i-th request; an error ends the load.
	Check func(i int, r *Reply) error
	// Spin keeps the core busy between the sends of an open loop, for exact send
	// times; right when the generator has a core of its own.
	Spin bool
}

// patience is how long the generator waits without any reply before it gives up.
const patience = 10 * time.Second

// Generator holds the connections to one server. Use it from one goroutine at a
// time. After an error requests may still be under way: all that's left to do
// then is Close.
type Generator struct {
	opt   Options
	epoll int
	conns []*conn
	idle  []*conn
	sent  int // over all runs: the next request's number
}

// Dial opens the connections.
func Dial(o Options) (*Generator, error) {
	if o.Connections < 1 {
		return nil, fmt.Errorf("load: Connections is %d; it must be 1 or more", o.Connections)
	}
	if o.Request == nil || o.Check == nil {
		return nil, errors.New("load: Request and Check are required")
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	g := &Generator{opt: o, epoll: epoll}
	for range o.Connections {
		c, err := dial(o.Addr)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.conns = append(g.conns, c)
		if o.Call != "" {
			if err := c.newCall(o.Addr, o.Call); err != nil {
				g.Close()
				return nil, err
			}
		}
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(g.conns) - 1)}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
			g.Close()
			return nil, fmt.Errorf("load: epoll: %w", err)
		}
	}
	g.idle = append(g.idle, g.conns...)
	return g, nil
}

// Close closes all connections.
func (g *Generator) Close() {
	for _, c := range g.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(g.epoll)
	g.conns, g.idle = nil, nil
}

// Limit ends a run: after so many requests or so much time, whichever comes
// first; 0 is no limit, but one of them has to be set.
type Limit struct {
	Requests int
	For      time.Duration
}

// Result is what one run gave.
type Result struct {
	Replies int
	// Took is from the first send to the last reply.
	Took time.Duration
	// Latency is from when a request was due to be sent until its reply had been
	// read. In an open loop it so includes the wait for a connection that a slow
	// server caused ("coordinated omission" is avoided); in a closed loop
	// requests are due when they are sent.
	Latency Histogram
	// Busy is the CPU time that this process took meanwhile.
	Busy time.Duration
}

// Rate is the replies per second.
func (r *Result) Rate() float64 { return float64(r.Replies) / r.Took.Seconds() }

// Closed sends the next request on each connection as soon as the reply came.
func (g *Generator) Closed(l Limit) (*Result, error) { return g.run(0, l) }

// Open sends at a fixed rate, in requests per second, whatever the server does.
func (g *Generator) Open(rate float64, l Limit) (*Result, error) {
	if rate <= 0 {
		return nil, fmt.Errorf("load: rate is %v; it must be positive", rate)
	}
	return g.run(rate, l)
}

// run is one load. Between its start and its end everything happens here, on
// one thread: send what is due, wait, read what came.
func (g *Generator) run(rate float64, l Limit) (*Result, error) {
	if l.Requests <= 0 && l.For <= 0 {
		return nil, errors.New("load: Limit is empty: set Requests or For")
	}
	if rate > 0 && l.For > 0 {
		// All requests that fall due are sent and counted, late or not: cutting
		// the run by the clock would leave out just those that waited longest.
		due := max(int(rate*l.For.Seconds()), 1)
		if l.Requests <= 0 || due < l.Requests {
			l.Requests = due
		}
		l.For = 0
	}
	s := &slice{Generator: g, rate: rate, limit: l, start: time.Now()}
	before := processTime()
	for {
		if err := s.sendDue(); err != nil {
			return nil, err
		}
		if s.over && s.result.Replies == s.sends {
			break
		}
		if err := s.receive(); err != nil {
			return nil, err
		}
	}
	s.result.Took = s.lastReply
	s.result.Busy = processTime() - before
	return &s.result, nil
}

// slice is the state of one run; its times count from start.
type slice struct {
	*Generator
	rate      float64
	limit     Limit
	start     time.Time
	sends     int
	over      bool // nothing more to send
	lastReply time.Duration
	result    Result
	events    [64]unix.EpollEvent
}

// dueAt is when the n-th request of an open loop has to be sent.
func (s *slice) dueAt(n int) time.Duration {
	return time.Duration(float64(n) / s.rate * float64(time.Second))
}

func (s *slice) sendDue() error {
	for len(s.idle) > 0 {
		now := time.Since(s.start)
		if s.limit.Requests > 0 && s.sends >= s.limit.Requests || s.limit.For > 0 && now >= s.limit.For {
			s.over = true
			return nil
		}
		due := now
		if s.rate > 0 {
			if due = s.dueAt(s.sends); due > now {
				return nil
			}
		}
		c := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		c.request, c.due = s.sent, due
		s.sent++
		s.sends++
		if err := c.send(s.opt.Request(c.request)); err != nil {
			return err
		}
	}
	return nil
}

func (s *slice) receive() error {
	n, err := unix.EpollWait(s.epoll, s.events[:], s.wait())
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("load: epoll: %w", err)
	}
	if n <= 0 {
		if waiting := s.sends - s.result.Replies; waiting > 0 && time.Since(s.start)-s.lastReply > patience {
			return fmt.Errorf("load: %s: no reply for %s, %d requests wait", s.opt.Addr, patience, waiting)
		}
		return nil
	}
	for _, ev := range s.events[:n] {
		if err := s.read(s.conns[ev.Fd]); err != nil {
			return err
		}
	}
	return nil
}

// wait is how long epoll may wait, in milliseconds. An open loop must wake up
// for its next send, and epoll's clock is too coarse for that: it polls.
func (s *slice) wait() int {
	switch {
	case s.rate == 0 || s.over || len(s.idle) == 0:
		return 100
	case s.opt.Spin:
		return 0
	}
	return 1
}

func (s *slice) read(c *conn) error {
	reply, err := c.receive()
	if err != nil || reply == nil {
		return err
	}
	s.lastReply = time.Since(s.start)
	s.result.Latency.Record(s.lastReply - c.due)
	s.result.Replies++
	s.idle = append(s.idle, c)
	return s.opt.Check(c.request, reply)
}

// processTime is the CPU time that this process has taken so far.
func processTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
