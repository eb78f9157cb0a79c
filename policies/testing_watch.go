package policies

import (
	"context"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/riskd/riskd"
)

// watch looks on while tests run, one after another: which lines they evaluate,
// and which reasons they see given and not given.
type watch struct {
	cover   *cover.Cover
	reasons map[string]*ReasonTests
	weighs  map[string]string   // the signal of a reason, if it has one
	asked   map[*ast.Term]codes // what the test under way has asked the rules about
	codes   map[place]string    // by where the rule stands: compiled, its head is another
	known   map[string]bool     // signals
	present map[string]bool     // reasons that the rules under test can give
}

// codes are the reasons that a question was answered with.
type codes map[string]bool

func newWatch(modules map[string]*ast.Module, signals []riskd.Signal) *watch {
	w := &watch{
		cover: cover.New(), reasons: map[string]*ReasonTests{}, weighs: map[string]string{},
		asked: map[*ast.Term]codes{}, codes: map[place]string{}, known: signalNames(signals),
	}
	for _, m := range modules {
		for _, r := range m.Rules {
			code := reasonCode(r)
			if code == "" || !m.Package.Path.Equal(packageRules) {
				continue
			}
			w.codes[placeOf(r)] = code
			if w.reasons[code] != nil {
				continue
			}
			w.reasons[code] = &ReasonTests{Code: code, File: r.Location.File, Line: r.Location.Row}
			if signal := signalOf(r.Head.Key.Value.(ast.Object), code); w.known[signal] {
				w.weighs[code] = signal
			}
		}
	}
	return w
}

// begin is told which modules are tested next.
func (w *watch) begin(tested map[string]*ast.Module) {
	w.present = map[string]bool{}
	for _, m := range tested {
		for _, r := range m.Rules {
			w.present[w.codes[placeOf(r)]] = true
		}
	}
}

// Enabled, Config and TraceEvent are those of [topdown.QueryTracer].

// Enabled is always true.
func (*watch) Enabled() bool { return true }

// Config asks for no local variables.
func (*watch) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent is told of each step.
func (w *watch) TraceEvent(e topdown.Event) {
	w.cover.TraceEvent(e)
	switch e.Op {
	case topdown.EnterOp:
		if _, query := e.Node.(ast.Body); query && e.QueryID == 0 {
			w.end() // another test begins
		}
	case topdown.IndexOp:
		if e.Ref != nil && e.Ref.HasPrefix(reasonsRef) && e.Input() != nil && w.asked[e.Input()] == nil {
			w.asked[e.Input()] = codes{}
		}
	case topdown.ExitOp:
		if r, ok := e.Node.(*ast.Rule); ok && w.asked[e.Input()] != nil {
			if code := w.codes[placeOf(r)]; code != "" {
				w.asked[e.Input()][code] = true
			}
		}
	}
}

// place is where a rule stands.
type place struct {
	file string
	row  int
}

func placeOf(r *ast.Rule) place { return place{r.Location.File, r.Location.Row} }

var reasonsRef = ast.MustParseRef(queryReasons)

// end takes down what the test under way has shown.
func (w *watch) end() {
	for input, given := range w.asked {
		for code, t := range w.reasons {
			switch {
			case !w.present[code]:
			case given[code]:
				t.Fires = true
			case w.measured(input, w.weighs[code]):
				t.Rests = true
			}
		}
	}
	clear(w.asked)
}

// measured reports whether an input has the reading of a signal. A reason that
// weighs none is about every input.
func (w *watch) measured(input *ast.Term, signal string) bool {
	if signal == "" {
		return true
	}
	reading, err := input.Value.Find(ast.Ref{ast.StringTerm("readings"), ast.StringTerm(signal)})
	if err != nil {
		return false
	}
	members, ok := reading.(ast.Object)
	return ok && members.Get(missingMember) == nil
}

var missingMember = ast.StringTerm("missing")

// memoryEvery is how often the heap is looked at.
const memoryEvery = 10 * time.Millisecond

// withinMemory gives a context that ends when the heap has grown by so much.
// Whatever else the process does counts too: room for tests is what is free.
func withinMemory(parent context.Context, growth uint64) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	limit := heap[0].Value.Uint64() + growth
	tick := time.NewTicker(memoryEvery)
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if metrics.Read(heap); heap[0].Value.Uint64() > limit {
					cancel(fmt.Errorf("they take more than %d MiB of memory", growth>>20))
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
