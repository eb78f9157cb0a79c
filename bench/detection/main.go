// Command detection measures how well riskd detects, and whether what it is measured
// with deserves belief: the default pack against its targets, what each signal is worth,
// the published login score on its own data set, and an audit of simulated traces for
// what would give attackers away.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// command is one of the bench's.
type command struct {
	name, args, text string
	// define adds the command's flags and gives what runs once they are read.
	define func(flags *flag.FlagSet) func(ctx context.Context, out io.Writer, args []string) error
}

var commands = []command{
	{"rba", "FILE.csv", "the login score of Freeman et al. on the RBA data set", rbaCommand},
	{"ablation", "-labels FILE TRACE", ablationText, ablationCommand},
	{"targets", "", targetsText, targetsCommand},
	{"audit", "TRACE LABELS", "what gives attackers away in a simulated trace, and how like real sign-ins its own are", auditCommand},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "detection:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, errs io.Writer, args []string) error {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				return c.run(ctx, out, errs, args[1:])
			}
		}
		fmt.Fprintf(errs, "detection: %q is no command\n", args[0])
	}
	fmt.Fprintln(errs, "usage: go run ./bench/detection COMMAND")
	for _, c := range commands {
		fmt.Fprintf(errs, "  %s %s\n    \t%s\n", c.name, c.args, c.text)
	}
	return flag.ErrHelp
}

func (c *command) run(ctx context.Context, out, errs io.Writer, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() {
		fmt.Fprintf(errs, "usage: go run ./bench/detection %s [flags] %s\n%s\n", c.name, c.args, c.text)
		flags.PrintDefaults()
	}
	run := c.define(flags)
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	return run(ctx, out, flags.Args())
}
