package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// watchEvery is how often the files of a pack are looked at.
const watchEvery = 300 * time.Millisecond

// watch tests whenever a file has changed, until it is interrupted. A pack that
// fails is no reason to end.
func (c *policyTest) watch(ctx context.Context, std stdio) error {
	if c.source.folder == "" {
		return &usageError{"policy test: " + c.called + " is inside riskd and doesn't change", "-watch takes a folder: -pack DIR"}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		seen := c.fingerprint()
		if colours(std.out) {
			fmt.Fprint(std.out, clearScreen)
		}
		if err := c.run(ctx, std); err != nil && ctx.Err() == nil {
			report(std.err, err)
		}
		if ctx.Err() == nil {
			fmt.Fprintf(std.out, "watching %s; an interrupt ends it\n", c.called)
		}
		for c.fingerprint() == seen {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

// clearScreen empties a terminal and goes to its first line (ECMA-48).
const clearScreen = "\x1b[H\x1b[2J"

// fingerprint is a hash over all that is tested.
func (c *policyTest) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	folders := []string{c.source.folder, filepath.Join(c.source.folder, "scenarios")}
	if c.scenarios != "" && c.scenarios != shippedName {
		folders = append(folders, c.scenarios)
	}
	for _, folder := range folders {
		for _, pattern := range []string{"*.rego", "*.json", "*.txtar"} {
			names, _ := fs.Glob(os.DirFS(folder), pattern)
			for _, name := range names {
				data, _ := os.ReadFile(filepath.Join(folder, name)) // gone is changed too
				fmt.Fprintf(h, "%q %q %x\n", folder, name, sha256.Sum256(data))
			}
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}
