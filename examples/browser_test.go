//go:build integration

package examples

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// browserAddress is the client's: gateways see it, and riskd has to.
const (
	browserAddress = "127.0.1.5"
	browserPrefix  = "127.0.1.0/24"
)

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
	app    *seen // nil if the application wasn't reached
}

func (a *answer) String() string {
	if a.app == nil {
		return fmt.Sprint(a.status)
	}
	return fmt.Sprintf("%d app", a.status)
}

var probes atomic.Int64

// ask sends a request as it is written here, byte for byte, and reads the answer.
// Headers are whole lines, without a name that comes twice being one.
func (s *site) ask(t *testing.T, method, uri, body string, headers ...string) *answer {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	id := fmt.Sprint(probes.Add(1))
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: shop.example\r\n%s: %s\r\nUser-Agent: %s\r\n", method, uri, probe, id, agent)
	if body != "" {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(body))
	}
	for _, h := range headers {
		text.WriteString(h + "\r\n")
	}
	// Written aside: a gateway may answer and close before it has read everything.
	go io.WriteString(conn, text.String()+"Connection: close\r\n\r\n"+body)
	got, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, uri, err)
	}
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatalf("%s %s: %d, %v", method, uri, got.StatusCode, err)
	}
	for name := range got.Header {
		if strings.HasPrefix(name, "X-Risk") { // attackers would learn how near they are
			t.Errorf("%s %s: the client got %s: %s", method, uri, name, got.Header.Get(name))
		}
	}
	return &answer{got.StatusCode, got.Header, string(content), s.app.request(id)}
}

// get asks with a session.
func (s *site) get(t *testing.T, uri, session string, headers ...string) *answer {
	t.Helper()
	return s.ask(t, "GET", uri, "", append(headers, "Cookie: theme=dark; sid="+session)...)
}

func (s *site) dial(t *testing.T) net.Conn {
	t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(browserAddress)}}
	conn, err := from.DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"
