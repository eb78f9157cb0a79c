package simulate

import (
	"strings"

	"github.com/riskd/riskd"
)

// kind is what sort of request one is, in the order of detection.md §3.1.
type kind uint8

const (
	reads kind = iota
	lists
	writes
	exports
	administers
	changes // of credentials
	kinds
	// Those that belong to signing in.
	opensDoor
	signsIn
	mistypes
	proves
	allKinds
)

// The mixes of requests: honest ones (the 6 % of administration are the
// administrators', others read), an attacker's, and an attacker's who imitates the
// victim but for 6 % of exports (detection.md §4.2, §3.1, §3.4; all assumed).
var (
	userMix   = [kinds]float64{0.70, 0.18, 0.11, 0.008, 0, 0.0015}
	adminMix  = [kinds]float64{0.64, 0.18, 0.11, 0.008, 0.06, 0.0015}
	attackMix = [kinds]float64{0.42, 0.32, 0.10, 0.09, 0.03, 0.04}
)

const mimicExports = 0.06

// route is one of the application's: a project tool with customers and invoices.
type route struct {
	method, path, action string
}

// The objects that a route's {id} stands for: each user has some that are his, the
// first of them more often, and now and then sees another (all assumed).
const (
	objects     = 20_000 // of each collection
	ownObjects  = 60
	otherObject = 0.1
)

// collections are what the objects of a route belong to, "" for those that name none.
var collections = func() (out [allKinds][]string) {
	for k := range routes {
		for _, r := range routes[k] {
			first := ""
			if strings.Contains(r.path, "{id}") {
				first = strings.SplitAfter(r.path, "/")[1]
			}
			out[k] = append(out[k], first)
		}
	}
	return out
}()

// object draws one of the user's for a request.
func (u *user) object(d *dice) uint32 {
	if d.chance(otherObject) {
		return uint32(d.below(objects))
	}
	return uint32(hash(uint64(u.number), uint64(d.zipf(ownObjects)), forHabit) % objects)
}

// routes by kind; each user has favourites among them.
var routes = [allKinds][]route{
	reads: {
		{"GET", "/projects/{id}", ""},
		{"GET", "/tasks/{id}", ""},
		{"GET", "/customers/{id}", ""},
		{"GET", "/invoices/{id}", ""},
		{"GET", "/documents/{id}", ""},
		{"GET", "/projects/{id}/activity", ""},
		{"GET", "/tasks/{id}/comments", ""},
		{"GET", "/people/{id}", ""},
		{"GET", "/dashboard", ""},
		{"GET", "/calendar", ""},
		{"GET", "/notifications", ""},
		{"GET", "/settings", ""},
	},
	lists: {
		{"GET", "/projects", ""},
		{"GET", "/tasks", ""},
		{"GET", "/customers", ""},
		{"GET", "/invoices", ""},
		{"GET", "/documents", ""},
		{"GET", "/people", ""},
		{"GET", "/search", ""},
		{"GET", "/projects/{id}/files", ""},
	},
	writes: {
		{"POST", "/tasks", ""},
		{"POST", "/tasks/{id}", ""},
		{"POST", "/tasks/{id}/comments", ""},
		{"POST", "/projects/{id}", ""},
		{"POST", "/invoices", ""},
		{"POST", "/documents", ""},
		{"POST", "/customers/{id}", ""},
		{"POST", "/calendar", ""},
	},
	exports: {
		{"GET", "/customers/export", "export"}, {"GET", "/invoices/export", "export"}, {"GET", "/projects/{id}/export", "export"}, {"GET", "/reports/{id}/download", "export"},
	},
	administers: {
		{"GET", "/admin/users", "list_users"},
		{"POST", "/admin/users/{id}/roles", "grant_role"},
		{"GET", "/admin/audit", "read_audit"},
		{"POST", "/admin/settings", "change_settings"},
		{"POST", "/admin/users", "create_user"},
		{"POST", "/admin/integrations", "add_integration"},
	},
	changes: {
		{"POST", "/account/tokens", "change_credentials"},
		{"POST", "/account/email", "change_credentials"},
		{"POST", "/account/mfa", "change_credentials"},
		{"POST", "/account/password", "change_credentials"},
	},
	opensDoor: {{"GET", "/login", ""}},
	signsIn:   {{"POST", "/login", ""}},
	mistypes:  {{"POST", "/login", ""}},
	proves:    {{"POST", "/login/confirm", ""}},
}

// Which changes of credentials an identity provider tells of.
const (
	mfaRoute      = 2
	passwordRoute = 3
)

// gravity is how much harm requests of a kind can do.
var gravity = [allKinds]struct {
	class riskd.Class
	level int
	bytes float64 // median of a lognormal distribution (assumed)
	sigma float64
}{
	reads:       {riskd.ClassStandard, 0, 8e3, 1.0},
	lists:       {riskd.ClassStandard, 0, 2e4, 0.9},
	writes:      {riskd.ClassStandard, 0, 1.5e3, 0.6},
	exports:     {riskd.ClassSensitive, 3, 4e5, 1.2},
	administers: {riskd.ClassAdmin, 5, 1e4, 0.9},
	changes:     {riskd.ClassSensitive, 3, 700, 0.3},
	opensDoor:   {riskd.ClassOpen, 0, 1.2e4, 0.1},
	signsIn:     {riskd.ClassStandard, 0, 900, 0.2},
	mistypes:    {riskd.ClassStandard, 0, 1.3e3, 0.1},
	proves:      {riskd.ClassStandard, 0, 900, 0.2},
}

// The shares of honest requests that fail (denied by detection.md §4.2).
const (
	deniedShare  = 0.004
	missingShare = 0.006
	brokenShare  = 0.001
)

// status draws an answer's.
func (k kind) status(d *dice) int {
	switch x := d.float(); {
	case x < deniedShare:
		return 403
	case x < deniedShare+missingShare:
		return 404
	case x < deniedShare+missingShare+brokenShare:
		return 500
	}
	return k.success()
}

func (k kind) success() int {
	switch k {
	case writes:
		return 201
	case mistypes:
		return 401
	}
	return 200
}
