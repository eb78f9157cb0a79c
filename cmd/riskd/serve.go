package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const serveText = `Answers gateways until SIGTERM or SIGINT. Then /readyz says no at once, requests
go on being answered for drain.wait, those in flight are finished, and riskd ends
with 0. A second signal ends it at once.

SIGHUP looks at the policy pack, the geo and the TLS files again. They are watched,
too; what is wrong with them is logged, and what was loaded before stays in force.

A config with a mistake isn't started with: riskd names every mistake and ends.
`

func serveCommand(flags *flag.FlagSet) action {
	file := flags.String("config", "", "read the config `FILE`; without it every field has its default")
	repair := flags.Bool("repair", false, "go on after damage to the data folder, without what can't be read of it")
	return func(ctx context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"serve takes no arguments", "the config is named with -config"}
		}
		c, err := loadConfig(*file)
		if err != nil {
			return err
		}
		signals, stop := listenForSignals()
		defer stop()
		return serve(ctx, c, *repair, newLogger(std.err, c), signals)
	}
}

// listenForSignals gives the signals that end riskd or make it reload.
func listenForSignals() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

func serve(ctx context.Context, c *config, repair bool, log *slog.Logger, signals <-chan os.Signal) error {
	s, err := startService(serviceOptions{config: c, log: log, geo: geoOptions(c), output: newJournal(log), repair: repair})
	if err != nil {
		return startProblems(err)
	}
	if c.SessionKeyFile == "" {
		log.Warn("session_key_file is not set: session references end with this process")
	}
	if c.DataDir == "" {
		log.Warn("data_dir is not set: a restart forgets sessions and revocations")
	}
	if len(c.Callers) == 0 {
		log.Warn("callers is not set: whoever can reach the listeners from this machine may ask, and revoke")
	}
	if len(c.Geo.Databases) == 0 {
		log.Warn("geo.databases is not set: places are unknown, and every decision is marked geo_missing")
	}
	where := []any{"gateway", s.gateway.String(), "admin", s.admin.String()}
	if s.extauthz != nil {
		where = append(where, "extauthz", s.extauthz.String())
	}
	log.Info("serving", append(where, "pack", s.pack.Policy().Pack, "revision", s.pack.Policy().Revision)...)
	return s.run(ctx, signals)
}

// startProblems is why riskd didn't start, as a list of all that is wrong.
func startProblems(err error) error {
	list := flatten(err)
	return &problems{"riskd did not start: " + count(len(list), "problem"), list}
}

// run serves until a signal, or the end of ctx, tells to stop.
func (s *service) run(ctx context.Context, signals <-chan os.Signal) error {
	defer s.stops.run()
	for {
		select {
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return s.drain(signals)
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return s.drain(signals)
			}
			s.reload()
		}
	}
}

var (
	errSecondSignal = errors.New("a second signal came: requests in flight were cut off")
	errDrainLimit   = errors.New("drain.limit is over: requests in flight were cut off")
)

// drain says that riskd isn't ready, goes on for a while, and finishes what is
// in flight.
func (s *service) drain(signals <-chan os.Signal) error {
	s.draining.Store(true)
	s.store.notices.End()
	s.log.Info("draining", "wait", s.config.Drain.Wait.String(), "limit", s.config.Drain.Limit.String())
	ctx, cut := context.WithCancelCause(context.Background())
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Drain.Limit, errDrainLimit)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { cutOnSignal(ctx, cut, signals) })
	wait := time.NewTimer(s.config.Drain.Wait)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return s.shutdown(ctx)
}

// cutOnSignal ends a drain at the next signal that means it.
func cutOnSignal(ctx context.Context, cut context.CancelCauseFunc, signals <-chan os.Signal) {
	for {
		select {
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				cut(errSecondSignal)
				return
			}
		case <-ctx.Done():
			cut(nil)
			return
		}
	}
}

// shutdown ends the servers when their requests are finished, or when ctx ends.
func (s *service) shutdown(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, len(s.servers))
	for i, server := range s.servers {
		all.Go(func() { errs[i] = server.Shutdown(ctx) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.log.Info("drained")
	return errors.Join(errs...)
}
