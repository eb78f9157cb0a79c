package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/riskd/riskd"
)

// Callers says who sends a request; a callers.Callers does. Both fail with
// [riskd.ErrUnknownCaller].
type Callers interface {
	// HTTP says who sends a request of its own.
	HTTP(r *http.Request) (*riskd.Caller, error)
	// ForwardAuth says who asks about a request of a client's, which shows whatever
	// the client likes.
	ForwardAuth(r *http.Request) (*riskd.Caller, error)
}

// access is who may use a route: callers of one of the roles, and those that stand
// for one. The zero access lets in nobody but admins.
type access struct {
	roles []riskd.Role
	// open lets in whoever can reach the listener, known or not.
	open bool
	// spans says that the route is about more than one tenant, so that callers which
	// are bound to one can't use it.
	spans bool
}

// Who uses routes.
var (
	anybody   = access{open: true}
	anyCaller = access{roles: []riskd.Role{riskd.RoleGateway, riskd.RoleIngest, riskd.RoleAnalyst, riskd.RoleOperator, riskd.RoleAdmin}}
	gateways  = access{roles: []riskd.Role{riskd.RoleGateway}}
	tellers   = access{roles: []riskd.Role{riskd.RoleGateway, riskd.RoleIngest}}
	providers = access{roles: []riskd.Role{riskd.RoleIngest, riskd.RoleOperator}}
	analysts  = access{roles: []riskd.Role{riskd.RoleAnalyst}}
	operators = access{roles: []riskd.Role{riskd.RoleOperator}}
	admins    = access{roles: []riskd.Role{riskd.RoleAdmin}}
)

// ofAll is the access to something that tenants share.
func ofAll(who access) access { who.spans = true; return who }

// admits reports whether a caller may use the route.
func (s *access) admits(c *riskd.Caller) bool {
	return s.open || c.Role.May(s.roles...) && !(s.spans && c.Bound)
}

// holders are the roles that may use the route.
func (s *access) holders() (roles []riskd.Role) {
	for role := riskd.RoleGateway; role <= riskd.RoleAdmin; role++ {
		if s.admits(&riskd.Caller{Role: role}) {
			roles = append(roles, role)
		}
	}
	return roles
}

// admit lets in those who may use a route. Without Callers nobody is asked: then
// riskd listens where nobody but its own machine can reach it.
func (a *API) admit(rt *route) handler {
	if a.Callers == nil || rt.access.open {
		return rt.handle
	}
	return func(w http.ResponseWriter, r *http.Request) int {
		c, err := a.Callers.HTTP(r)
		if err != nil {
			w.Header()["Www-Authenticate"] = bearerRealm
			return write(w, http.StatusUnauthorized, problemType, unauthorized)
		}
		if !rt.access.admits(c) {
			return writeProblem(w, rt.access.refusal(c))
		}
		return rt.handle(w, withCaller(r, c))
	}
}

var bearerRealm = []string{`Bearer realm="riskd"`}

// unauthorized is the same for whoever isn't known, and whyever.
var unauthorized = marshal(blank(http.StatusUnauthorized,
	"riskd doesn't know the caller: show the token or the client certificate of one of its callers, or come as their user through its socket"))

func (s *access) refusal(c *riskd.Caller) *problem {
	if s.spans && c.Bound {
		return forbidden("this is shared by all tenants, and the caller is bound to one")
	}
	var names []string
	for _, role := range s.holders() {
		names = append(names, role.String())
	}
	slices.Sort(names)
	return forbidden("this takes a caller whose role is one of " + strings.Join(names, ", "))
}

type callerKey struct{}

func withCaller(r *http.Request, c *riskd.Caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// local is who calls where nobody is asked.
var local = riskd.Caller{Name: "local", Role: riskd.RoleAdmin}

// callerIn gives who is calling.
func callerIn(ctx context.Context) *riskd.Caller {
	if c, ok := ctx.Value(callerKey{}).(*riskd.Caller); ok {
		return c
	}
	return &local
}

func callerOf(r *http.Request) *riskd.Caller { return callerIn(r.Context()) }

// errForeignTenant is the fault of a document that names a tenant which isn't the
// caller's own.
var errForeignTenant = &riskd.FieldError{Path: "tenant", Detail: "is not the one that the caller is bound to: leave it out"}

// ownTenant gives the tenant that a caller means by a name.
func ownTenant(c *riskd.Caller, named string) (string, error) {
	tenant, ok := c.Means(named)
	if !ok {
		return "", errForeignTenant
	}
	return tenant, nil
}

// sees reports whether a session is there for a caller. To one that is bound, a
// session that riskd doesn't know could be anybody's.
func (a *API) sees(c *riskd.Caller, id riskd.SessionID) bool {
	if !c.Bound {
		return true
	}
	s, ok := a.Sessions.Session(id)
	return ok && c.Sees(s.Tenant)
}

// signed is who did something: what a caller says of who made it do that, and, where
// callers are known, the caller itself, which nobody can choose.
func signed(c *riskd.Caller, actor string) string {
	switch {
	case c == &local || actor == c.Name:
		return actor
	case actor == "":
		return c.Name
	}
	return actor + " (via " + c.Name + ")"
}
