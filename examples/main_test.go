//go:build integration

package examples

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what was observed into docs/gateways.md")

// riskdBinary is the riskd of this tree, shopBinary the program of go-middleware.
var riskdBinary, shopBinary string

// What became of the gateways.
var (
	ran     []string
	skipped = map[string]string{} // and why
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "riskd-examples")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	riskdBinary, shopBinary = filepath.Join(folder, "riskd"), filepath.Join(folder, "go-middleware")
	build := exec.Command("go", "build", "-o", folder, "../cmd/riskd", "./go-middleware")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if !summed() {
		code = max(code, 1)
	}
	return code
}

// summed says which gateways were run and which weren't, and reports whether
// those may be missing that are: all may, unless RISKD_ALLOWED_SKIPS lists them.
func summed() bool {
	var reasons []string
	allowed, strict := os.LookupEnv("RISKD_ALLOWED_SKIPS")
	ok := true
	for _, name := range slices.Sorted(maps.Keys(skipped)) {
		reason := name + " (" + skipped[name] + ")"
		if strict && !slices.Contains(strings.Split(allowed, ","), name) {
			ok = false
			reason += ", which may not be skipped here"
		}
		reasons = append(reasons, reason)
	}
	line := fmt.Sprintf("%d gateways run: %s; %d skipped", len(ran), strings.Join(ran, ", "), len(skipped))
	if len(reasons) > 0 {
		line += ": " + strings.Join(reasons, "; ")
	}
	fmt.Println(line)
	return ok
}

func envName(program string) string {
	return strings.ToUpper(filepath.Base(program))
}
