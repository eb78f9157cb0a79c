//go:build integration

package examples

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// probe names a request of a test, so that the application can tell which it got.
const probe = "X-Probe"

// app is the application behind a gateway: it takes any request, remembers what
// it got, and sends the body back.
type app struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]*seen
}

// seen is a request as the application got it.
type seen struct {
	method, uri, body string
	header            http.Header
}

func newApp(t *testing.T) *app {
	a := &app{seen: map[string]*seen{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.answer))
	t.Cleanup(a.Close)
	return a
}

func (a *app) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.seen[r.Header.Get(probe)] = &seen{r.Method, r.RequestURI, string(body), r.Header.Clone()}
	a.mu.Unlock()
	if r.Header.Get("Upgrade") == "websocket" {
		echo(w, r.Header.Get("Sec-WebSocket-Key"))
		return
	}
	w.Header().Set("X-App", "here")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// echo takes a connection over and sends each line back. The handshake is that of
// RFC 6455 §4.2.2, which HAProxy checks; the frames aren't.
func echo(w http.ResponseWriter, key string) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(accept[:]))
	for lines := bufio.NewScanner(rw); lines.Scan(); {
		io.WriteString(conn, lines.Text()+"\n")
	}
}

func (a *app) request(id string) *seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[id]
}

// risk gives what the application could take for a header of riskd, under
// whatever name that servers may hold for the same.
func (s *seen) risk() map[string][]string {
	out := map[string][]string{}
	for name, values := range s.header {
		plain := textproto.CanonicalMIMEHeaderKey(strings.NewReplacer("_", "-", ".", "-").Replace(name))
		if strings.HasPrefix(plain, "X-Risk") {
			out[plain] = append(out[plain], values...)
		}
	}
	return out
}
