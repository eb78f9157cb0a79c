package main

import (
	"bytes"
	"regexp"
	"testing"
)

// Every pack is measured, and none of its rules is left to OPA.
func TestCompare(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := compare(&out, 2); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`^ *consumer +(\d+) +`, `(?m)^ *default +(\d+) +`, `(?m)^ *workforce +(\d+) +`} {
		m := regexp.MustCompile("(?m)" + line + `(\d+) +[\d.]+ +[\d.]+ +\d+ % +[\d.]+ +\d+ % +[\d.]+$`).FindStringSubmatch(out.String())
		if m == nil || m[1] != m[2] {
			t.Errorf("%q isn't in\n%s", line, out.String())
		}
	}
	if compare(&out, 1) == nil {
		t.Error("a round that measures nothing is taken for one")
	}
}
