// Command riskd scores the risk of live sessions and answers allow, step_up or
// revoke. `riskd help` tells what it can do.
//
// This package is where flags, config and wiring are: each command has its file,
// config.go holds what an operator may set, service.go puts the rooms together.
// Nothing here decides, measures or remembers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/riskd/riskd"
)

func main() {
	std := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(run(context.Background(), os.Args[1:], std))
}

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// The exit codes: what was asked for didn't work out, or it was asked wrongly.
const (
	exitProblem = 1
	exitUsage   = 2
)

// action is a command after its flags were read.
type action func(ctx context.Context, std stdio, args []string) error

type command struct {
	name    string
	args    string // as the usage line shows them
	summary string
	text    string // what help says below the usage line
	setup   func(flags *flag.FlagSet) action
}

// commands are found in this order: one stands below those whose names go on
// after its own.
var commands = []command{
	{"dev", "[-play] [-pack DIR]", "try riskd: in memory, with made-up places; shows decisions as they happen", devText, devCommand},
	{"serve", "[-config FILE] [-repair]", "answer gateways", serveText, serveCommand},
	{"check", "[-config FILE] [-schema]", "find every mistake in config, pack and geo data, without serving", checkText, checkCommand},
	{"replay", "[-pack DIR] [-against DIR] [-labels FILE] [-html FILE] [-json] FILE…", "decide recorded events again; measure a pack on them, or compare two", replayText, replayCommand},
	{"tune", "[-pack DIR] [-labels FILE] [-budget N] [-seed N] [-from WHEN] [-rounds N] [-out FILE] [-html FILE] [-json] FILE…", "find better numbers for a pack, on recorded events", tuneText, tuneCommand},
	{"simulate", "[-preset P] [-variant V] [-seed N] [-users N|-requests N] [-days N] [-attacks N] [-labels FILE] [-out FILE]", "make up a labelled trace of users and attackers", simulateText, simulateCommand},
	{"policy check", "[-pack DIR|NAME] [-json] [-strict] [-budget TIME] [-pack-budget TIME]", "find every mistake in a policy pack, and what its rules cost", policyCheckText, policyCheckCommand},
	{"policy test", "[-pack DIR|NAME] [-run REGEXP] [-threshold SHARE] [-scenarios DIR|shipped] [-json] [-watch]", "run a policy pack's tests and scenarios", policyTestText, policyTestCommand},
	{"policy build", "[-o FILE] [-revision R] DIR|NAME", "make a bundle of a policy pack", policyBuildText, policyBuildCommand},
	{"policy sign", "-key FILE [-alg A] BUNDLE", "sign a bundle", policySignText, policySignCommand},
	{"policy verify", "-key FILE BUNDLE", "say who signed a bundle, or why it is refused", policyVerifyText, policyVerifyCommand},
	{"policy shadow add", "[-rate R] [-budget B] [-for T] [-inline] NAME PACK", "put a pack on trial", policyShadowAddText, policyShadowAddCommand},
	{"policy shadow report", "NAME [-json]", "show how a trial goes", policyShadowReportText, policyShadowReportCommand},
	{"policy shadow promote", "NAME -reason TEXT [-actor NAME] [-force]", "put a candidate in force", policyShadowPromoteText, policyShadowPromoteCommand},
	{"policy shadow remove", "NAME", "end a trial", "", policyShadowRemoveCommand},
	{"policy shadow", "[-json]", "packs on trial beside the one in force; add, report, promote, remove", policyShadowText, policyShadowCommand},
	{"policy confirm", "REVISION -reason TEXT [-actor NAME]", "let a held revision of the pack in", policyConfirmText, policyConfirmCommand},
	{"geo lookup", "[-config FILE] ADDRESS…", "say what is known of an address", geoLookupText, geoLookupCommand},
	{"geo build", "-type TYPE -out FILE CSV", "make a geo database from a table", geoBuildText, geoBuildCommand},
	{"sessions show", "REF [-json]", "one session, with all that is known of it", sessionsShowText, sessionsShowCommand},
	{"sessions extend", "REF", "begin a session's idle clock anew", sessionsExtendText, sessionsExtendCommand},
	{"sessions", "[-user U] [-device D] [-tenant T] [-address A] [-status S] [-limit N] [-json]", "list sessions; show or extend one", sessionsText, sessionsCommand},
	{"explain", "DECISION|-session REF [-json] [-config FILE|-data DIR]", "say why riskd decided as it did, and what would have been allowed", explainText, explainCommand},
	{"revoke list", "[-limit N] [-json]", "list the orders in force", revokeListText, revokeListCommand},
	{"revoke undo", "EPOCH -reason TEXT [-actor NAME]", "undo an order", revokeUndoText, revokeUndoCommand},
	{"revoke", "-session REF|-user U|-device D|-tenant T|-predicate P -reason TEXT [-effect E] [-preview]", "end sessions, or order something else of them; list and undo orders", revokeText, revokeCommand},
	{"audit verify", "-config FILE|-data DIR [-head N:HASH]", "find out whether the audit log was changed", auditVerifyText, auditVerifyCommand},
	{"audit", "-config FILE|-data DIR [-session REF] [-user U] [-act A] [-since T] [-json]", "show what was done; verify that", auditText, auditCommand},
	{"token", "[-out FILE]", "make a caller's token up", tokenText, tokenCommand},
	{"version", "", "print which riskd this is", versionText, versionCommand},
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, std stdio) int {
	err := dispatch(ctx, args, std)
	var wrong *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		report(std.err, err)
		return exitUsage
	}
	report(std.err, err)
	return exitProblem
}

func dispatch(ctx context.Context, args []string, std stdio) error {
	if len(args) == 0 {
		return &usageError{"no command is given", "`riskd dev` is a good start; `riskd help` lists the commands"}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(std.out, args[1:])
	}
	c, rest, err := find(args)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("riskd "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	act := c.setup(flags)
	if err := flags.Parse(rest); errors.Is(err, flag.ErrHelp) {
		return help(std.out, strings.Fields(c.name))
	} else if err != nil {
		return &usageError{c.name + ": " + err.Error(), fmt.Sprintf("`riskd help %s` shows its flags", c.name)}
	}
	return act(ctx, std, flags.Args())
}

// find takes the command's name, of one or two words, off the arguments.
func find(args []string) (*command, []string, error) {
	var family []string
	for i := range commands {
		c := &commands[i]
		words := strings.Fields(c.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.name {
			return c, args[len(words):], nil
		}
		if words[0] == args[0] {
			family = append(family, "`riskd "+c.name+"`")
		}
	}
	if len(family) > 0 && len(args) == 1 {
		return nil, nil, &usageError{args[0] + " needs to know what to do", "there are " + strings.Join(family, " and ")}
	}
	typed := args[0]
	if len(family) > 0 {
		typed += " " + args[1]
	}
	hint := "`riskd help` lists the commands"
	if name := riskd.Nearest(typed, commandNames()); name != "" {
		hint = "did you mean `riskd " + name + "`?"
	}
	return nil, nil, &usageError{fmt.Sprintf("%q is no command", typed), hint}
}

func commandNames() []string {
	names := []string{"help"}
	for _, c := range commands {
		names = append(names, c.name)
	}
	return names
}
