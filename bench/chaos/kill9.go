//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// killing kills riskd again and again while it is given orders.
type killing struct {
	binary  string
	kills   int
	writers int
	seed    uint64
	// patience is how many acknowledgements a life has at least.
	patience int64
	// Less than this proves nothing: the rule of etcd's robustness tests.
	minRate float64 // acknowledgements a second while writing
	minAcks int     // in all
}

func killFlags(flags *flag.FlagSet) action {
	k := &killing{minRate: 200}
	flags.IntVar(&k.kills, "n", 20, "how often to kill")
	flags.IntVar(&k.writers, "writers", 32, "connections that give orders")
	flags.Uint64Var(&k.seed, "seed", 1, "of the moments of death")
	return func(ctx context.Context, out io.Writer) error {
		k.minAcks = 250 * k.kills
		return k.run(ctx, out)
	}
}

// sampled is how many of all earlier orders are asked for after each death.
const sampled = 200

// killed is what is known over all deaths.
type killed struct {
	acks    []order
	last    []order // of the life before
	lost    int
	kills   int
	writing time.Duration
	starts  []time.Duration
	latency []time.Duration
}

func (k *killing) run(ctx context.Context, out io.Writer) (err error) {
	s, err := newSite(ctx, siteOptions{binary: k.binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var all killed
	var next atomic.Int64
	random := rand.New(rand.NewPCG(k.seed, 1))
	for range k.kills {
		if err := k.life(ctx, s, &all, &next, random); err != nil {
			return fmt.Errorf("after %d kills: %w", all.kills, err)
		}
	}
	r, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer r.kill()
	all.starts = append(all.starts, r.took)
	gone, err := lost(ctx, r, all.acks)
	missing, err2 := unlisted(ctx, r, all.acks)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	all.lost = max(all.lost, len(gone), len(missing))
	rate := float64(len(all.acks)) / all.writing.Seconds()
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	fmt.Fprintf(out, "%d kills, %d acknowledged, %d lost; %.0f acks/s over %s of writing\n",
		all.kills, len(all.acks), all.lost, rate, all.writing.Round(time.Millisecond))
	fmt.Fprintf(out, "acknowledged in p50 %s, p99 %s, max %s\n",
		ms(quantile(all.latency, 0.5)), ms(quantile(all.latency, 0.99)), ms(quantile(all.latency, 1)))
	fmt.Fprintf(out, "from exec to ready p50 %s, max %s\n", ms(quantile(all.starts, 0.5)), ms(quantile(all.starts, 1)))
	switch {
	case all.lost > 0:
		return fmt.Errorf("%d acknowledged revocations are lost", all.lost)
	case rate < k.minRate, len(all.acks) < k.minAcks:
		return fmt.Errorf("the run doesn't count: it takes %.0f acknowledgements a second and %d in all", k.minRate, k.minAcks)
	}
	return nil
}

// life starts riskd, looks at what it remembers, lets it be given orders, and
// kills it.
func (k *killing) life(ctx context.Context, s *site, all *killed, next *atomic.Int64, random *rand.Rand) error {
	r, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer r.kill()
	all.starts = append(all.starts, r.took)
	asked := append([]order{}, all.last...)
	for range min(sampled, len(all.acks)) {
		asked = append(asked, all.acks[random.IntN(len(all.acks))])
	}
	gone, err := lost(ctx, r, asked)
	if err != nil {
		return err
	}
	all.lost += len(gone)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := revoke(ctx, r, k.writers, next)
	ended := make(chan struct{})
	go func() { w.running.Wait(); close(ended) }()
	select {
	case <-w.first:
	case <-ended:
		return s.explain(errors.New("riskd ended before it acknowledged anything"))
	}
	began := time.Now()
	delay := time.Duration(10+random.IntN(291)) * time.Millisecond
	for begin := time.After(delay); ; begin = time.After(10 * time.Millisecond) {
		<-begin
		if w.acks.Load() >= k.patience {
			break
		}
	}
	r.kill()
	all.writing += time.Since(began)
	answers := w.wait()
	all.kills++
	all.last = acknowledged(answers)
	all.acks = append(all.acks, all.last...)
	for i := range answers {
		if answers[i].acknowledged() {
			all.latency = append(all.latency, answers[i].took)
		}
	}
	return nil
}
