package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

const sessionsText = `Lists the sessions that riskd remembers, by their references. What is asked for has
to hold at once. An address stands for its network, the /24 or /48, of which alone
riskd knows. The states are active, step_up, revoked, expired and suspended.

With -json, each line is a document of GET /v1/sessions.
`

var states = []string{
	riskd.StatusActive.String(), riskd.StatusStepUp.String(), riskd.StatusRevoked.String(),
	riskd.StatusExpired.String(), riskd.StatusSuspended.String(),
}

func sessionsCommand(flags *flag.FlagSet) action { return listSessions(flags, time.Now) }

func listSessions(flags *flag.FlagSet, now func() time.Time) action {
	connect := adminFlag(flags)
	filters := map[string]*string{
		"user":    flags.String("user", "", "those of the user `U`"),
		"device":  flags.String("device", "", "those on the device `D`"),
		"tenant":  flags.String("tenant", "", "those in the tenant `T`"),
		"address": flags.String("address", "", "those seen last in the network of `A`"),
		"status":  flags.String("status", "", "those in the state `S`"),
	}
	l := listFlags(flags, list{path: "/v1/sessions", none: "riskd remembers no such session", head: sessionHead})
	return func(ctx context.Context, std stdio, args []string) error {
		if err := noOperands(flags, args, "show", "extend"); err != nil {
			return err
		}
		if _, err := given(flags); err != nil {
			return err
		}
		l.query = url.Values{}
		for name, value := range filters {
			if *value != "" {
				l.query.Set(name, *value)
			}
		}
		if s := *filters["status"]; s != "" {
			if err := oneOf("status", s, states); err != nil {
				return err
			}
		}
		c, err := connect()
		if err != nil {
			return err
		}
		l.row = func(document jsontext.Value) ([]string, error) { return sessionRow(document, now()) }
		return l.print(ctx, std, c)
	}
}

// noOperands refuses what isn't a flag. It doesn't repeat it: it might be the id
// that a gateway uses.
func noOperands(flags *flag.FlagSet, args []string, commands ...string) error {
	list, err := operands(flags, args)
	if err != nil || len(list) == 0 {
		return err
	}
	name := strings.TrimPrefix(flags.Name(), "riskd ")
	hint := fmt.Sprintf("`riskd help %s` shows its flags, and the commands below it", name)
	if n := riskd.Nearest(list[0], commands); n != "" {
		hint = fmt.Sprintf("did you mean `riskd %s %s`?", name, n)
	}
	return &usageError{name + " takes flags only", hint}
}

// oneOf refuses a flag's value that isn't among those known.
func oneOf(name, value string, known []string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	hint := fmt.Sprintf("known are %s", strings.Join(known, ", "))
	if n := riskd.Nearest(value, known); n != "" {
		hint = "did you mean " + n + "?"
	}
	return &usageError{fmt.Sprintf("-%s %q is not known", name, value), hint}
}
