package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/geo"
)

const geoLookupText = `Says what riskd makes of an address, with the databases and lists of a config, or
with single databases; without either, with the made-up ones of ` + "`riskd dev`" + `.
`

// paths is a flag that may come several times.
type paths []string

func (p *paths) String() string     { return strings.Join(*p, ",") }
func (p *paths) Set(s string) error { *p = append(*p, s); return nil }

func geoLookupCommand(flags *flag.FlagSet) action {
	file := flags.String("config", "", "take databases and lists from the config `FILE`")
	var databases paths
	flags.Var(&databases, "db", "read the database `FILE` (.mmdb); may come several times")
	return func(_ context.Context, std stdio, args []string) error {
		addresses, err := parseAddresses(args)
		if err != nil {
			return err
		}
		o, err := lookupOptions(*file, databases)
		if err != nil {
			return err
		}
		locator, err := geo.Open(o)
		if err != nil {
			return err
		}
		defer locator.Close()
		for _, status := range locator.Status() {
			if status.Err != nil {
				return status.Err
			}
		}
		for _, a := range addresses {
			printPlace(std.out, locator, a)
		}
		return nil
	}
}

func parseAddresses(args []string) ([]netip.Addr, error) {
	if len(args) == 0 {
		return nil, &usageError{"geo lookup needs an address", "for example `riskd geo lookup 203.0.113.7`"}
	}
	addresses := make([]netip.Addr, len(args))
	for i, arg := range args {
		a, err := netip.ParseAddr(arg)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("%q is no address", arg), "give an IPv4 or IPv6 address such as 203.0.113.7; flags come before it"}
		}
		addresses[i] = a
	}
	return addresses, nil
}

func lookupOptions(file string, databases []string) (geo.Options, error) {
	switch {
	case file != "" && databases != nil:
		return geo.Options{}, &usageError{"-config and -db don't go together", "name the databases in the one or with the other"}
	case file != "":
		c, err := loadConfig(file)
		if err != nil {
			return geo.Options{}, err
		}
		return geoOptions(c), nil
	case databases != nil:
		return geo.Options{Databases: databases}, nil
	}
	return madeUpWorld(), nil
}

// printPlace prints what is known, and what each source says in full.
func printPlace(out io.Writer, locator *geo.Locator, a netip.Addr) {
	place, degraded := locator.Locate(a)
	fmt.Fprintln(out, a)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(out, "  %-9s  %s\n", name, fmt.Sprintf(format, args...))
	}
	if place.Country != "" {
		row("country", "%s", place.Country)
	}
	if place.City != "" {
		row("city", "%s", place.City)
	}
	if place.Located {
		row("location", "%.4f, %.4f within %g km", place.Lat, place.Lon, place.RadiusKM)
	}
	if place.ASN != 0 {
		row("asn", "AS%d %s", place.ASN, place.Org)
	}
	if place.Network != riskd.NetworkUnknown {
		row("network", "%s", place.Network)
	}
	if place == (riskd.Place{}) {
		row("unknown", "no database or list knows it")
	}
	for _, d := range locator.Describe(a) {
		row("from", "%s (%s) %s", d.Path, d.Type, networkText(d.Network))
	}
	if len(degraded) > 0 {
		row("degraded", "%s", strings.Join(degraded, ", "))
	}
}

func networkText(p netip.Prefix) string {
	if !p.IsValid() {
		return "by its AS number"
	}
	return p.String()
}
