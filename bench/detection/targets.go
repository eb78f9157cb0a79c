package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/riskd/riskd/replay/measure"
)

const targetsText = `the default pack's targets, on seeds that it wasn't tuned on: simulates, replays,
    	and ends with 1 where a target is missed`

func targetsCommand(flags *flag.FlagSet) func(ctx context.Context, out io.Writer, args []string) error {
	pack := flags.String("pack", "default", "the policy pack in `DIR`, or a shipped one's name")
	seeds := flags.String("seeds", "21,22,23", "the seeds: `N,N…`; the pack was tuned on 11")
	users := flags.Int("users", 400, "how many users: `N`")
	attacks := flags.Int("attacks", 40, "how many attacks of each family: `N`")
	return func(ctx context.Context, out io.Writer, args []string) error {
		if len(args) > 0 {
			return errors.New("targets: takes flags only")
		}
		list, err := parseSeeds(*seeds)
		if err != nil {
			return err
		}
		b := &targetBench{pack: *pack, users: *users, attacks: *attacks}
		if b.dir, err = os.MkdirTemp("", "riskd-targets-*"); err != nil {
			return err
		}
		defer os.RemoveAll(b.dir)
		b.riskd = filepath.Join(b.dir, "riskd")
		if text, err := exec.CommandContext(ctx, "go", "build", "-o", b.riskd, "github.com/riskd/riskd/cmd/riskd").CombinedOutput(); err != nil {
			return fmt.Errorf("riskd can't be built: %w\n%s", err, text)
		}
		runs := map[string][]*measure.Report{}
		for _, variant := range targetVariants {
			for _, seed := range list {
				r, err := b.run(ctx, variant, seed)
				if err != nil {
					return fmt.Errorf("%s, seed %d: %w", variant, seed, err)
				}
				runs[variant] = append(runs[variant], r)
				fmt.Fprintf(os.Stderr, "detection: %s, seed %d: macro TPR %.3f at %.3f false step-ups\n", variant, seed, r.Macro.Value, r.False.FSU.Value)
			}
		}
		return printTargets(out, runs)
	}
}

func parseSeeds(list string) (seeds []uint64, err error) {
	for text := range strings.SplitSeq(list, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("targets: -seeds %q: must be whole numbers with commas between them", list)
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

// floor is the family that has everything of its victim's but the machine: what catches
// it by more than chance would be an artefact, and means leave it aside.
const floor = "F12"

var targetVariants = []string{"noise", "mimic"}

// targetBench makes traces and has riskd measure them, as its users would.
type targetBench struct {
	dir, riskd, pack string
	users, attacks   int
}

func (b *targetBench) run(ctx context.Context, variant string, seed uint64) (*measure.Report, error) {
	trace, labels := filepath.Join(b.dir, "trace.ndjson"), filepath.Join(b.dir, "labels.ndjson")
	simulate := exec.CommandContext(ctx, b.riskd, "simulate", "-variant", variant, "-seed", strconv.FormatUint(seed, 10),
		"-users", strconv.Itoa(b.users), "-attacks", strconv.Itoa(b.attacks), "-labels", labels, "-out", trace)
	if text, err := simulate.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("riskd simulate: %w\n%s", err, text)
	}
	args := []string{"replay", "-json", "-labels", labels, "-aside", floor, "-from", "35d"}
	if b.pack != "" {
		args = append(args, "-pack", b.pack)
	}
	text, err := exec.CommandContext(ctx, b.riskd, append(args, trace)...).Output()
	if err != nil {
		var failed *exec.ExitError
		errors.As(err, &failed)
		return nil, fmt.Errorf("riskd replay: %w\n%s", err, failed.Stderr)
	}
	var in struct {
		Measures *measure.Report `json:"measures"`
	}
	return in.Measures, json.Unmarshal(text, &in)
}

// target is one figure and what it must come to.
type target struct {
	name, variant string
	least         bool // rather than at most
	bound         float64
	of            func(r *measure.Report) float64
}

// targets are those that the default pack is held to. docs/detection.md says what
// the pack comes to, and that simulation ranks designs and promises nothing.
var targets = []target{
	{"macro TPR at 0.1 false step-ups a user-month", "noise", true, 0.90, atBudget(0.1)},
	{"macro TPR at 0.3", "noise", true, 0.94, atBudget(0.3)},
	{"macro TPR at 0.1, mimics", "mimic", true, 0.80, atBudget(0.1)},
	{"macro TPR at 0.3, mimics", "mimic", true, 0.88, atBudget(0.3)},
	{"worst family at 0.3", "noise", true, 0.70, worstFamily(0.3)},
	{"macro TPR at its own thresholds", "noise", true, 0.90, func(r *measure.Report) float64 { return r.Macro.Value }},
	{"false step-ups a user-month, there", "noise", false, 0.11, func(r *measure.Report) float64 { return r.False.FSU.Value }},
	{"false revokes a user-month", "noise", false, 0.01, func(r *measure.Report) float64 { return r.False.FRV.Value }},
	{"worst archetype over the mean", "noise", false, 3, worstArchetype},
	{"sensitive requests before the stop, macro", "noise", false, 2, sensitive},
	{"requests to step-up, median, F1 F2 F3 F4 F5 F8", "noise", false, 1, delay(median, "F1", "F2", "F3", "F4", "F5", "F8")},
	{"the same, p90", "noise", false, 3, delay(p90, "F1", "F2", "F3", "F4", "F5", "F8")},
	{"requests to step-up, median, F6", "noise", false, 4, delay(median, "F6")},
	{"requests to step-up, median, F9", "noise", false, 8, delay(median, "F9")},
	{"requests to step-up, median, F7", "noise", false, 18, delay(median, "F7")},
	{"requests to step-up, median, F11", "noise", false, 20, delay(median, "F11")},
	{"calibration error (ECE)", "noise", false, 0.02, func(r *measure.Report) float64 { return r.Calibration.AtTrace.ECE }},
}

func atBudget(budget float64) func(*measure.Report) float64 {
	return func(r *measure.Report) float64 {
		for i := range r.Budgets {
			if r.Budgets[i].Budget == budget {
				return r.Budgets[i].Macro.Value
			}
		}
		return math.NaN()
	}
}

func worstFamily(budget float64) func(*measure.Report) float64 {
	return func(r *measure.Report) float64 {
		worst := math.NaN()
		for i := range r.Budgets {
			if r.Budgets[i].Budget != budget {
				continue
			}
			worst = 1
			for _, f := range r.Budgets[i].Families {
				if f.Name != floor {
					worst = min(worst, f.TPR.Value)
				}
			}
		}
		return worst
	}
}

func worstArchetype(r *measure.Report) (worst float64) {
	for i := range r.Archetypes {
		worst = max(worst, r.Archetypes[i].Ratio)
	}
	return worst
}

func sensitive(r *measure.Report) (mean float64) {
	n := 0.0
	for i := range r.Families {
		if f := &r.Families[i]; !f.Aside {
			mean += f.Sensitive.Value
			n++
		}
	}
	return mean / n
}

func median(q *measure.Quantiles) *float64 { return q.Median }

func p90(q *measure.Quantiles) *float64 { return q.P90 }

// delay is the greatest of some families' delays, infinite where one of them is.
func delay(of func(*measure.Quantiles) *float64, families ...string) func(*measure.Report) float64 {
	return func(r *measure.Report) (most float64) {
		for i := range r.Families {
			f := &r.Families[i]
			switch requests := of(&f.StepUp.Requests); {
			case !slices.Contains(families, f.Name):
			case requests == nil:
				return math.Inf(1)
			default:
				most = max(most, *requests)
			}
		}
		return most
	}
}

var errTargets = errors.New("targets are missed")

// printTargets prints what the runs come to, in their mean, and fails where that misses.
func printTargets(out io.Writer, runs map[string][]*measure.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\ttarget\tmean\tseeds\t")
	missed := 0
	for i := range targets {
		t := &targets[i]
		var sum float64
		var each []string
		for _, r := range runs[t.variant] {
			sum += t.of(r)
			each = append(each, fmt.Sprintf("%.3g", t.of(r)))
		}
		mean, sign, verdict := sum/float64(len(each)), "≤", ""
		if t.least {
			sign = "≥"
		}
		if !t.met(mean) {
			verdict = "missed"
			missed++
		}
		fmt.Fprintf(w, "%s\t%s %g\t%.3f\t%s\t%s\n", t.name, sign, t.bound, mean, strings.Join(each, " "), verdict)
	}
	fmt.Fprintln(w, "\nfamily, caught at 0.1 and 0.3\t\tnoise\tmimic\t")
	for i, f := range runs["noise"][0].Families {
		fmt.Fprintf(w, "%s\t\t%s\t%s\t\n", f.Name, caught(runs["noise"], i), caught(runs["mimic"], i))
	}
	if err := w.Flush(); err != nil || missed == 0 {
		return err
	}
	return fmt.Errorf("%d of %d %w", missed, len(targets), errTargets)
}

func (t *target) met(figure float64) bool {
	if t.least {
		return figure >= t.bound
	}
	return figure <= t.bound
}

// caught is what is caught of a family at the two budgets that targets are set for.
func caught(runs []*measure.Report, family int) string {
	var at [2]float64
	for _, r := range runs {
		for i, budget := range []float64{0.1, 0.3} {
			for j := range r.Budgets {
				if r.Budgets[j].Budget == budget {
					at[i] += r.Budgets[j].Families[family].TPR.Value / float64(len(runs))
				}
			}
		}
	}
	return fmt.Sprintf("%.2f %.2f", at[0], at[1])
}
