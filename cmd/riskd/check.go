package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

const checkText = `Reads the config and all that it names as serve would, prints every problem with
its place, and ends with 1 if there is one. The pack's tests are run. Nothing is
served.

With -schema, prints the JSON Schemas of what policies get as input: "rules" for
the rules, "judgement" for a pack's policy.rego.
`

func checkCommand(flags *flag.FlagSet) action {
	file := flags.String("config", "", "read the config `FILE`; without it every field has its default")
	schema := flags.Bool("schema", false, "print the schemas of the policies' input")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"check takes no arguments", "the config is named with -config"}
		}
		if *schema {
			return printSchema(std.out)
		}
		return check(*file, std.out)
	}
}

func printSchema(out io.Writer) error {
	rules, judgement := policies.Schema(signals.Descriptions())
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"rules": rules, "judgement": judgement})
}

// check says what is wrong, or what serve would serve with.
func check(file string, out io.Writer) error {
	c, err := loadConfig(file)
	var list []error
	if all := (*problems)(nil); errors.As(err, &all) {
		list = all.list // and on with what could be read
	} else if err != nil {
		return err
	}
	_, err = openKey(c)
	list = append(list, flatten(err)...)
	list = append(list, flatten(readKeys(c))...)
	_, err = readTLS(c)
	list = append(list, flatten(err)...)
	pack, err := checkPack(c)
	list = append(list, flatten(err)...)
	statuses, err := checkGeo(c)
	list = append(list, flatten(err)...)
	if list != nil {
		return &problems{"check found " + count(len(list), "problem"), list}
	}
	if file == "" {
		file = "the defaults; -config names a file"
	}
	fmt.Fprintf(out, "config  %s\npack    %s, revision %s\n", file, pack.Name, pack.Revision)
	for _, status := range statuses {
		fmt.Fprintf(out, "geo     %s, %s\n", status.Path, geoText(status))
	}
	_, err = fmt.Fprintln(out, "no problem found")
	return err
}

func checkPack(c *config) (*riskd.Pack, error) {
	if c.Policy.Pack == "" {
		return nil, nil // which has been said
	}
	source, err := configuredPack(c)
	if err != nil {
		return nil, err
	}
	p, err := proveAside(context.Background(), &source)
	if err != nil {
		return nil, err
	}
	return p.pack.Info(), nil
}

// checkGeo reads every file that is named well enough to be read.
func checkGeo(c *config) (statuses []geo.Status, err error) {
	o := geoOptions(c)
	o.Databases = slices.DeleteFunc(o.Databases, func(path string) bool { return path == "" })
	o.Lists = slices.DeleteFunc(o.Lists, func(l geo.List) bool { return l.Path == "" || l.Kind == riskd.NetworkUnknown })
	locator, err := geo.Open(o)
	if err != nil {
		return nil, err
	}
	defer locator.Close()
	var faults []error
	for _, status := range locator.Status() {
		for _, e := range flatten(status.Err) {
			faults = append(faults, placed(c, status.Path, e))
		}
	}
	return locator.Status(), errors.Join(faults...)
}

var ownPlace = regexp.MustCompile(`^.+:\d+: `)

// placed gives the fault of a geo file its place: the line of the file, which
// lists say themselves, or where the config names the file.
func placed(c *config, path string, err error) error {
	if ownPlace.MatchString(err.Error()) {
		return err
	}
	if i := slices.Index(c.Geo.Databases, path); i >= 0 {
		return c.source.at(fmt.Sprintf("geo.databases[%d]", i), "%w", err)
	}
	i := slices.IndexFunc(c.Geo.Lists, func(l listConfig) bool { return l.Path == path })
	return c.source.at(fmt.Sprintf("geo.lists[%d]", i), "%w", err)
}

func geoText(s geo.Status) string {
	text := s.Type
	if !s.Build.IsZero() {
		text += ", built " + s.Build.Format(time.DateOnly)
	}
	if s.Stale {
		text += fmt.Sprintf(", older than %.0f days", geo.MaxAge.Hours()/24)
	}
	return text
}
