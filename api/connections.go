package api

import (
	"net"
	"net/http"
	"sync/atomic"
)

// Connections is a listener that holds the open connections of a server to a
// number. Those past it are closed as soon as they are accepted, rather than left
// waiting: whoever asks then learns at once that nobody answers, and fails as he
// means to, where he would otherwise wait for as long as he means to wait. Those
// that are open aren't touched; gateways that keep theirs go on as if nothing were.
type Connections struct {
	net.Listener
	most    int64
	open    atomic.Int64
	refused atomic.Uint64
}

// LimitConnections gives the listener for a server to serve on, which has at most
// so many connections at once. It takes the server's ConnState.
func LimitConnections(s *http.Server, l net.Listener, most int) *Connections {
	c := &Connections{Listener: l, most: int64(most)}
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			c.open.Add(-1)
		}
	}
	return c
}

// Accept is for net.Listener.
func (c *Connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c.open.Add(1) <= c.most {
			return conn, nil
		}
		c.open.Add(-1)
		c.refused.Add(1)
		_ = conn.Close()
	}
}

// Open is how many connections are open now.
func (c *Connections) Open() int { return int(c.open.Load()) }

// Refused is how many were closed because there were too many.
func (c *Connections) Refused() uint64 { return c.refused.Load() }
