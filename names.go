package riskd

import (
	"fmt"
	"strings"
)

// Enumerations are small integers inside and words on every wire. The two
// functions here turn one into the other.

func nameOf(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

func parseName(names []string, s string) (uint8, error) {
	for i, n := range names {
		if n == s && n != "" {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", s, strings.Join(nonEmpty(names), ", "))
}

func nonEmpty(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}
