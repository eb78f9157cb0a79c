package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
)

const versionText = `Prints the version, the revision of the source, and the versions of Go and of
OPA, which evaluates the policies.
`

func versionCommand(*flag.FlagSet) action {
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) > 0 {
			return &usageError{"version takes no arguments", "`riskd help version` shows how it is used"}
		}
		b := buildOf(debug.ReadBuildInfo())
		_, err := fmt.Fprintf(std.out, "riskd %s\nrevision %s\ngo %s\nopa %s\n", b.version, b.revision, b.goVersion, b.opa)
		return err
	}
}

// build is what riskd knows of how it was made. What isn't known is "unknown".
type build struct{ version, revision, goVersion, opa string }

const opaModule = "github.com/open-policy-agent/opa"

func buildOf(info *debug.BuildInfo, ok bool) build {
	b := build{"unknown", "unknown", "unknown", "unknown"}
	if !ok {
		return b
	}
	b.version, b.goVersion = info.Main.Version, info.GoVersion
	if b.version == "" {
		b.version = "(devel)"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			b.revision += " (with changes)"
		}
	}
	for _, m := range info.Deps {
		if m.Path == opaModule {
			b.opa = m.Version
		}
	}
	return b
}
