//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// action is a check after its flags were read. Its error says which promise is
// broken, or why there was too little to tell.
type action func(ctx context.Context, out io.Writer) error

var checks = []struct {
	name, summary string
	setup         func(*flag.FlagSet) action
}{
	{"kill9", "kill riskd while it revokes: nothing acknowledged may be lost", killFlags},
	{"fsync", "let every fsync fail: nothing more may be acknowledged, decisions go on", fsyncFlags},
	{"full", "fill the disk: the reserve takes revocations, decisions go on", fullFlags},
	{"card", "flood the store with sessions that were made up", cardFlags},
	{"overload", "ask for several times what can be evaluated", overloadFlags},
	{"slow", "stall thousands of connections, and send bodies without end", slowFlags},
	{"restart", "start riskd with a large folder", restartFlags},
	{"lin", "check histories of revocations and decisions for linearizability", linFlags},
	{"crashfs", "crash a file system that forgets what wasn't synced", crashFlags},
	{"canary", "look for secrets in everything that riskd writes", canaryFlags},
	{"selftest", "plant bugs, one at a time, and show that the checks catch them", selftestFlags},
}

// errSkipped says that a check can't be made on this machine.
var errSkipped = errors.New("skipped")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	for _, c := range checks {
		if len(args) == 0 || args[0] != c.name {
			continue
		}
		flags := flag.NewFlagSet("chaos "+c.name, flag.ContinueOnError)
		flags.SetOutput(problems)
		act := c.setup(flags)
		if flags.Parse(args[1:]) != nil {
			return 2
		}
		if flags.NArg() > 0 {
			fmt.Fprintf(problems, "chaos %s: %q: takes flags only; -h lists them\n", c.name, flags.Arg(0))
			return 2
		}
		started := time.Now()
		err := act(ctx, out)
		switch {
		case errors.Is(err, errSkipped):
			fmt.Fprintf(out, "%s: %v\n", c.name, err)
			return 0
		case err == nil:
			fmt.Fprintf(out, "%s: all promises held (%s)\n", c.name, time.Since(started).Round(100*time.Millisecond))
			return 0
		}
		fmt.Fprintf(problems, "chaos %s: FAILED: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintln(problems, "usage: chaos CHECK [FLAGS]")
	for _, c := range checks {
		fmt.Fprintf(problems, "  %-9s %s\n", c.name, c.summary)
	}
	return 2
}
