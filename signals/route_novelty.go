package signals

import "github.com/riskd/riskd"

func init() {
	add(riskd.Signal{
		Name:  "route_novelty",
		Doc:   "How many routes the session asks for that its user has never asked for: somebody who looks around in a house that he doesn't know. Each counts once a session, and requests for what is usual take it back. Requests of class open don't count. Not evaluable without a route (missing: route) and for a user without history (history).",
		Value: "share of the session's last forty requests or so that were for a route new to the user, 0 to 1",
		Details: []riskd.Detail{
			{Name: "route", Kind: riskd.Text, Doc: "the request's route, a template"},
			{Name: "new", Doc: "1 if the user has never asked for it and the session hadn't either, else 0"},
			{Name: "sum", Doc: "nats that the session's new routes have added up to, fading by half in 8 minutes, 0 to 2"},
		},
		Memory: true,
	}, measureRouteNovelty)
}

// Of a thief's requests one in five is for a route that is new to the victim, of
// the victim's own one in eight at most: applications are larger than the habits of
// any one user, and get new parts that are new to everybody. So little is said by
// each, and in all (assumed).
const (
	newRouteNats   = 0.45 // ln(0.20/0.125)
	knownRouteNats = -0.1 // ln(0.80/0.875)
	newRoutesMost  = 2
	routesWindow   = 40 // requests over which the share is averaged
)

// What route_novelty keeps in its cell: the sum, the share, and in two numbers
// which new routes were counted.
const (
	routesSum = iota
	routesShare
	routesMarks
)

func measureRouteNovelty(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p, r := in.Profile, &in.Event.Request
	cell[routesSum] = in.left(cell[routesSum])
	switch {
	case r.Route == "":
		return riskd.NotEvaluableFor("route"), cell
	case p.Young() || p.Routes.Empty():
		return riskd.NotEvaluableFor("history"), cell
	case r.Class == riskd.ClassOpen:
		return measured(cell[routesShare], 0, details{text(r.Route), number(0), number(cell[routesSum])}), cell
	}
	x, fresh := knownRouteNats, 0.0
	if !p.Routes.Knows(r.Route) {
		x = 0
		if markOnce(cell[routesMarks:], r.Route) {
			x, fresh = newRouteNats, 1
		}
	}
	cell[routesShare] += (fresh - cell[routesShare]) / routesWindow
	var news float64
	cell[routesSum], news = cusum(cell[routesSum], x, newRoutesMost)
	return measured(cell[routesShare], news, details{text(r.Route), number(fresh), number(cell[routesSum])}), cell
}
