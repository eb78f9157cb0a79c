//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/riskd/riskd/bench/process"
)

// The floor is the least that an HTTP service in Go can do: net/http reads the
// body and writes a fixed reply. What riskd takes beyond that is riskd's own.

// startFloor starts a floor that gives the replies that riskd gave, and asks it
// what riskd is asked.
func (l *lab) startFloor(ctx context.Context, riskd *target, crowds []*crowd) (*target, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	t := &target{name: "floor", addr: addr, work: map[string]*workload{}}
	for _, c := range crowds {
		body := c.first(c, 0)
		reply, err := ask(ctx, "http://"+riskd.addr+decisions, body)
		if err != nil {
			return nil, fmt.Errorf("floor: riskd's reply: %w", err)
		}
		if err := os.WriteFile(filepath.Join(l.dir, c.name+".reply"), reply, 0o600); err != nil {
			return nil, err
		}
		t.work[c.name] = &workload{request: always(post(addr, "/"+c.name, body)), decision: c.decision, says: []string{said(c.decision)}}
	}
	return t, l.serveReplies(ctx, t, l.dir)
}

// serveReplies runs this very program as the floor.
func (l *lab) serveReplies(ctx context.Context, t *target, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	metrics := "http://" + t.addr + "/metrics"
	t.server, err = l.start(ctx, process.Options{
		Name: t.name, Command: []string{self, "-serve", "floor", "-at", t.addr, "-replies", dir},
		Ready: metrics, Metrics: metrics,
	})
	return err
}

// serveFloor is the floor's process. Each case has a path and, in the folder, a
// file with its reply.
func serveFloor(addr, dir string) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	for _, name := range crowdNames {
		reply, err := os.ReadFile(filepath.Join(dir, name+".reply"))
		if err != nil {
			return err
		}
		mux.Handle("POST /"+name, floor(reply))
	}
	return (&http.Server{Addr: addr, Handler: mux}).ListenAndServe()
}

// floor reads the body whole and writes the same reply to everybody.
func floor(reply []byte) http.Handler {
	length := strconv.Itoa(len(reply))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(reply)
	})
}
