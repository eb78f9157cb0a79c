package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/riskd/riskd/tune"
)

const ablationText = `what each signal, rule, group and channel is worth, memory, and the alarm on single
    	requests: how much less is caught without, the threshold set to the budget again`

func ablationCommand(flags *flag.FlagSet) func(ctx context.Context, out io.Writer, args []string) error {
	labels := flags.String("labels", "", "the attacks are labelled in `FILE`")
	pack := flags.String("pack", "default", "take apart the shipped pack `NAME`")
	list := flags.String("budgets", "0.1,0.3", "false step-ups for each user and month: `N,N…`")
	from := flags.Duration("from", -1, "count from so long after the trace's beginning; a quarter of it unless given")
	seed := flags.Uint64("seed", 1, "draw users for the intervals by `N`")
	asJSON := flags.Bool("json", false, "print JSON")
	return func(ctx context.Context, out io.Writer, args []string) error {
		budgets, err := parseBudgets(*list)
		switch {
		case err != nil:
			return err
		case len(args) != 1 || *labels == "":
			return errors.New("ablation: give -labels FILE and one trace")
		}
		log, err := recordTrace(ctx, *pack, *labels, args[0])
		if err != nil {
			return err
		}
		first, last := log.Span()
		if *from < 0 {
			*from = time.Duration(tune.DefaultFrom * float64(last.Sub(first)))
		}
		view := log.View(func(int) bool { return true }, first.Add(*from), last.Add(1))
		parts, err := tune.Ablate(ctx, view, budgets, *seed)
		if err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(out)
			e.SetIndent("", " ")
			return e.Encode(parts)
		}
		fmt.Fprintf(out, "pack %s, %d requests, %d users, %.1f user-months, %d attacks\n\n", *pack, log.Requests(), view.Users(), view.UserMonths(), view.Attacks())
		return printParts(out, parts)
	}
}

func parseBudgets(list string) (all []float64, err error) {
	for _, text := range strings.Split(list, ",") {
		budget, err := strconv.ParseFloat(text, 64)
		if err != nil || !(budget > 0) {
			return nil, fmt.Errorf("ablation: -budgets %q: must be numbers above 0, put together by commas", list)
		}
		all = append(all, budget)
	}
	return all, nil
}

// printParts prints a table, the parts that are worth most on top.
func printParts(out io.Writer, parts []tune.Part) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "without\t\t")
	for _, b := range parts[0].Budgets {
		fmt.Fprintf(w, "TPR at %g\tless (95 %% interval)\tasked\t", b.Budget)
	}
	fmt.Fprint(w, "families that lose most\t\n")
	for i := range parts {
		p := &parts[i]
		fmt.Fprintf(w, "%s\t%s\t", p.Kind, p.Name)
		for _, b := range p.Budgets {
			less := ""
			if p.Kind != "" {
				less = fmt.Sprintf("%+.3f (%+.3f to %+.3f)", b.Worth.Value, b.Worth.Low, b.Worth.High)
			}
			fmt.Fprintf(w, "%.3f\t%s\t%.3f\t", b.MacroTPR, less, b.FSU)
		}
		fmt.Fprintf(w, "%s\t\n", remark(p))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "\nless: of the macro TPR; asked: false step-ups for each user and month")
	return err
}

// remark names the families that lose most at the first budget, or says that none does.
func remark(p *tune.Part) string {
	if p.Nothing {
		return "NOTHING: no family is caught less without it"
	}
	type loss struct {
		family string
		less   float64
	}
	var all []loss
	for family, less := range p.Budgets[0].Families {
		if less > 0 {
			all = append(all, loss{family, less})
		}
	}
	slices.SortFunc(all, func(a, b loss) int {
		if a.less != b.less {
			return int(1e6 * (b.less - a.less))
		}
		return strings.Compare(a.family, b.family)
	})
	var words []string
	for _, l := range all[:min(3, len(all))] {
		words = append(words, fmt.Sprintf("%s %.2f", l.family, l.less))
	}
	return strings.Join(words, ", ")
}
