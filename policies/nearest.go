package policies

import (
	"fmt"
	"slices"
	"strings"
)

// notOneOf says that a name isn't known, which ones are, and which of them was
// probably meant.
func notOneOf(name string, known []string) string {
	known = slices.Clone(known)
	slices.Sort(known)
	said := fmt.Sprintf("%q is not one of %s", name, strings.Join(known, ", "))
	if near := nearest(name, known); near != "" {
		said += fmt.Sprintf("; did you mean %q?", near)
	}
	return said
}

// nearest gives the known name that differs least from the given one, "" when
// none is near: more than a third of its letters, but at least two, may differ.
func nearest(name string, known []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
