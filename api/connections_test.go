package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// listening serves the gateway's handler on a port of its own, as riskd does.
type listening struct {
	*Connections
	t      *testing.T
	closed chan net.Conn // the server's side of connections that have ended
}

func listen(t *testing.T, most int) *listening {
	t.Helper()
	server := NewServer(newHouse(t).gateway)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listening{LimitConnections(server, plain, most), t, make(chan net.Conn, 1000)}
	count := server.ConnState
	server.ConnState = func(c net.Conn, s http.ConnState) {
		count(c, s)
		if s == http.StateClosed {
			l.closed <- c
		}
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l
}

func (l *listening) dial() *net.TCPConn {
	l.t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// oneEvent is a document that is decided on.
const oneEvent = `{"session":{"id":"s-1"},"client":{"ip":"203.0.113.7"}}`

func raw(body string) string {
	return fmt.Sprintf("POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// ask sends a good request and reads its answer.
func ask(c net.Conn, from *bufio.Reader) error {
	if _, err := io.WriteString(c, raw(oneEvent)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err = io.Copy(io.Discard, answer.Body); err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	return err
}

// rest reads until the server ends the connection, and reports what it said.
func rest(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute)) // rather than hang
	said, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection stays open; it said %q", said)
	}
	return string(said)
}

// Whoever stalls is cut, wherever he does, and those who don't are answered all
// the while.
func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	l := listen(t, 1000)
	headers := "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
	drip := func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, " "); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond) // that is what it tests
		}
	}
	kinds := map[string]struct {
		sends, answer string
		then          func(net.Conn)
	}{
		"says nothing":              {"", "", nil},
		"stops within a header":     {headers[:40], "", nil},
		"stops before a body":       {headers + "\r\n", "HTTP/1.1 408", nil},
		"stops within a body":       {headers + "\r\n{", "HTTP/1.1 408", nil},
		"drips":                     {headers + "\r\n{", "HTTP/1.1 408", drip},
		"stops after a request":     {raw(oneEvent) + headers[:40], "HTTP/1.1 200", nil},
		"sends a body nobody reads": {strings.Replace(headers, "application/json", "text/plain", 1) + "\r\nx", "HTTP/1.1 415", nil},
	}
	var stalled, good sync.WaitGroup
	for kind, k := range kinds {
		for range 20 {
			c := l.dial()
			stalled.Go(func() {
				if _, err := io.WriteString(c, k.sends); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
				if k.then != nil {
					go k.then(c)
				}
				if said := rest(t, c); !strings.HasPrefix(said, k.answer) || k.answer == "" && strings.Contains(said, "200 OK") {
					t.Errorf("who %s got %.80q", kind, said)
				}
			})
		}
	}
	cut := make(chan struct{})
	go func() {
		stalled.Wait()
		close(cut)
	}()
	for range 4 {
		c := l.dial()
		good.Go(func() {
			from := bufio.NewReader(c)
			for n := 0; ; n++ {
				if err := ask(c, from); err != nil {
					t.Errorf("a good client, after %d answers: %v", n, err)
					return
				}
				select {
				case <-cut:
					return
				default:
				}
			}
		})
	}
	good.Wait()
	stalled.Wait()
}

// Whoever asks for much and reads nothing is cut, too.
func TestClientsThatDontReadAreCut(t *testing.T) {
	t.Parallel()
	l := listen(t, 10)
	c := l.dial()
	_ = c.SetReadBuffer(4 << 10)
	batch := "[" + strings.Repeat(oneEvent+",", MaxBatch-1) + oneEvent + "]"
	many := strings.Replace(raw(batch), "/v1/decisions", "/v1/decisions/batch", 1)
	go func() {
		for { // until nothing more can be sent
			if _, err := io.WriteString(c, many); err != nil {
				return
			}
		}
	}()
	select {
	case <-l.closed:
	case <-time.After(time.Minute): // rather than hang
		t.Error("the connection stays open")
	}
	if open := l.Open(); open != 0 {
		t.Errorf("%d connections are open", open)
	}
}

// A body that doesn't end is cut at the limit, whatever the surface, and takes no
// memory.
func TestEndlessBodiesAreCut(t *testing.T) {
	l := listen(t, 100)
	chunk := []byte(fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for _, path := range []string{"/v1/decisions", "/v1/decisions/batch", "/v1/telemetry", "/v1/forward-auth/web", "/nowhere"} {
		for _, length := range []string{"Transfer-Encoding: chunked", fmt.Sprintf("Content-Length: %d", 1<<30)} {
			c := l.dial()
			var n int
			all.Go(func() {
				_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\n%s\r\n\r\n", path, length)
				for ; err == nil && n < 1<<30; n += len(chunk) {
					_, err = c.Write(chunk)
				}
				// What the kernel's buffers have taken counts as sent.
				if n > 64<<20 {
					t.Errorf("%s, %s: %d MiB were taken", path, length, n>>20)
				}
			})
			all.Go(func() {
				if said := rest(t, c); !strings.HasPrefix(said, "HTTP/1.1 4") {
					t.Errorf("%s, %s: answered %.80q", path, length, said)
				}
			})
		}
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
		t.Errorf("%d bodies of a GiB took %d MiB", 10, took>>20)
	}
}

// Past the bound connections are closed at once; those that are open go on, and
// one that ends makes room.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 5
	l := listen(t, most)
	open := make([]*net.TCPConn, most)
	from := make([]*bufio.Reader, most)
	for i := range open {
		open[i] = l.dial()
		from[i] = bufio.NewReader(open[i])
		if err := ask(open[i], from[i]); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if said := rest(t, l.dial()); said != "" {
			t.Errorf("one too many got %q", said)
		}
	}
	if l.Open() != most || l.Refused() != 10 {
		t.Errorf("%d are open, %d were refused", l.Open(), l.Refused())
	}
	for i := range open {
		if err := ask(open[i], from[i]); err != nil {
			t.Errorf("an open connection: %v", err)
		}
	}
	_ = open[0].Close()
	<-l.closed
	again := l.dial()
	if err := ask(again, bufio.NewReader(again)); err != nil {
		t.Errorf("when there was room again: %v", err)
	}
}

// A batch has a time, too: what it has no time for is answered by who decides, as
// it says what there is left.
func TestBatchesHaveADeadline(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var bounded bool
	h.engine.asked = func(end time.Time, ok bool) { bounded = ok && time.Until(end) <= batchTime }
	post(h.gateway, "/v1/decisions/batch", "["+oneEvent+"]")
	if !bounded {
		t.Error("a batch may take as long as it likes")
	}
	post(h.gateway, "/v1/decisions", oneEvent)
	if bounded {
		t.Error("a single event, whose time the engine bounds, has a deadline besides")
	}
}
