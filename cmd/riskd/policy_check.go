package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

const policyCheckText = `Finds every mistake in a policy pack and the rules that it comes with: what serve
would refuse, each with its place and often its cure, and what it would let pass
though it will be regretted (warnings). Then measures what each rule costs over
the cases of the scenarios that riskd brings along: as riskd evaluates it, compiled
or, where it says why not, by OPA; and by OPA alone, which the budget is for.

Ends with 1 when there is an error; with -strict also when there is a warning.
`

func policyCheckCommand(flags *flag.FlagSet) action {
	var c policyCheck
	pack := flags.String("pack", "default", "check the pack in `DIR`, or one that riskd brings along")
	flags.DurationVar(&c.perRule, "budget", 100*time.Microsecond, "how much `TIME` a rule may take; 0 measures nothing")
	flags.DurationVar(&c.whole, "pack-budget", time.Millisecond, "how much `TIME` the whole pack may take for one event")
	flags.BoolVar(&c.asJSON, "json", false, "print findings and prices as one JSON document")
	flags.BoolVar(&c.strict, "strict", false, "take a warning for an error")
	return func(ctx context.Context, std stdio, args []string) (err error) {
		if len(args) > 0 {
			return &usageError{"policy check takes no arguments", "the pack is named with -pack"}
		}
		if c.perRule < 0 || c.whole <= 0 {
			return &usageError{"policy check: a budget is a time above 0", "for example -budget 100us -pack-budget 1ms; -budget 0 measures nothing"}
		}
		if c.source, err = newPackSource(*pack); err != nil {
			return err
		}
		return c.run(ctx, std, *pack)
	}
}

// policyCheck is one run of policy check.
type policyCheck struct {
	source         packSource
	perRule, whole time.Duration
	asJSON, strict bool

	findings []policies.Finding
	prices   []price
	pack     price
}

func (c *policyCheck) run(ctx context.Context, std stdio, called string) (err error) {
	files := packFolder(c.source)
	c.findings, err = policies.Lint(c.source.name, files, policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		return err
	}
	if errs, _ := c.counts(); errs == 0 && c.perRule > 0 {
		if err := c.measure(ctx, c.source.compile, files); err != nil {
			return err
		}
	}
	slices.SortStableFunc(c.findings, func(a, b policies.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range c.findings {
		c.findings[i].File = shownAs(called, c.findings[i].File)
	}
	if c.asJSON {
		err = c.printJSON(std.out)
	} else {
		err = c.printPrices(std.out)
	}
	if err != nil {
		return err
	}
	return c.verdict(std)
}

// measure finds what each rule costs, and which cost too much.
func (c *policyCheck) measure(ctx context.Context, compile compilePack, files fs.FS) error {
	cases, err := recordedCases(ctx, compile)
	if err != nil {
		return err
	}
	c.prices, c.pack, err = prices(ctx, c.source.name, files, cases)
	if err != nil {
		return err
	}
	for i := range c.prices {
		p := &c.prices[i]
		if p.OPA > c.perRule {
			c.findings = append(c.findings, overBudget(files, p, fmt.Sprintf("rule %s takes %s for one event; its budget is %s", p.Rule, micros(p.OPA), micros(c.perRule))))
		}
	}
	if c.pack.OPA > c.whole {
		c.findings = append(c.findings, overBudget(files, &c.pack, fmt.Sprintf("the pack takes %s for one event; its budget is %s", micros(c.pack.OPA), micros(c.whole))))
	}
	return nil
}

func overBudget(files fs.FS, p *price, said string) policies.Finding {
	return policies.Finding{
		Severity: policies.SeverityError, Code: "over_budget", File: p.File, Line: p.Line, Column: min(p.Line, 1), Message: said,
		Hint: "begin with what is seldom true, look up by key, loop over nothing long", Source: sourceLine(files, p.File, p.Line),
	}
}

// sourceLine is a line of a pack's file or the library's, "" if it isn't there.
func sourceLine(pack fs.FS, file string, line int) string {
	from := pack
	if name, ok := strings.CutPrefix(file, "rego/"); ok {
		from, file = rego.FS, name
	}
	text, _ := fs.ReadFile(from, file)
	lines := strings.Split(string(text), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	return lines[line-1]
}

func (c *policyCheck) counts() (errs, warnings int) {
	for i := range c.findings {
		if c.findings[i].Severity == policies.SeverityError {
			errs++
		} else {
			warnings++
		}
	}
	return errs, warnings
}

// verdict shows the findings to people, and is an error when there is one.
func (c *policyCheck) verdict(std stdio) error {
	errs, warnings := c.counts()
	var list []error
	if !c.asJSON {
		for i := range c.findings {
			list = append(list, shown{&c.findings[i]})
		}
	}
	var found []string
	if errs > 0 {
		found = append(found, count(errs, "error"))
	}
	if warnings > 0 {
		found = append(found, count(warnings, "warning"))
	}
	summary := strings.Join(found, " and ")
	switch {
	case errs > 0 || warnings > 0 && c.strict:
		return &problems{"policy check found " + summary, list}
	case c.asJSON:
		return nil
	case warnings > 0:
		for _, w := range list {
			fmt.Fprintln(std.err, w)
		}
		_, err := fmt.Fprintf(std.out, "pack %s: %s\n", c.source.name, summary)
		return err
	}
	_, err := fmt.Fprintf(std.out, "pack %s: no problem found\n", c.source.name)
	return err
}

// shown is a finding as it is shown to people:
//
//	pack/policy.rego:3:24: error: undefined ref: input.scor … (unknown_input)
//	  3 | decision := "allow" if input.scor < 60
//	    |                        ^
//	    = did you mean "score"?
type shown struct{ *policies.Finding }

func (f shown) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	fmt.Fprintf(&b, ": %s: %s (%s)", f.Severity, f.Message, f.Code)
	margin := "   "
	if f.Source != "" {
		number := fmt.Sprintf("%3d", f.Line)
		margin = strings.Repeat(" ", len(number))
		fmt.Fprintf(&b, "\n%s | %s\n%s | %s^", number, f.Source, margin, indentTo(f.Source, f.Column))
	}
	if f.Hint != "" {
		fmt.Fprintf(&b, "\n%s = %s", margin, f.Hint)
	}
	return b.String()
}

// indentTo is as wide as what stands before a column, tabs included.
func indentTo(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		switch {
		case i >= column-1:
			return b.String()
		case r == '\t':
			b.WriteByte('\t')
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func (c *policyCheck) printJSON(out io.Writer) error {
	document := struct {
		Pack     string             `json:"pack"`
		Findings []policies.Finding `json:"findings"`
		Rules    []price            `json:"rules"`
		Whole    *price             `json:"whole,omitempty"`
	}{c.source.name, append([]policies.Finding{}, c.findings...), append([]price{}, c.prices...), nil}
	if c.prices != nil {
		document.Whole = &c.pack
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// packFolder are the files of a pack.
func packFolder(s packSource) fs.FS {
	if s.folder == "" {
		pack, _ := policies.Shipped(s.name)
		return pack
	}
	return os.DirFS(s.folder)
}

// shownAs is where a file of a pack is, as seen from whoever called it so.
func shownAs(pack, file string) string {
	if file == "" || strings.HasPrefix(file, "rego/") {
		return file
	}
	return filepath.Join(pack, filepath.FromSlash(file))
}
