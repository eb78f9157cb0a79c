// Command go-middleware is a small shop that asks riskd about every request that
// somebody signed in makes. It shows how a Go program uses package client; it is no
// shop to sell from: its users stand below, its sessions are in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "listen on `ADDRESS`")
	url := flag.String("riskd", "http://127.0.0.1:8181", "riskd's gateway listener: http, https or unix:///PATH")
	proxy := flag.Bool("behind-proxy", false, "take the client's address from X-Real-Ip, which a proxy in front must set")
	deadline := flag.Duration("deadline", client.DefaultDeadline, "how long asking riskd may take; then the class of the route decides")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *url, *deadline, *proxy); err != nil {
		slog.Error("go-middleware", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, url string, deadline time.Duration, proxy bool) error {
	s := &shop{sessions: map[string]session{}, behindProxy: proxy}
	c, err := client.New(client.Options{
		URL: url, Gateway: "go-middleware", Deadline: deadline, OnFailure: riskd.FailLast, Event: s.event,
		Log: func(doing string, err error) { slog.Warn("riskd", "doing", doing, "error", err.Error()) },
	})
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: s.handler(c), ReadHeaderTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	slog.Info("serving", "address", "http://"+listen)
	select {
	case err = <-done:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(last), c.Close(last))
}
