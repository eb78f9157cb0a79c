package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd/policies"
)

const policyShadowText = `Lists the packs that are on trial: they judge live sessions beside the pack in force, on
evidence of their own, and nothing comes of it but a report.
`

const policyShadowAddText = `Puts a pack on trial under a name. PACK is one that riskd brings along, or a folder on the
machine of the riskd that is asked. It judges a share of the sessions, for a while, and
may disagree with the pack in force on less than its budget of decisions.
`

const policyShadowReportText = `Shows how a trial goes: what the pack in force said against what the candidate did, the
latest disagreements, times, and whether it may be promoted. Ends with 1 if it may not.
`

const policyShadowPromoteText = `Puts a candidate in force if its report says so, or with -force whatever it says. That
holds until riskd restarts or the pack that its config names changes: put it there too.
`

const policyConfirmText = `Lets a revision in that is held because it would revoke or step up too many live sessions.
GET /readyz and ` + "`riskd policy shadow`" + ` tell of it.
`

// shadowDocument is a trial as GET /v1/policy/shadows has it.
type shadowDocument struct {
	Name         string    `json:"name"`
	Pack         string    `json:"pack"`
	Revision     string    `json:"revision"`
	Rate         float64   `json:"sample_rate"`
	Budget       float64   `json:"disagreement_budget"`
	Expires      time.Time `json:"expires"`
	Expired      bool      `json:"expired"`
	Inline       bool      `json:"inline"`
	Held         string    `json:"held"`
	Verdict      string    `json:"verdict"`
	Against      []string  `json:"against"`
	Live         struct{ Pack, Revision string }
	Decisions    uint64                       `json:"decisions"`
	Differing    uint64                       `json:"differing"`
	Disagreement float64                      `json:"disagreement"`
	Sessions     uint64                       `json:"sessions"`
	Affected     uint64                       `json:"sessions_affected"`
	Matrix       map[string]map[string]uint64 `json:"matrix"`
	Errors       map[string]uint64            `json:"errors"`
	Dropped      uint64                       `json:"dropped"`
	Took         quantilesDocument            `json:"took"`
	LiveTook     quantilesDocument            `json:"live_took"`
	Examples     []struct {
		Session  string          `json:"session"`
		Decision string          `json:"decision_id"`
		Time     time.Time       `json:"time"`
		Live     opinionDocument `json:"live"`
		Shadow   opinionDocument `json:"shadow"`
	} `json:"examples"`
}

type quantilesDocument struct {
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

type opinionDocument struct {
	Decision string   `json:"decision"`
	Score    int      `json:"score"`
	Reasons  []string `json:"reasons"`
}

const shadowsPath = "/v1/policy/shadows"

func policyShadowCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	asJSON := flags.Bool("json", false, "print documents as JSON, one a line")
	return func(ctx context.Context, std stdio, args []string) error {
		if err := noOperands(flags, args, "add", "report", "promote", "remove"); err != nil {
			return err
		}
		c, err := connect()
		if err != nil {
			return err
		}
		var answer struct {
			Shadows []jsontext.Value `json:"shadows"`
		}
		if err := c.ask(ctx, http.MethodGet, c.address.JoinPath(shadowsPath), nil, &answer); err != nil {
			return err
		}
		switch {
		case *asJSON:
			return printDocuments(std.out, answer.Shadows...)
		case len(answer.Shadows) == 0:
			fmt.Fprintln(std.out, "no pack is on trial")
			return nil
		}
		return printTable(std.out, shadowHead, answer.Shadows, shadowRow)
	}
}

func policyShadowAddCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	rate := flags.Float64("rate", 1, "judge the share `R` of sessions, above 0 up to 1")
	budget := flags.Float64("budget", 0.01, "it may disagree on less than the share `B` of decisions")
	length := flags.Duration("for", 7*24*time.Hour, "end the trial after the time `T`")
	inline := flags.Bool("inline", false, "judge before the answer, which then tells what it said")
	return func(ctx context.Context, std stdio, args []string) error {
		list, err := operands(flags, args)
		if err != nil {
			return err
		}
		if len(list) != 2 {
			return &usageError{"policy shadow add needs a name and a pack", "such as `riskd policy shadow add next packs/next`"}
		}
		pack := list[1]
		if _, shipped := policies.Shipped(pack); !shipped {
			if pack, err = filepath.Abs(pack); err != nil {
				return err
			}
			if _, err := os.Stat(pack); err != nil {
				fmt.Fprintf(std.err, "%s isn't here; it has to be where riskd runs\n", plainText(pack))
			}
		}
		ask := map[string]any{
			"name": list[0], "pack": pack, "sample_rate": *rate, "disagreement_budget": *budget,
			"expires": time.Now().Add(*length).UTC().Format(time.RFC3339),
		}
		if *inline {
			ask["inline"] = true
		}
		c, err := connect()
		if err != nil {
			return err
		}
		var d shadowDocument
		if err := c.ask(ctx, http.MethodPost, c.address.JoinPath(shadowsPath), ask, &d); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s is on trial: pack %s, revision %s, until %s\n", plainText(d.Name), plainText(d.Pack), d.Revision, stamp(d.Expires))
		return err
	}
}

var errRefused = errors.New("it should not be promoted")

func policyShadowReportCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	asJSON := flags.Bool("json", false, "print the document as JSON")
	return func(ctx context.Context, std stdio, args []string) error {
		document, err := askShadow(ctx, flags, connect, args, http.MethodGet, "", nil)
		if err != nil {
			return err
		}
		d, err := readDocument[shadowDocument](document)
		if err == nil {
			if *asJSON {
				err = printDocuments(std.out, document)
			} else {
				err = d.print(std.out)
			}
		}
		if err == nil && d.Verdict != "promote" {
			err = errRefused
		}
		return err
	}
}

func policyShadowPromoteCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	force := flags.Bool("force", false, "promote it whatever the report says")
	sign := signFlags(flags, "promotes it")
	return func(ctx context.Context, std stdio, args []string) error {
		list, err := operands(flags, args)
		if err != nil {
			return err
		}
		ask, err := sign()
		if err != nil {
			return err
		}
		if *force {
			ask["force"] = true
		}
		document, err := askShadow(ctx, flags, connect, list, http.MethodPost, "promote", ask)
		if err != nil {
			return err
		}
		d, err := readDocument[shadowDocument](document)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s is in force: pack %s, revision %s; name it in the config, too, or a restart undoes this\n", plainText(d.Name), plainText(d.Pack), d.Revision)
		return err
	}
}

func policyShadowRemoveCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	return func(ctx context.Context, std stdio, args []string) error {
		document, err := askShadow(ctx, flags, connect, args, http.MethodDelete, "", nil)
		if err != nil {
			return err
		}
		d, err := readDocument[shadowDocument](document)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "the trial of %s is over, after %d decisions of which %d differed\n", plainText(d.Name), d.Decisions, d.Differing)
		return err
	}
}

// askShadow asks something of the one trial that the arguments name.
func askShadow(ctx context.Context, flags *flag.FlagSet, connect func() (*adminClient, error), args []string, method, what string, ask any) (jsontext.Value, error) {
	list, err := operands(flags, args)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, &usageError{flags.Name()[len("riskd "):] + " needs the name of one candidate", "`riskd policy shadow` lists them"}
	}
	c, err := connect()
	if err != nil {
		return nil, err
	}
	to := c.address.JoinPath(shadowsPath, url.PathEscape(list[0]))
	if what != "" {
		to = to.JoinPath(what)
	}
	var document jsontext.Value
	return document, c.ask(ctx, method, to, ask, &document)
}

// signFlags give a command who answers for what it does, and why.
func signFlags(flags *flag.FlagSet, does string) (sign func() (map[string]any, error)) {
	reason := flags.String("reason", "", "why: `TEXT` that is put on record")
	actor := flags.String("actor", "", "who "+does+": `NAME`, else that of your login")
	return func() (map[string]any, error) {
		if *reason == "" {
			return nil, errNoReason
		}
		name, err := actorOf(*actor)
		return map[string]any{"reason": *reason, "actor": name}, err
	}
}

func policyConfirmCommand(flags *flag.FlagSet) action {
	connect := adminFlag(flags)
	sign := signFlags(flags, "lets it in")
	return func(ctx context.Context, std stdio, args []string) error {
		list, err := operands(flags, args)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return &usageError{"policy confirm needs the revision that is held", "`riskd policy shadow` shows it, as held-REVISION"}
		}
		ask, err := sign()
		if err != nil {
			return err
		}
		ask["revision"] = list[0]
		c, err := connect()
		if err != nil {
			return err
		}
		var answer struct {
			Revision string `json:"revision"`
		}
		if err := c.ask(ctx, http.MethodPost, c.address.JoinPath("/v1/policy/confirm"), ask, &answer); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "revision %s is in force\n", plainText(answer.Revision))
		return err
	}
}
