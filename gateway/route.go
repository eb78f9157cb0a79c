package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/riskd/riskd"
)

// Route says what the requests to a path are: how much harm they can do, and by
// which template they are known.
type Route struct {
	// Path is a template: segments after slashes, each of them literal, or {name} for
	// any one, or, as the last, {name...} for any number of them, none too. There is
	// no slash at its end: /a/ is what /a is.
	Path string
	// Methods are those that it is about, in capitals; without any it is about all.
	// GET stands for HEAD too.
	Methods   []string
	Class     riskd.Class
	Activity  riskd.Activity
	Privilege riskd.Privilege
}

// route is a Route made ready.
type route struct {
	Route
	segments []string // "" is a placeholder
	rest     bool     // a placeholder for any number of segments follows
	methods  []string // HEAD as well where there is GET
	// rivals are those that match some of the same requests without being more or less
	// specific: the strictest of all counts.
	rivals []*route
}

// routes are in an order in which the more specific come first.
type routes []*route

// unlisted is what the requests are that no route is about: nobody has said that
// they do less harm than others.
var unlisted = &route{Route: Route{Class: riskd.ClassAdmin}}

var (
	placeholder = regexp.MustCompile(`^\{[A-Za-z_][A-Za-z0-9_]*(\.\.\.)?\}$`)
	// What nobody has to percent-encode in a path (RFC 3986 §3.3), without the ;
	literal = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,=:@-]+$`)
	method  = regexp.MustCompile(`^[A-Z][A-Z-]*$`)
)

// newRoutes makes routes ready. An error begins with the field, such as
// routes[2].path.
func newRoutes(list []Route) (routes, error) {
	all := make(routes, len(list))
	for i, r := range list {
		var err error
		if all[i], err = newRoute(r); err != nil {
			return nil, fmt.Errorf("routes[%d].%w", i, err)
		}
		for j, other := range all[:i] {
			if all[i].covers(other) && other.covers(all[i]) && sameMethods(all[i].methods, other.methods) {
				return nil, fmt.Errorf("routes[%d].path: %s meets the same requests as routes[%d]", i, r.Path, j)
			}
		}
	}
	for _, r := range all {
		for _, other := range all {
			if r != other && r.overlaps(other) && !r.before(other) && !other.before(r) {
				r.rivals = append(r.rivals, other)
			}
		}
	}
	slices.SortStableFunc(all, compareRoutes)
	return all, nil
}

func newRoute(r Route) (*route, error) {
	switch {
	case r.Path == "" || r.Path[0] != '/':
		return nil, fmt.Errorf("path: %q must begin with a slash", r.Path)
	case len(r.Path) > riskd.MaxText:
		return nil, fmt.Errorf("path: is longer than %d bytes", riskd.MaxText)
	case r.Path != "/" && strings.HasSuffix(r.Path, "/"):
		return nil, fmt.Errorf("path: %q ends in a slash: leave it off, a request with one is met too", r.Path)
	case r.Privilege.Level < 0 || r.Privilege.Level > riskd.MaxPrivilege:
		return nil, fmt.Errorf("privilege.level: is %d; it must be 0 to %d", r.Privilege.Level, riskd.MaxPrivilege)
	case len(r.Privilege.Action) > riskd.MaxID:
		return nil, fmt.Errorf("privilege.action: is longer than %d bytes", riskd.MaxID)
	}
	for i, m := range r.Methods {
		if !method.MatchString(m) || slices.Contains(r.Methods[:i], m) {
			return nil, fmt.Errorf("methods[%d]: %q must be a method in capitals, each given once", i, m)
		}
	}
	out := &route{Route: r, methods: r.Methods}
	if slices.Contains(r.Methods, "GET") && !slices.Contains(r.Methods, "HEAD") {
		out.methods = append(slices.Clip(r.Methods), "HEAD")
	}
	if r.Path == "/" {
		return out, nil
	}
	for segment := range strings.SplitSeq(r.Path[1:], "/") {
		switch {
		case out.rest:
			return nil, errors.New("path: {name...} must be its last segment")
		case placeholder.MatchString(segment):
			if out.rest = strings.HasSuffix(segment, "...}"); !out.rest {
				out.segments = append(out.segments, "")
			}
		case !literal.MatchString(segment) || strings.Trim(segment, ".") == "":
			return nil, fmt.Errorf("path: the segment %q must be {name}, {name...}, or letters, digits and ._~!$&'()*+,=:@-", segment)
		default:
			out.segments = append(out.segments, segment)
		}
	}
	return out, nil
}

// compareRoutes sorts a literal before a placeholder, that before one for any
// number of segments, and few methods before many. Whatever is more specific than
// another comes before it.
func compareRoutes(a, b *route) int {
	for i := range max(len(a.segments), len(b.segments)) {
		if x, y := a.rank(i), b.rank(i); x != y {
			return cmp.Compare(x, y)
		}
	}
	if a.rest != b.rest {
		if a.rest {
			return 1
		}
		return -1
	}
	return cmp.Compare(uint(len(a.methods)-1), uint(len(b.methods)-1)) // none is last
}

func (r *route) rank(i int) int {
	switch {
	case i < len(r.segments) && r.segments[i] != "":
		return 0
	case i < len(r.segments):
		return 1
	case r.rest:
		return 2
	}
	return 3
}

// before reports whether a route is more specific than another that it overlaps:
// by its path or, if that is the same, by its methods.
func (r *route) before(other *route) bool {
	down, up := other.covers(r), r.covers(other)
	if down != up {
		return down
	}
	return down && len(r.methods) > 0 && !slices.ContainsFunc(r.methods, func(m string) bool { return !other.takes(m) })
}

// covers reports whether every path of another is one of this route's, as those
// see it who take letters in any case.
func (r *route) covers(other *route) bool {
	for i, segment := range r.segments {
		if i >= len(other.segments) || segment != "" && !strings.EqualFold(segment, other.segments[i]) {
			return false
		}
	}
	return r.rest || !other.rest && len(r.segments) == len(other.segments)
}

// overlaps reports whether some request is met by both.
func (r *route) overlaps(other *route) bool {
	if len(r.methods) > 0 && len(other.methods) > 0 && !slices.ContainsFunc(r.methods, other.takes) {
		return false
	}
	for i := range min(len(r.segments), len(other.segments)) {
		if a, b := r.segments[i], other.segments[i]; a != "" && b != "" && !strings.EqualFold(a, b) {
			return false
		}
	}
	return len(r.segments) == len(other.segments) || r.rest && len(r.segments) < len(other.segments) || other.rest && len(other.segments) < len(r.segments)
}

func (r *route) takes(method string) bool {
	return len(r.methods) == 0 || slices.Contains(r.methods, method)
}

func sameMethods(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m string) bool { return !slices.Contains(b, m) })
}
