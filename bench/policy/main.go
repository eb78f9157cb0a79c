// Command policy measures what the policy is of a decision: every shipped pack as
// its compiled programs and as OPA evaluates it, over the cases of all scenarios,
// beside the whole engine on the same events.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

func main() {
	rounds := flag.Int("rounds", 15, "how often each pack decides all events; the median counts")
	flag.Parse()
	err := errors.New("takes flags only, and positive -rounds")
	if flag.NArg() == 0 && *rounds > 0 {
		err = compare(os.Stdout, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(1)
	}
}

// compare prints a line for each pack. The packs take turns, so that what else the
// machine does hits all of them.
func compare(w io.Writer, rounds int) error {
	events, err := scenarioEvents()
	if err != nil {
		return err
	}
	var all []*bench
	for _, name := range policies.ShippedNames() {
		files, _ := policies.Shipped(name)
		pack, err := policies.Compile(name, files, policies.Options{Signals: signals.Descriptions()})
		if err != nil {
			return err
		}
		all = append(all, &bench{pack: pack, events: events})
	}
	for range rounds {
		for _, b := range all {
			if err := b.round(); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(w, "%d events of the scenarios, %d rounds, medians; µs a decision\n\n", len(events), rounds)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "pack\trules\tcompiled\tpolicy\tof the engine\tshare\tby OPA\tshare then\tallocs\t")
	for _, b := range all {
		if err := b.print(table); err != nil {
			return err
		}
	}
	return table.Flush()
}

// bench is one pack at work.
type bench struct {
	pack   *policies.Pack
	events []*riskd.Event
	cases  []*riskd.Case // of the first round
	engine []time.Duration
	policy []time.Duration
}

// round decides all events, with nothing remembered, and takes down what one took
// on average, and what of that the policy did.
func (b *bench) round() error {
	w := &watch{Pack: b.pack}
	if b.cases == nil {
		w.judged = func(c *riskd.Case) { b.cases = append(b.cases, kept(c)) }
	}
	engine, closeAll, err := newEngine(w)
	if err != nil {
		return err
	}
	defer closeAll()
	began := time.Now()
	for _, e := range b.events {
		again := *e
		if d := engine.Decide(context.Background(), &again, e.Time); len(d.Degraded) > 0 {
			return fmt.Errorf("pack %s: a decision went without %v", b.pack.Info().Name, d.Degraded)
		}
	}
	took := time.Since(began)
	if w.judged != nil {
		return nil // copying cases takes longer than deciding
	}
	n := time.Duration(len(b.events))
	b.engine, b.policy = append(b.engine, took/n), append(b.policy, w.took/n)
	return nil
}

// mostPriced is how many cases each rule is measured on.
const mostPriced = 200

func (b *bench) print(w io.Writer) error {
	var some []*riskd.Case // evenly, as OPA takes its time
	for i := 0; i < len(b.cases); i += 1 + len(b.cases)/mostPriced {
		some = append(some, b.cases[i])
	}
	rules, whole, err := b.pack.Prices(context.Background(), some)
	if err != nil {
		return err
	}
	compiled := 0
	for i := range rules {
		if rules[i].Compiled {
			compiled++
		}
	}
	if len(b.engine) == 0 {
		return errors.New("one round only fetches the cases; -rounds 2 is the least")
	}
	engine, policy := median(b.engine), median(b.policy)
	// As many events as are judged: those of sessions that are over aren't.
	opa := whole.OPA * time.Duration(len(b.cases)) / time.Duration(len(b.events))
	_, err = fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%.0f %%\t%s\t%.0f %%\t%.1f\t\n", b.pack.Info().Name, len(rules), compiled,
		micros(policy), micros(engine), share(policy, engine), micros(opa), share(opa, engine-policy+opa), whole.Allocs)
	return err
}

// watch takes the time that a pack takes.
type watch struct {
	*policies.Pack
	judged func(*riskd.Case)
	took   time.Duration
}

func (w *watch) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	began := time.Now()
	reasons, err := w.Pack.Reasons(ctx, c)
	w.took += time.Since(began)
	return reasons, err
}

func (w *watch) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	if w.judged != nil {
		w.judged(c)
	}
	began := time.Now()
	judgement, err := w.Pack.Judge(ctx, c)
	w.took += time.Since(began)
	return judgement, err
}

// kept is a copy of a case: the engine goes on with its own.
func kept(c *riskd.Case) *riskd.Case {
	k := *c
	event, session, profile := *c.Event, *c.Session, *c.Profile
	k.Event, k.Session, k.Profile = &event, &session, &profile
	k.Readings, k.Reasons, k.Invariants = slices.Clone(c.Readings), slices.Clone(c.Reasons), slices.Clone(c.Invariants)
	return &k
}

func newEngine(policy scoring.Policy) (*scoring.Engine, func(), error) {
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		return nil, nil, err
	}
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		locator.Close()
		return nil, nil, err
	}
	ids := 0
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return policy },
		NewID: func() string { ids++; return fmt.Sprint(ids) }, Deadline: time.Minute,
	})
	return engine, func() { locator.Close(); _ = store.Close() }, err
}

// scenarioEvents are the events of all scenarios that have no tuning of their own.
func scenarioEvents() ([]*riskd.Event, error) {
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{0}, riskd.MinSessionKey))
	if err != nil {
		return nil, err
	}
	all, err := fixtures.Scenarios()
	if err != nil {
		return nil, err
	}
	var events []*riskd.Event
	for i := range all {
		if all[i].Tuning != nil {
			continue
		}
		for _, line := range all[i].Events {
			_, document, err := fixtures.SplitLine(line)
			if err != nil {
				return nil, err
			}
			e, err := api.DecodeTraceEvent(document, key)
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
	}
	return events, nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func share(part, whole time.Duration) float64 { return 100 * float64(part) / float64(whole) }

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Microsecond))
}
