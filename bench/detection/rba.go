package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/riskd/riskd/replay/rba"
	"github.com/riskd/riskd/scoring/freeman"
)

// anchorTolerance is how far the AUC on the whole RBA data set may be from its anchors.
const anchorTolerance = 0.03

func rbaCommand(flags *flag.FlagSet) func(context.Context, io.Writer, []string) error {
	expected := flags.String("expected", "", "compare with the scores of the authors' notebook that are in `FILE` (JSON), by looking ahead as it does")
	rows := flags.Int("rows", 1_000_000, "with -expected: how many rows of the data set the notebook reads")
	from := flags.Int("from", 50_000, "with -expected: the first login that it scores")
	logins := flags.Int("logins", 50, "with -expected: how many logins it scores")
	anchors := flags.Bool("anchors", false, "fail unless the AUC are those of the whole data set, within 0.03")
	seed := flags.Uint64("seed", 1, "seed of the attackers that are made up")
	return func(ctx context.Context, out io.Writer, args []string) error {
		if len(args) != 1 {
			return errors.New("rba: takes the CSV of the RBA data set, one file")
		}
		if *rows < 1 || *from < 0 || *logins < 1 {
			return errors.New("rba: -rows and -logins must be 1 or more, -from not negative")
		}
		if *expected != "" {
			n := notebook{rows: *rows, from: *from, logins: *logins}
			return n.compare(ctx, out, args[0], *expected)
		}
		return rbaTrial(ctx, out, args[0], *seed, *anchors)
	}
}

// eachRow gives the rows of a file until there are no more, or visit says that it has
// had enough.
func eachRow(ctx context.Context, name string, visit func(*rba.Row) (more bool)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	const buffer = 1 << 20
	reader := rba.NewReader(name, bufio.NewReaderSize(file, buffer))
	for ctx.Err() == nil {
		row, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !visit(row) {
			return nil
		}
	}
	return ctx.Err()
}

// rbaTrial measures the scores on the authors' attackers.
func rbaTrial(ctx context.Context, out io.Writer, name string, seed uint64, anchors bool) error {
	trial, err := freeman.NewTrial(freeman.TrialOptions{Seed: seed, History: freeman.KeptLogins})
	if err != nil {
		return err
	}
	err = eachRow(ctx, name, func(r *rba.Row) bool { rba.Try(trial, r); return true })
	if err != nil {
		return err
	}
	if err := trial.Text(out); err != nil || !anchors {
		return err
	}
	results, _ := trial.Results()
	var off []error
	for _, r := range results[:freeman.Takeover] {
		if want, _ := r.Attacker.Anchor(); !(math.Abs(r.Smoothed.AUC-want) <= anchorTolerance) {
			off = append(off, fmt.Errorf("%v attackers: AUC is %.3f, the whole data set has %.3f ± %.2f", r.Attacker, r.Smoothed.AUC, want, anchorTolerance))
		}
	}
	return errors.Join(off...)
}
