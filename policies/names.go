package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/riskd/riskd"
)

// notOneOf says that a name isn't known, which ones are, and which of them was
// probably meant.
func notOneOf(name string, known []string) string {
	known = slices.Clone(known)
	slices.Sort(known)
	said := fmt.Sprintf("%q is not one of %s", name, strings.Join(known, ", "))
	if near := riskd.Nearest(name, known); near != "" {
		said += fmt.Sprintf("; did you mean %q?", near)
	}
	return said
}
