package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

const helpText = `riskd scores the risk of live sessions and answers allow, step_up or revoke.

Usage:  riskd COMMAND [flags] [arguments]

%s
  help NAME       what a command does, and its flags
  help config     the config file, with a comment on every field

The first minute:

  riskd dev                        starts it and prints requests to try
  riskd help config > riskd.yaml   a config to begin with
  riskd check -config riskd.yaml   tells what is wrong with it
  riskd serve -config riskd.yaml   answers gateways
`

// help prints the overview, or what there is to know of a command.
func help(out io.Writer, args []string) error {
	if len(args) == 0 {
		var list strings.Builder
		for _, c := range commands {
			if belowAnother(c.name) {
				continue
			}
			fmt.Fprintf(&list, "  %-14s  %s\n", c.name, c.summary)
		}
		_, err := fmt.Fprintf(out, helpText, strings.TrimSuffix(list.String(), "\n"))
		return err
	}
	if args[0] == "config" {
		_, err := io.WriteString(out, defaultYAML)
		return err
	}
	var several []*command
	for i := range commands {
		if strings.HasPrefix(commands[i].name+" ", strings.Join(args, " ")+" ") {
			several = append(several, &commands[i])
		}
	}
	if several == nil {
		_, _, err := find(args)
		return err
	}
	slices.SortStableFunc(several, func(a, b *command) int {
		return len(strings.Fields(a.name)) - len(strings.Fields(b.name))
	})
	for i, c := range several {
		if i > 0 {
			fmt.Fprint(out, "\n\n")
		}
		helpOn(out, c)
	}
	return nil
}

// belowAnother reports whether a command is told of where another is: revoke undo
// is, because there is revoke.
func belowAnother(name string) bool {
	return slices.ContainsFunc(commands, func(c command) bool { return strings.HasPrefix(name, c.name+" ") })
}

func helpOn(out io.Writer, c *command) {
	fmt.Fprintf(out, "riskd %s: %s\n\nUsage:  riskd %s\n\n%s", c.name, c.summary, strings.TrimSpace(c.name+" "+c.args), c.text)
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	c.setup(flags)
	printFlags(out, flags)
}

func printFlags(out io.Writer, flags *flag.FlagSet) {
	first := true
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(out, "\nFlags:\n")
			first = false
		}
		kind, usage := flag.UnquoteUsage(f)
		name := strings.TrimSpace("-" + f.Name + " " + kind)
		if f.DefValue != "" && f.DefValue != "false" {
			usage += " (" + f.DefValue + " unless given)"
		}
		fmt.Fprintf(out, "  %-15s  %s\n", name, usage)
	})
}
