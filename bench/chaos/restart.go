//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/bench/process"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// restarting starts riskd with a folder that has much in it.
type restarting struct {
	binary                string
	sessions, revocations int
	starts                int
	limit                 time.Duration
}

func restartFlags(flags *flag.FlagSet) action {
	r := &restarting{limit: 3 * time.Second}
	flags.IntVar(&r.sessions, "sessions", 100_000, "sessions in the folder")
	flags.IntVar(&r.revocations, "revocations", 10_000, "revocations in the folder")
	flags.IntVar(&r.starts, "n", 5, "how often to start; each ends with kill -9")
	return r.run
}

func (k *restarting) run(ctx context.Context, out io.Writer) (err error) {
	gateway, err := process.FreeAddr()
	if err != nil {
		return err
	}
	s, err := newSite(ctx, siteOptions{binary: k.binary, gateway: gateway})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began := time.Now()
	if err := k.build(ctx, filepath.Join(s.data, "state")); err != nil {
		return err
	}
	size, err := sizeOf(s.data)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sessions and %d revocations: %d MiB, built in %s\n", k.sessions, k.revocations, size>>20, time.Since(began).Round(time.Second))
	var took, first []time.Duration
	var onRecord time.Duration
	for i := range k.starts + 1 {
		began := time.Now()
		asked := make(chan error, 1)
		var answered time.Duration
		go func() {
			err := k.ask(ctx, "http://"+gateway, order(3*(i%(k.revocations/3))))
			answered = time.Since(began)
			asked <- err
		}()
		r, err := s.start(ctx)
		if err != nil {
			return err
		}
		err = <-asked
		gone, err2 := lost(ctx, r, k.sample())
		r.kill()
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if len(gone) > 0 {
			return fmt.Errorf("%d of %d revocations are not in force", len(gone), len(k.sample()))
		}
		if i == 0 { // it puts on record what nobody has: the folder comes from build
			onRecord = r.took
			continue
		}
		took, first = append(took, r.took), append(first, answered)
	}
	slowest := quantile(took, 1)
	fmt.Fprintf(out, "from exec to ready p50 %s, max %s; the first decision, answered revoke, after p50 %s; the very first start, which puts all orders on record, %s\n",
		quantile(took, 0.5).Round(time.Millisecond), slowest.Round(time.Millisecond), quantile(first, 0.5).Round(time.Millisecond), onRecord.Round(time.Millisecond))
	if slowest > k.limit {
		return fmt.Errorf("a start took %s; it may take %s", slowest.Round(time.Millisecond), k.limit)
	}
	return nil
}

// sample gives some of the orders.
func (k *restarting) sample() (orders []order) {
	for i := 0; i < k.revocations; i += max(1, k.revocations/1000) {
		orders = append(orders, order(i))
	}
	return orders
}

// ask asks about a revoked session from before riskd listens on, and holds the
// very first answer to be revoke.
func (k *restarting) ask(ctx context.Context, gateway string, o order) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, gateway+"/v1/decisions", strings.NewReader(o.event()))
		if err != nil {
			return err
		}
		q.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			time.Sleep(time.Millisecond)
			continue
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		var d decision
		if err := json.Unmarshal(body, &d); err != nil || !d.revoked() {
			return fmt.Errorf("the first decision asked for a revoked session is %d %s", answer.StatusCode, body)
		}
		return nil
	}
}

// build fills a folder as riskd would, but faster.
func (k *restarting) build(ctx context.Context, dir string) error {
	s, err := sessions.New(sessions.Options{Dir: dir, ReadDeadline: time.Minute, MaxSessions: 50_000, MaxProfiles: 50_000, Cells: signals.CellNames()})
	if err != nil {
		return err
	}
	for i := range k.sessions {
		id := sessionKey.ID("", fmt.Sprint("session-", i))
		user := fmt.Sprint("user-", i/3)
		at := time.Now()
		e := &riskd.Event{Session: riskd.EventSession{ID: id}, User: riskd.User{ID: user}, Device: riskd.Device{ID: fmt.Sprint("device-", i/2)}}
		s.Update(e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.User, in.DeviceID, in.SeenAt, in.ActiveAt, in.Requests = user, e.Device.ID, at, at, 1
			in.Cells = make([]riskd.Cell, signals.Cells())
			return riskd.Lesson{Learn: i%3 == 0}
		})
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), s.Close())
		}
	}
	for i := 0; i < k.revocations; i += 500 {
		var orders []riskd.Epoch
		for o := order(i); int(o) < min(i+500, k.revocations); o++ {
			orders = append(orders, riskd.Epoch{Target: o.target(), At: time.Now(), Reason: "chaos", Actor: "chaos"})
		}
		if _, err := s.Impose(ctx, "", orders...); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return s.Close()
}

// target is what the order is over.
func (o order) target() riskd.Target {
	switch o.kind() {
	case "user":
		return riskd.Target{Kind: riskd.TargetUser, ID: o.id()}
	case "device":
		return riskd.Target{Kind: riskd.TargetDevice, ID: o.id()}
	default:
		return riskd.Target{Kind: riskd.TargetSession, Session: sessionKey.ID("", o.id())}
	}
}
