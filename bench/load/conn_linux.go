package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// conn is one connection and the request that it carries.
type conn struct {
	fd      int
	request int           // number of the request under way
	due     time.Duration // when it was due, from the start of the run
	in      []byte        // what came of the reply so far
	scratch []byte        // a chunked reply's body
	reply   Reply
	call    *call // nil: HTTP/1.1
}

// dial connects, then makes the socket non-blocking. Not net.Dial: the
// runtime's poller would wake up for each reply beside ours.
func dial(addr string) (*conn, error) {
	target, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("load: Addr %q: must be an IP address and a port: %w", addr, err)
	}
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(target.Port())})
	if ip := target.Addr(); ip.Is4() {
		to.(*unix.SockaddrInet4).Addr = ip.As4()
	} else {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: int(target.Port()), Addr: ip.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("load: socket: %w", err)
	}
	err = errors.Join(
		unix.Connect(fd, to),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true),
	)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("load: connect %s: %w", addr, err)
	}
	return &conn{fd: fd, in: make([]byte, 0, 16<<10)}, nil
}

// send writes a request.
func (c *conn) send(request []byte) error {
	if c.call != nil {
		var err error
		if request, err = c.call.frames(request); err != nil {
			return err
		}
		c.call.out = request
	}
	return c.write(request)
}

// write writes a request whole: one at a time is under way, so the socket's buffer
// has room for it.
func (c *conn) write(request []byte) error {
	for {
		n, err := unix.Write(c.fd, request)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("load: write: %w", err)
		case n < len(request):
			return fmt.Errorf("load: write: the socket took %d of %d bytes; send smaller requests", n, len(request))
		}
		return nil
	}
}

// receive reads what has come; it returns nil while the reply isn't complete.
func (c *conn) receive() (*Reply, error) {
	if len(c.in) == cap(c.in) {
		c.in = append(c.in, 0)[:len(c.in)]
	}
	n, err := unix.Read(c.fd, c.in[len(c.in):cap(c.in)])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("load: read: %w", err)
	case n == 0:
		return nil, fmt.Errorf("load: the server closed a connection after %q", c.in)
	}
	c.in = c.in[:len(c.in)+n]
	if c.call != nil {
		return c.receiveCall()
	}
	var size int
	c.reply, size, c.scratch, err = parseReply(c.in, c.scratch)
	switch {
	case err != nil:
		return nil, fmt.Errorf("load: %w", err)
	case size == 0:
		return nil, nil
	case size < len(c.in):
		return nil, fmt.Errorf("load: %d bytes after the reply to a single request", len(c.in)-size)
	}
	c.in = c.in[:0] // the reply's body stays readable until the next request is sent
	return &c.reply, nil
}
