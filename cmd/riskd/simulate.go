package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/riskd/riskd/simulate"
)

const simulateText = `Makes up users who live with an application for some weeks, attackers who come to
their sessions, and the trace of all requests, as JSON lines to replay. The same flags
give the same bytes. The memory that it takes grows with the users, not with requests.

The labels say which requests are an attack's, what kind of user each is, and why an
honest request may look odd. All of them are written before the first line of the
trace, so that a pipe into riskd replay with the same labels works.

docs/simulate.md says what is made up, by which assumptions.
`

// simulateFlags are those of a simulation.
type simulateFlags struct {
	options         simulate.Options
	preset, variant string
	from            string
	requests        int
	warmup          int
	labels, out     string
}

func simulateCommand(flags *flag.FlagSet) action {
	var f simulateFlags
	flags.StringVar(&f.preset, "preset", string(simulate.Workforce), "the population `P`: workforce or consumer")
	flags.StringVar(&f.variant, "variant", string(simulate.Noise), "the variant `V`: noise, clean, mimic, cold, drift, late or geo-off")
	flags.Uint64Var(&f.options.Seed, "seed", 1, "the seed `N`: another gives other people")
	flags.IntVar(&f.options.Users, "users", 0, "how many users: `N`; 0 is 200, or as many as -requests takes")
	flags.IntVar(&f.requests, "requests", 0, "about how many requests: `N`, by the number of users")
	flags.IntVar(&f.options.Days, "days", 70, "for how many days: `N`")
	flags.IntVar(&f.options.Attacks, "attacks", 0, "how many attacks of each family: `N`")
	flags.IntVar(&f.warmup, "warmup", 0, "attacks begin on day `N`, from 0; 0 is half of the days")
	flags.StringVar(&f.from, "from", simulate.DefaultFrom.Format(time.DateOnly), "the first `DAY`, by UTC")
	flags.StringVar(&f.labels, "labels", "", "write the labels to `FILE`")
	flags.StringVar(&f.out, "out", "-", "write the trace to `FILE`; - is standard output")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"simulate takes flags only, not " + args[0], "the trace goes to -out FILE"}
		}
		if err := f.complete(); err != nil {
			return err
		}
		return f.run(std)
	}
}

func (f *simulateFlags) complete() error {
	o := &f.options
	o.Preset, o.Variant = simulate.Preset(f.preset), simulate.Variant(f.variant)
	switch {
	case f.requests < 0:
		return &usageError{"simulate: -requests must be 1 or more", "it takes about so many, for example 1000000"}
	case f.requests > 0 && o.Users > 0:
		return &usageError{"simulate: -users and -requests contradict each other", "give one of them"}
	case f.requests > 0:
		o.Users = simulate.UsersFor(o.Preset, f.requests, o.Days)
	case o.Users == 0:
		o.Users = 200
	}
	if o.Warmup = f.warmup; f.warmup == 0 {
		o.Warmup = o.Days / 2
	}
	from, err := time.Parse(time.DateOnly, f.from)
	if err != nil {
		return &usageError{"simulate: -from " + f.from + " is no day", "for example " + simulate.DefaultFrom.Format(time.DateOnly)}
	}
	o.From = from
	return nil
}

func (f *simulateFlags) run(std stdio) error {
	s, err := simulate.New(f.options)
	if err != nil {
		return &usageError{"simulate: " + err.Error(), "`riskd help simulate` shows the flags"}
	}
	if f.labels != "" {
		s.Progress = func(n uint64) { fmt.Fprintf(std.err, "riskd: labels: %d requests so far\n", n) }
		if err := writeTo(f.labels, std.out, func(out io.Writer) error {
			_, err := s.Labels(out)
			return err
		}); err != nil {
			return err
		}
	}
	s.Progress = func(n uint64) { fmt.Fprintf(std.err, "riskd: trace: %d requests so far\n", n) }
	var sum *simulate.Summary
	err = writeTo(f.out, std.out, func(out io.Writer) (err error) {
		sum, err = s.Trace(out)
		return err
	})
	if err == nil {
		err = printSimulated(std.err, sum)
	}
	return err
}

// writeTo has a file written, or standard output for -. Whoever writes does it in
// large pieces.
func writeTo(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "-" {
		return write(stdout)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// printSimulated says what was made up, on one line and one for the attacks.
func printSimulated(out io.Writer, s *simulate.Summary) error {
	_, err := fmt.Fprintf(out, "riskd: simulated %d users, %d sessions, %d requests, %d identity events\n",
		s.Users, s.Sessions, s.Requests, s.IdentityEvents)
	if s.AttackRequests == 0 {
		return err
	}
	fmt.Fprintf(out, "riskd: attacks with %d requests:", s.AttackRequests)
	for _, f := range simulate.Families() {
		fmt.Fprintf(out, " %s %d", f, s.Attacks[f])
	}
	_, err = fmt.Fprintln(out)
	return err
}
