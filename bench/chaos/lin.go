//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// linearizing records what clients do at once to one store and one engine, and
// asks whether some order of it, one thing after the other, explains the answers.
type linearizing struct {
	histories, ops int
	seed           uint64
	// front puts something between clients and engine, for controls. Optional.
	front func(decider) decider
}

const (
	linClients = 8
	// linLives is how often the store is closed and opened again in a history, plus
	// one.
	linLives = 4
)

// linFiles is a folder for the histories that can't be explained, "" for none.
type linFiles string

func linFlags(flags *flag.FlagSet) action {
	l := &linearizing{}
	flags.IntVar(&l.histories, "histories", 5, "how many histories")
	flags.IntVar(&l.ops, "ops", 20_000, "operations in each")
	flags.Uint64Var(&l.seed, "seed", 1, "of the first history")
	dir := flags.String("out", "", "`folder` for pictures of histories that are not linearizable")
	return func(ctx context.Context, out io.Writer) error {
		pack, err := allowAll()
		if err != nil {
			return err
		}
		started := time.Now()
		var checking time.Duration
		var sum tally
		for i := range l.histories {
			h, err := l.history(ctx, pack, l.seed+uint64(i))
			if err != nil {
				return err
			}
			began := time.Now()
			if err := h.check(linFiles(*dir)); err != nil {
				return fmt.Errorf("history %d: %w", i+1, err)
			}
			checking += time.Since(began)
			sum.add(h)
		}
		fmt.Fprintf(out, "%d histories of %d operations by %d clients, all linearizable: %d decisions, %d of them revoke; %d orders; %d partitions\n",
			l.histories, l.ops, linClients, sum.decisions, sum.revoked, sum.orders, sum.partitions)
		fmt.Fprintf(out, "%s in all, %s of that for checking\n", time.Since(started).Round(time.Millisecond), checking.Round(time.Millisecond))
		return sum.counts()
	}
}

// one makes one history and checks it.
func (l *linearizing) one(ctx context.Context, dir linFiles) error {
	pack, err := allowAll()
	if err != nil {
		return err
	}
	h, err := l.history(ctx, pack, l.seed)
	if err != nil {
		return err
	}
	return h.check(dir)
}

// tally says how much there was to look at.
type tally struct{ decisions, revoked, orders, partitions int }

func (t *tally) add(h *history) {
	for i := range h.ops {
		if o := &h.ops[i]; o.kind != opDecide {
			t.orders++
		} else if t.decisions++; o.revoked {
			t.revoked++
		}
	}
	t.partitions += len(h.partitions())
}

// counts fails if decisions were nearly all alike, which is easy to explain.
func (t *tally) counts() error {
	if share := float64(t.revoked) / float64(max(1, t.decisions)); share < 0.1 || share > 0.9 || t.orders < t.decisions/20 {
		return fmt.Errorf("the run doesn't count: %+v", *t)
	}
	return nil
}

// history runs the clients, and gives what they did. The store is closed and
// opened again a few times while they pause; its disk is slow now and then.
func (l *linearizing) history(ctx context.Context, pack *policies.Pack, seed uint64) (*history, error) {
	fs := &disk{FS: vfs.NewMem(), before: func(op string) {
		if op == opFsync && rand.IntN(20) == 0 {
			time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
		}
	}}
	h := &history{began: time.Now(), total: l.ops}
	for life := range linLives {
		if err := l.live(ctx, fs, pack, h, seed*linLives+uint64(life), l.ops*(life+1)/linLives); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// live lets clients go on until there are so many operations.
func (l *linearizing) live(ctx context.Context, fs vfs.FS, pack *policies.Pack, h *history, seed uint64, until int) error {
	// More sessions than fit, so that some come from the disk.
	store, err := sessions.New(sessions.Options{FS: fs, Dir: "data", ReadDeadline: time.Minute, MaxSessions: linSessions / 4})
	if err != nil {
		return err
	}
	engine, err := newEngine(store, pack)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	front := decider(engine)
	if l.front != nil {
		front = l.front(engine)
	}
	var all sync.WaitGroup
	errs := make([]error, linClients)
	for i := range linClients {
		c := &client{number: i, history: h, engine: front, orders: store, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		all.Go(func() { errs[i] = c.run(ctx, until) })
	}
	all.Wait()
	return errors.Join(append(errs, store.Close())...)
}

// client does one thing after the other.
type client struct {
	number  int
	history *history
	engine  decider
	orders  imposer
	random  *rand.Rand
}

// imposer puts orders in force; the store does.
type imposer interface {
	Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error)
}

var _ imposer = scoring.Memory(nil)

func (c *client) run(ctx context.Context, until int) error {
	for ctx.Err() == nil {
		// Sessions begin one after the other, and what is done concerns those about
		// the latest: old ones are all revoked.
		n := c.history.size()
		if n >= until {
			return nil
		}
		session := min(linSessions-1, max(0, n*linSessions/c.history.total+c.random.IntN(40)-20))
		if err := c.act(ctx, session); err != nil {
			return err
		}
		if c.random.IntN(200) == 0 {
			time.Sleep(time.Duration(c.random.IntN(500)) * time.Microsecond)
		}
	}
	return ctx.Err()
}

// act does something to a session: mostly a decision. Around an order its client
// asks for decisions, so that one that comes too late is seen.
func (c *client) act(ctx context.Context, session int) error {
	var o operation
	switch p := c.random.IntN(100); {
	case p < 90:
		return c.decide(ctx, session)
	case p < 95:
		o = operation{kind: opRevokeSession, subject: session}
	case p < 99:
		o = operation{kind: opRevokeUser, subject: session % linUsers, before: session + c.random.IntN(41) - 30}
	default:
		o = operation{kind: opRevokeTenant, subject: session % linTenants, before: session - 10 - c.random.IntN(30)}
	}
	if err := c.decide(ctx, session); err != nil {
		return err
	}
	o.call = c.history.now()
	if _, err := c.orders.Impose(ctx, "", o.epoch()); err != nil {
		return err
	}
	c.history.add(c.number, o)
	return c.decide(ctx, session)
}

func (c *client) decide(ctx context.Context, session int) error {
	o := operation{kind: opDecide, subject: session, call: c.history.now()}
	d := c.engine.Decide(ctx, linEvent(session), afternoon)
	if d.Outcome != riskd.Allow && d.Outcome != riskd.Revoke {
		return fmt.Errorf("a pack that allows everything answers %s: %v", d.Outcome, d.Degraded)
	}
	o.revoked = d.Outcome == riskd.Revoke
	c.history.add(c.number, o)
	return nil
}

// check asks for each session whether what was done to it can be explained.
func (h *history) check(dir linFiles) error {
	for session, ops := range h.partitions() {
		model := modelOf(session)
		switch result := porcupine.CheckOperationsTimeout(model, ops, time.Minute); result {
		case porcupine.Ok:
		case porcupine.Unknown:
			return fmt.Errorf("session %d: nobody could tell within a minute about %d operations", session, len(ops))
		default:
			return errors.Join(fmt.Errorf("session %d: %w: %d operations that no order explains", session, errIllegal, len(ops)), dir.draw(model, ops))
		}
	}
	return nil
}

// errIllegal says that a history isn't linearizable.
var errIllegal = errors.New("not linearizable")

// draw puts a picture of a history into the folder.
func (dir linFiles) draw(model porcupine.Model, ops []porcupine.Operation) error {
	if dir == "" {
		return nil
	}
	_, info := porcupine.CheckOperationsVerbose(model, ops, time.Minute)
	file, err := os.CreateTemp(string(dir), "history-*.html")
	if err != nil {
		return err
	}
	return errors.Join(porcupine.Visualize(model, info, file), file.Close(), errors.New("see "+file.Name()))
}
