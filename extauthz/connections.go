package extauthz

import (
	"net"
	"sync"
)

// limited is a listener that closes connections past the server's limit as soon as
// they come, so that an Envoy learns at once that nobody answers.
type limited struct {
	net.Listener
	server *Server
}

// Accept is for net.Listener.
func (l limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.server.open.Add(1) <= int64(l.server.MaxConnections) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.server.open.Add(-1) })}, nil
		}
		l.server.open.Add(-1)
		l.server.refused.Add(1)
		_ = c.Close()
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close is for net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

// NetConn gives the connection itself, whose far end may be known by it.
func (c *counted) NetConn() net.Conn { return c.Conn }

// Open is how many connections are open now.
func (s *Server) Open() int { return int(s.open.Load()) }

// Refused is how many were closed because there were too many.
func (s *Server) Refused() uint64 { return s.refused.Load() }
