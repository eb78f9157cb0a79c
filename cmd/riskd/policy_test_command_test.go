package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/riskd/riskd/policies"
)

// Watching tests again when a file has changed, goes on after a failure, and
// ends well when it is interrupted.
func TestPolicyTestWatches(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "own")
	if err := os.CopyFS(folder, policies.Default()); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, written := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"policy", "test", "-watch", "-pack", folder}, stdio{out: written, err: written})
		written.Close()
	}()
	lines := bufio.NewScanner(out)
	await := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("it ended without %q", want)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	await("pack own: no problem found")
	await("watching ")
	write("own_test.rego", "package own_test\n\ntest_own if 1 == 2\n")
	await("own_test.rego:3: test_own fails")
	await("watching ")
	if err := os.Mkdir(filepath.Join(folder, "scenarios"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("own_test.rego", "package own_test\n\ntest_own if 1 == 1\n")
	await("pack own: no problem found")
	await("watching ")
	write("scenarios/quiet.txtar", "-- nothing --\n")
	await("quiet.txtar")
	await("watching ")
	interrupt()
	for lines.Scan() {
		t.Errorf("after the interrupt: %s", lines.Text())
	}
	if code := <-ended; code != 0 {
		t.Errorf("ends with %d", code)
	}
}
