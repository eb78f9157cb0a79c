package main

import (
	"errors"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"riskd": main})
}

// The scripts run the real main, in a process of its own.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("processes that do one thing each, minutes under the race detector; not with -short")
	}
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("RISKD_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			repository, err := os.Getwd()
			e.Setenv("FIXTURES", repository+"/../../fixtures")
			e.Setenv("PACKS", repository+"/../../policies")
			return errors.Join(err, writeKeys(e.WorkDir))
		},
	})
}
