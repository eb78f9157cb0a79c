//go:build integration

package examples

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// fault is what becomes of riskd, or of the network before it.
type fault struct {
	name   string
	status int // riskd's place is taken by a server that answers this
}

var (
	pass = fault{name: "pass"}
	// The answer is held back until another fault is set.
	slow = fault{name: "slow"}
	// Connections are taken, and nothing comes back.
	hang = fault{name: "hang"}
	// The connection ends in the middle of the answer.
	cut = fault{name: "cut"}
	// Connections are refused.
	down = fault{name: "down"}
)

// link is the network between a gateway and riskd, with its faults.
type link struct {
	address, target string
	other           *httptest.Server // takes riskd's place
	status          atomic.Int64     // that it answers
	felt            atomic.Int64     // connections that the fault has come to

	mu       sync.Mutex
	listener net.Listener
	now      fault
	changed  chan struct{} // closed when now is no longer
	conns    map[net.Conn]bool
}

func newLink(t *testing.T, target string) *link {
	l := &link{target: target, now: pass, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	l.other = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(l.status.Load()))
	}))
	l.other.Config.Protocols = new(http.Protocols)
	l.other.Config.Protocols.SetHTTP1(true)
	l.other.Config.Protocols.SetUnencryptedHTTP2(true)
	l.other.Start()
	l.address = "127.0.0.1:" + freePort(t)
	l.listen(t)
	t.Cleanup(func() {
		l.set(t, down)
		l.other.Close()
	})
	return l
}

func (l *link) listen(t *testing.T) {
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	l.listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn)
		}
	}()
}

// set makes a fault of the link. Connections from before are closed.
func (l *link) set(t *testing.T, f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.now, l.changed = f, make(chan struct{})
	l.status.Store(int64(f.status))
	if f == down && l.listener != nil {
		l.listener.Close()
		l.listener = nil
	}
	for conn := range l.conns {
		conn.Close()
	}
	l.felt.Store(0)
	if f != down && l.listener == nil {
		l.listen(t)
	}
}

// struck reports whether the fault has come to anything: a connection that is
// refused leaves no trace.
func (l *link) struck() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now == down || l.felt.Load() > 0
}

// carry serves one connection as the fault of the moment has it.
func (l *link) carry(conn net.Conn) {
	defer conn.Close()
	l.mu.Lock()
	f, changed := l.now, l.changed
	l.conns[conn] = true
	l.mu.Unlock()
	defer l.forget(conn)
	var first [1]byte // gateways open connections that they don't use
	if n, _ := conn.Read(first[:]); n == 0 || f == down {
		return
	}
	l.felt.Add(1)
	if f == hang {
		io.Copy(io.Discard, conn)
		return
	}
	target := l.target
	if f.status != 0 {
		target = l.other.Listener.Addr().String()
	}
	riskd, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer riskd.Close()
	go func() {
		riskd.Write(first[:])
		io.Copy(riskd, conn)
		riskd.Close()
	}()
	l.back(f, changed, conn, riskd)
}

// back carries riskd's answers.
func (l *link) back(f fault, changed chan struct{}, conn, riskd net.Conn) {
	switch f {
	case slow, cut:
		answer := make([]byte, 64<<10)
		n, _ := riskd.Read(answer)
		if f == cut {
			conn.Write(answer[:n/2])
			return
		}
		<-changed
		conn.Write(answer[:n])
	default:
		io.Copy(conn, riskd)
	}
}

func (l *link) forget(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}
