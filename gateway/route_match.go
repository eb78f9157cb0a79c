package gateway

import (
	"strings"

	"github.com/riskd/riskd"
)

// strictness orders the classes by the harm that requests can do.
var strictness = [...]uint8{riskd.ClassOpen: 0, riskd.ClassStandard: 1, riskd.ClassSensitive: 2, riskd.ClassAdmin: 3}

// stricter gives the one that may do more harm, the first if both may do as much.
func stricter(a, b *route) *route {
	if b != nil && strictness[b.Class] > strictness[a.Class] {
		return b
	}
	return a
}

// find gives the route of a request, never nil. Servers differ in whether they
// take /%61 for /a, /A for /a and /a/ for /a; of all routes that one of them could
// mean the strictest counts, and a path that one of them finds in no route is
// unlisted.
func (all routes) find(method, raw, decoded string) *route {
	found := all.read(method, decoded)
	if raw != decoded {
		found = stricter(found, all.read(method, raw))
	}
	return found
}

func (all routes) read(method, path string) *route {
	path = path[1:]
	path, slash := strings.CutSuffix(path, "/")
	found := all.best(method, path, reading{})
	if found == nil {
		return unlisted
	}
	if folded := all.best(method, path, reading{fold: true}); folded != found {
		found = stricter(found, folded)
	}
	if slash {
		found = stricter(found, all.best(method, path, reading{slash: true}))
		found = stricter(found, all.best(method, path, reading{slash: true, fold: true}))
	}
	return found
}

// reading is one way to look at a path.
type reading struct {
	fold  bool // letters in any case are the same
	slash bool // there is an empty segment after the last
}

// best gives the most specific route, or nil: of rivals the strictest.
func (all routes) best(method, path string, how reading) *route {
	for _, r := range all {
		if !r.matches(method, path, how) {
			continue
		}
		best := r
		for _, rival := range r.rivals {
			if rival.matches(method, path, how) {
				best = stricter(best, rival)
			}
		}
		return best
	}
	return nil
}

// matches takes a path without the slashes at its beginning and its end.
func (r *route) matches(method, path string, how reading) bool {
	if how.slash && !r.rest || !r.takes(method) {
		return false
	}
	more := path != ""
	for _, want := range r.segments {
		if !more {
			return false
		}
		var segment string
		segment, path, more = strings.Cut(path, "/")
		if want != "" && segment != want && !(how.fold && strings.EqualFold(segment, want)) {
			return false
		}
	}
	return r.rest || !more
}

// object gives what the placeholders for one segment stand for, "" if there are
// none.
func (r *route) object(path string) string {
	object, found := "", false
	path = strings.TrimPrefix(path, "/")
	for _, want := range r.segments {
		var segment string
		segment, path, _ = strings.Cut(path, "/")
		switch {
		case want != "":
		case found:
			object += "/" + segment
		default:
			object, found = segment, true
		}
	}
	return object
}
