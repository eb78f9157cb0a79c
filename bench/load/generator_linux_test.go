package load_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd/bench/load"
)

// echo answers a POST with its body, every tenth time in chunks.
type echo struct{ requests atomic.Int64 }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if e.requests.Add(1)%10 == 0 {
		w.(http.Flusher).Flush()
	}
	_, _ = w.Write(body)
}

func numbered(i int) []byte {
	body := strconv.Itoa(i)
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func dial(t *testing.T, h http.Handler, o load.Options) *load.Generator {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Addr = strings.TrimPrefix(server.URL, "http://")
	g, err := load.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestEveryRequestIsSentOnceAndItsReplyChecked(t *testing.T) {
	t.Parallel()
	const n = 500
	for name, run := range map[string]func(*load.Generator) (*load.Result, error){
		"closed loop": func(g *load.Generator) (*load.Result, error) { return g.Closed(load.Limit{Requests: n}) },
		"open loop":   func(g *load.Generator) (*load.Result, error) { return g.Open(1e4, load.Limit{Requests: n}) },
		"open loop for a time": func(g *load.Generator) (*load.Result, error) {
			return g.Open(1e4, load.Limit{For: n * time.Second / 1e4})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &echo{}
			checked := make([]int, 2*n)
			g := dial(t, server, load.Options{
				Connections: 7, Request: numbered,
				Check: func(i int, r *load.Reply) error {
					if r.Status != http.StatusOK || string(r.Body) != strconv.Itoa(i) {
						return fmt.Errorf("request %d got %d %q", i, r.Status, r.Body)
					}
					checked[i]++
					return nil
				},
			})
			// Twice: numbers go on, and connections serve again.
			for range 2 {
				r, err := run(g)
				if err != nil {
					t.Fatal(err)
				}
				if r.Replies != n || r.Latency.Count() != n || r.Took <= 0 || r.Rate() <= 0 {
					t.Errorf("%d replies, %d latencies in %s; want %d of each", r.Replies, r.Latency.Count(), r.Took, n)
				}
			}
			if got := server.requests.Load(); got != 2*n {
				t.Errorf("the server got %d requests; want %d", got, 2*n)
			}
			for i, times := range checked {
				if times != 1 {
					t.Errorf("reply %d was checked %d times", i, times)
				}
			}
		})
	}
}

func TestAWrongReplyEndsTheLoad(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong decision")
	g := dial(t, &echo{}, load.Options{
		Connections: 3, Request: numbered,
		Check: func(i int, _ *load.Reply) error {
			if i == 100 {
				return wrong
			}
			return nil
		},
	})
	if _, err := g.Closed(load.Limit{Requests: 300}); !errors.Is(err, wrong) {
		t.Errorf("got error %v; want the check's", err)
	}
}

// All requests are due at once, and one connection answers them one by one: the
// last has waited for all others, since its latency counts from when it was due
// and not from when it could be sent.
func TestOpenLoopCountsTheWaitForASlowServer(t *testing.T) {
	t.Parallel()
	const n = 100
	g := dial(t, &echo{}, load.Options{
		Connections: 1, Request: numbered,
		Check: func(int, *load.Reply) error { return nil },
	})
	r, err := g.Open(1e9, load.Limit{Requests: n})
	if err != nil {
		t.Fatal(err)
	}
	if longest := r.Latency.Max(); longest < r.Took-n*time.Nanosecond {
		t.Errorf("the longest latency is %s of a run of %s", longest, r.Took)
	}
}

func TestAServerThatClosesEndsTheLoad(t *testing.T) {
	t.Parallel()
	g := dial(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	}), load.Options{Connections: 1, Request: numbered, Check: func(int, *load.Reply) error { return nil }})
	if _, err := g.Closed(load.Limit{Requests: 2}); err == nil {
		t.Error("no error though the server closed the connection after one reply")
	}
}

func TestDialNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	check := func(int, *load.Reply) error { return nil }
	for name, c := range map[string]struct {
		o    load.Options
		want string
	}{
		"no connections": {load.Options{Addr: "127.0.0.1:1", Request: numbered, Check: check}, "Connections"},
		"no check":       {load.Options{Addr: "127.0.0.1:1", Connections: 1, Request: numbered}, "Check"},
		"a host name":    {load.Options{Addr: "localhost:1", Connections: 1, Request: numbered, Check: check}, "Addr"},
		"nobody there":   {load.Options{Addr: "127.0.0.1:1", Connections: 1, Request: numbered, Check: check}, "connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := load.Dial(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v; want one that names %s", err, c.want)
			}
		})
	}
}
