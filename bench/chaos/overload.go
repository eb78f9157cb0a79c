//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd/bench/load"
	"github.com/riskd/riskd/bench/process"
	"github.com/riskd/riskd/policies"
)

// overloading asks for several times the decisions that riskd can evaluate. The
// pack has a rule that OPA evaluates, which makes evaluating dear: shedding is for
// that. What the default pack takes is little more than what HTTP does.
type overloading struct {
	binary      string
	slice       time.Duration
	rounds      int
	times       float64 // of the peak
	connections int
	// goodput is the least share of what can still be evaluated beside answering
	// the others.
	goodput float64
	// stalls is how much of what is sensitive a machine that others share may make
	// riskd shed: it stalls now and then for longer than anybody may wait.
	stalls float64
}

func overloadFlags(flags *flag.FlagSet) action {
	o := &overloading{}
	flags.DurationVar(&o.slice, "slice", 5*time.Second, "how long each load lasts")
	flags.IntVar(&o.rounds, "rounds", 3, "how often peak and overload take turns")
	flags.Float64Var(&o.times, "times", 5, "how many times the peak is asked for")
	flags.IntVar(&o.connections, "connections", 512, "connections of the load")
	flags.Float64Var(&o.goodput, "goodput", 0.9, "the least share of the possible that has to be evaluated")
	flags.Float64Var(&o.stalls, "stalls", 0.01, "the share of sensitive events that may be shed")
	return o.run
}

const (
	overloadConfig = "policy: {pack: pack, watch: 0s, brake: {off: true}}\nlog: {level: error}\n"
	// dearRule takes OPA some 100 µs on an idle machine; there are three, since one
	// that took all of it would be refused on a busy one.
	dearRule = `package riskd.rules

# METADATA
# title: Work
# labels: {rule: work_%[1]d, severity: low, group: time, channel: behaviour}
# custom: {user: Work., admin: work}
reasons contains {"code": "work_%[1]d", "nats": 0} if {
	xs := [1, 2, 3, 4, 5, 6, 7, 8]
	count([1 | some x in xs; some y in xs; x * y * %[1]d == input.session.requests]) > 100
}
`
	allowRule = "package riskd.decision\n\ndecision := \"allow\" if input.score >= 0\n"
)

func (o *overloading) run(ctx context.Context, out io.Writer) (err error) {
	l, stop, err := o.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var peak, shedding, goodput, asked []float64
	for range o.rounds {
		p, err := l.load(o.connections/8, 0, o.slice, everybody)
		if err != nil {
			return err
		}
		s, err := l.load(o.connections/8, 0, o.slice/2, theRevoked)
		if err != nil {
			return err
		}
		peak, shedding = append(peak, p.evaluated()), append(shedding, s.rate)
		f, err := l.load(o.connections, o.times*p.evaluated(), o.slice, everybody)
		if err != nil {
			return err
		}
		goodput, asked = append(goodput, f.evaluated()), append(asked, f.rate)
		fmt.Fprintf(out, "peak %.0f evaluated/s; asked for %.0f/s: answered %.0f/s, evaluated %.0f/s; evaluated in p50 %s p99 %s, shed in p50 %s p99 %s\n",
			p.evaluated(), o.times*p.evaluated(), f.rate, f.evaluated(),
			f.took.Quantile(0.5), f.took.Quantile(0.99), f.tookShed.Quantile(0.5), f.tookShed.Quantile(0.99))
		fmt.Fprintf(out, "  shed of asked for: %s; past the deadline: %d; revoked: %d of %d let in\n", f.shares(), f.late, f.wrong, f.revoked)
		if share := f.share("sensitive"); share > o.stalls || share > f.share("standard")+o.stalls || f.share("standard") > f.share("open")+o.stalls {
			return fmt.Errorf("what is sensitive isn't shed last, at %.1f times the peak with a tenth of it sensitive", o.times)
		}
	}
	can, does, answers := median(peak), median(goodput), median(shedding)
	// One answer without evaluation takes as long as one for a revoked session.
	possible := can * (1 - (median(asked)-does)/answers)
	fmt.Fprintf(out, "goodput %.0f/s is %.0f %% of the peak, and %.0f %% of the %.0f/s that are left beside %.0f/s answered without (of %.0f/s that could be, if nothing else were)\n",
		does, 100*does/can, 100*does/possible, possible, median(asked)-does, answers)
	if does < o.goodput*possible {
		return fmt.Errorf("goodput is below %.0f %% of what is possible", 100*o.goodput)
	}
	return nil
}

// start runs riskd on one core, with sessions that it knows and some of whose users
// were revoked.
func (o *overloading) start(ctx context.Context) (*overload, func() error, error) {
	gateway, err := process.FreeAddr()
	if err != nil {
		return nil, nil, err
	}
	admin, err := process.FreeAddr()
	if err != nil {
		return nil, nil, err
	}
	s, err := newSite(ctx, siteOptions{binary: o.binary, config: overloadConfig, deadline: "20ms", gateway: gateway, admin: admin})
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (*overload, func() error, error) { return nil, nil, errors.Join(err, s.close()) }
	if err := writeDearPack(filepath.Join(s.dir, "pack")); err != nil {
		return fail(err)
	}
	cores, err := process.Cores()
	if err != nil {
		return fail(err)
	}
	core := cores[0]
	if len(cores) == 1 {
		core = process.AnyCore
	}
	p, err := process.Start(ctx, process.Options{
		Name: "riskd", Command: []string{s.binary, "serve", "-config", filepath.Join(s.dir, "riskd.yaml")}, Core: core,
		Ready: "http://" + admin + "/readyz", Metrics: "http://" + admin + "/metrics",
	})
	if err != nil {
		return fail(err)
	}
	l := &overload{addr: gateway}
	stop := func() error {
		p.Stop()
		return s.close()
	}
	if err := l.introduce(ctx, admin); err != nil {
		return nil, nil, errors.Join(p.Explain(err), stop())
	}
	return l, stop, nil
}

func writeDearPack(dir string) error {
	tuning, err := fs.ReadFile(policies.Default(), "tuning.json")
	err = errors.Join(
		err, os.Mkdir(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "tuning.json"), tuning, 0o600),
		os.WriteFile(filepath.Join(dir, "policy.rego"), []byte(allowRule), 0o600),
	)
	for i := range 3 {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, fmt.Sprintf("work_%d.rego", i+1)), fmt.Appendf(nil, dearRule, i+1), 0o600))
	}
	return err
}

// overload is the traffic: a tenth of it sensitive, four standard, five open, and
// every twentieth event of a session whose user was revoked, whom it doesn't name.
type overload struct {
	addr     string
	requests [][]byte
}

const (
	overloadSessions = 1000
	overloadRevoked  = 50
)

var overloadClasses = [10]string{"sensitive", "open", "standard", "open", "standard", "open", "standard", "open", "standard", "open"}

func (l *overload) introduce(ctx context.Context, admin string) error {
	post := func(body string) []byte {
		return fmt.Appendf(nil, "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	var first [][]byte
	for i := range overloadSessions {
		session := fmt.Sprintf(`"session":{"id":"s-%d"},"client":{"ip":"203.0.113.7"}`, i)
		first = append(first, post(fmt.Sprintf(`{%s,"user":{"id":"u-%d"}}`, session, i)))
		for _, class := range overloadClasses {
			l.requests = append(l.requests, post(fmt.Sprintf(`{%s,"request":{"class":%q}}`, session, class)))
		}
	}
	g, err := load.Dial(load.Options{
		Addr: l.addr, Connections: 4, Request: func(i int) []byte { return first[i] },
		Check: func(_ int, r *load.Reply) error {
			if r.Status != http.StatusOK || bytes.Contains(r.Body, []byte(`"decision":"revoke"`)) {
				return fmt.Errorf("a first request is answered %d %s", r.Status, r.Body)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer g.Close()
	if _, err := g.Closed(load.Limit{Requests: len(first)}); err != nil {
		return err
	}
	for i := range overloadRevoked {
		order := fmt.Sprintf(`{"target":{"user":"u-%d"},"reason":"overload","actor":"chaos"}`, i)
		answer, err := http.Post("http://"+admin+"/v1/revocations", "application/json", strings.NewReader(order))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("order: %s %s: %w", answer.Status, body, err)
		}
	}
	return nil
}

// everybody chooses a session and a class for the i-th request, theRevoked one that
// was revoked.
func everybody(i int) (session, class int) {
	if i%20 == 19 {
		return i / 20 % overloadRevoked, i / 20 % 10
	}
	return overloadRevoked + i%(overloadSessions-overloadRevoked), i % 10
}

func theRevoked(i int) (session, class int) { return i % overloadRevoked, i % 10 }

// loaded is what came of one load.
type loaded struct {
	asked, shed    map[string]int // by class
	fresh, late    int
	revoked, wrong int
	rate           float64 // answers a second
	seconds        float64
	took, tookShed load.Histogram
}

func (l *loaded) evaluated() float64 { return float64(l.fresh) / l.seconds }

func (l *loaded) shares() string {
	var parts []string
	for _, class := range []string{"open", "standard", "sensitive"} {
		parts = append(parts, fmt.Sprintf("%s %d of %d", class, l.shed[class], l.asked[class]))
	}
	return strings.Join(parts, ", ")
}

func (l *loaded) share(class string) float64 {
	return float64(l.shed[class]) / float64(max(1, l.asked[class]))
}

// load asks for so many a second, or as many as are answered if rate is 0.
func (l *overload) load(connections int, rate float64, slice time.Duration, choose func(int) (int, int)) (*loaded, error) {
	x := &loaded{asked: map[string]int{}, shed: map[string]int{}}
	sent := make([]time.Time, 1<<16) // of the latest requests
	g, err := load.Dial(load.Options{
		Addr: l.addr, Connections: max(1, connections),
		Request: func(i int) []byte {
			sent[i%len(sent)] = time.Now()
			session, class := choose(i)
			return l.requests[session*len(overloadClasses)+class]
		},
		Check: func(i int, r *load.Reply) error {
			session, class := choose(i)
			return x.take(session < overloadRevoked, overloadClasses[class], time.Since(sent[i%len(sent)]), r)
		},
	})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	// A connection that says nothing at first is cut.
	if _, err := g.Closed(load.Limit{Requests: 2 * connections}); err != nil {
		return nil, err
	}
	*x = loaded{asked: map[string]int{}, shed: map[string]int{}}
	var got *load.Result
	if rate == 0 {
		got, err = g.Closed(load.Limit{For: slice})
	} else {
		got, err = g.Open(rate, load.Limit{For: slice})
	}
	if err != nil {
		return nil, err
	}
	x.rate, x.seconds = got.Rate(), got.Took.Seconds()
	return x, nil
}

func (l *loaded) take(revoked bool, class string, took time.Duration, r *load.Reply) error {
	said := func(what string) bool { return bytes.Contains(r.Body, []byte(what)) }
	allow, stepUp, revoke := said(`"decision":"allow"`), said(`"decision":"step_up"`), said(`"decision":"revoke"`)
	if r.Status != http.StatusOK || !allow && !stepUp && !revoke {
		return fmt.Errorf("no decision: %d %s", r.Status, r.Body)
	}
	if revoked {
		if l.revoked++; !revoke {
			l.wrong++
			return fmt.Errorf("a revoked session is let in, or asked for proof: %s", r.Body)
		}
		return nil
	}
	l.asked[class]++
	switch {
	case revoke:
		return fmt.Errorf("overload has ended a session: %s", r.Body)
	case said(`"overloaded"`):
		l.shed[class]++
		l.tookShed.Record(took)
		if allow && class == "sensitive" {
			return fmt.Errorf("a sensitive event is shed into allow: %s", r.Body)
		}
	case said(`"source":"fresh"`):
		l.fresh++
		l.took.Record(took)
	default: // past its deadline
		l.late++
	}
	return nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
