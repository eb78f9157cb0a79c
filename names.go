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

// Nearest gives the known name that a misspelt one was probably meant to be, ""
// when none is near: case and separators don't count, and at most a third of its
// letters, but always one, may be wrong, missing, superfluous or swapped with the
// next. A word of more than 40 bytes is no slip.
func Nearest(word string, known []string) string {
	if word = plain.Replace(strings.ToLower(word)); len(word) > 40 {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, name := range known {
		if d := distance(word, plain.Replace(strings.ToLower(name))); d < least {
			best, least = name, d
		}
	}
	return best
}

var plain = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

// distance is the Damerau-Levenshtein distance in its restricted form: the
// insertions, deletions, substitutions and swaps of neighbours between a and b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
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
