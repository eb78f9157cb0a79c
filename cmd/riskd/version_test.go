package main

import (
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{
		GoVersion: "go1.26.0",
		Main:      debug.Module{Version: "v1.2.3"},
		Deps:      []*debug.Module{{Path: opaModule, Version: "v1.22.0"}},
		Settings:  []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
	}
	unknown := build{"unknown", "unknown", "unknown", "unknown"}
	cases := map[string]struct {
		info *debug.BuildInfo
		want build
	}{
		"everything": {info, build{"v1.2.3", "abc (with changes)", "go1.26.0", "v1.22.0"}},
		"no vcs":     {&debug.BuildInfo{GoVersion: "go1.26.0"}, build{"(devel)", "unknown", "go1.26.0", "unknown"}},
		"nothing":    {nil, unknown},
	}
	for name, c := range cases {
		if got := buildOf(c.info, c.info != nil); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
