package client_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/client"
)

// goroutines gives the stacks of those that carry a label, which goroutines have
// from the one that has started them.
func goroutines(t *testing.T, label string) (stacks []string) {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(block, `"client":"`+label+`"`) {
			stacks = append(stacks, block)
		}
	}
	return stacks
}

// Nothing of a Client goes on after Close, its connections' goroutines neither.
func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, h *house, o *client.Options){
		"well":      func(*testing.T, *house, *client.Options) {},
		"no leases": func(_ *testing.T, _ *house, o *client.Options) { o.NoLeases = true },
		"down":      func(t *testing.T, _ *house, o *client.Options) { o.URL = nowhere(t) },
		"hangs":     func(_ *testing.T, h *house, o *client.Options) { o.Deadline = 20 * time.Millisecond; h.hang() },
		"silent": func(t *testing.T, _ *house, o *client.Options) { // takes connections, and says nothing
			l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
			t.Cleanup(func() { l.Close() })
			o.URL, o.Deadline = "http://"+l.Addr().String(), 20*time.Millisecond
		},
		"refuses": func(_ *testing.T, h *house, _ *client.Options) {
			var no http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
			h.fault.handler.Store(&no)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			label := "of " + t.Name()
			pprof.Do(t.Context(), pprof.Labels("client", label), func(ctx context.Context) {
				c := h.newClient(func(o *client.Options) { prepare(t, h, o) })
				if name == "well" {
					h.await("the client is up to date", func() bool { return c.Stats().Current })
					h.lease(c, event("s1"))
				}
				c.Decide(ctx, event("s1"))
				if name != "no leases" && len(goroutines(t, label)) < 2 {
					t.Error("a client's goroutines can't be told from others")
				}
				over, cancel := context.WithCancel(ctx)
				cancel() // so that nothing is told any more: that mustn't keep anything, either
				_ = c.Close(over)
			})
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for range 1000 { // before idle connections end by themselves
				if len(goroutines(t, label)) == 0 {
					return
				}
				<-tick.C
			}
			t.Errorf("left:\n%s", strings.Join(goroutines(t, label), "\n\n"))
		})
	}
}
