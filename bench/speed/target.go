//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"

	"github.com/riskd/riskd/bench/load"
	"github.com/riskd/riskd/bench/process"
)

// target is a server that is measured.
type target struct {
	name   string
	addr   string
	server *process.Process
	work   map[string]*workload // by the name of the case
}

// workload is what a target is asked in one case, over and over, and what it has
// to answer every time.
type workload struct {
	request  func(i int) []byte // whole, good until the next call
	decision string
	says     []string // what every reply has to hold
	addr     string   // where, if not at the target's own
	call     string   // the gRPC method; "" is HTTP/1.1
	reply    int      // a reply's body, in bytes
	sent     int      // how many requests so far
}

// post prepares a request as it goes over the wire.
func post(addr, path string, body []byte) []byte {
	b := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, addr, len(body))
	return append(b, body...)
}

// dial opens connections for one visit and lets each carry a request, so that
// no slice times the accepting.
func (t *target) dial(w *workload, connections int, spin bool) (*load.Generator, error) {
	g, err := t.open(w, connections, spin)
	if err != nil {
		return nil, err
	}
	if _, err := g.Closed(load.Limit{Requests: connections}); err != nil {
		g.Close()
		return nil, t.server.Explain(err)
	}
	return g, nil
}

// open opens connections.
func (t *target) open(w *workload, connections int, spin bool) (*load.Generator, error) {
	said := [][]byte{nil}
	for _, s := range w.says {
		said = append(said, []byte(s))
	}
	g, err := load.Dial(load.Options{
		Addr: cmp.Or(w.addr, t.addr), Call: w.call, Connections: connections, Spin: spin,
		Request: func(int) []byte {
			w.sent++
			return w.request(w.sent - 1)
		},
		Check: func(_ int, r *load.Reply) error {
			for _, s := range said {
				if r.Status != http.StatusOK || !bytes.Contains(r.Body, s) {
					return fmt.Errorf("a reply must be 200 and hold %s; it is %d: %s", s, r.Status, r.Body)
				}
			}
			w.reply = len(r.Body)
			return nil
		},
	})
	if err != nil {
		return nil, t.server.Explain(err)
	}
	return g, nil
}

// said is how the API says a decision.
func said(decision string) string { return fmt.Sprintf(`"decision":%q`, decision) }

// always is a workload's request when it is always the same.
func always(request []byte) func(int) []byte { return func(int) []byte { return request } }
