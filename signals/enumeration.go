package signals

import (
	"math"
	mathbits "math/bits"
	"net/http"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "enumeration",
		Doc:   "How much the session looks around: how many routes, and objects that routes name, it asks for within five minutes, and what share of its requests is refused. Both are compared with the session's own habit. Requests of class open and background activity don't count, and of the calls that one page makes at once a quarter does. Missing: route. Where the gateway tells no status, the share is not known and the breadth is measured all the same.",
		Value: "routes or objects in the present window over what is usual for the session, whichever is more; 1 is as usual",
		Details: []riskd.Detail{
			{Name: "routes", Doc: "routes that the session has asked for in the window of up to five minutes, estimated, 0 to 242"},
			{Name: "objects", Doc: "objects that it has asked for in the window, estimated, 0 to 242; those of which the gateway tells"},
			{Name: "refused_share", Doc: "share of the last requests, some seven, that were answered 401, 403 or 404, 0 to 1; -1 while no status is known"},
			{Name: "status", Doc: "HTTP status of the answer; 0 when not known"},
		},
		Memory: true,
	}, measureEnumeration)
}

// The shape of the measure (all assumed, held by the tests to what it is for:
// docs/detection.md). usualRoutes and usualObjects are where each session's habit
// begins, and its least: an object each five seconds for five minutes, none of
// them twice.
const (
	breadthWindow = 300 // seconds
	usualRoutes   = 20
	usualObjects  = 60
	breadthFollow = 0.25 // of the way that the habit goes to a window's breadth
	breadthLearns = 2    // times the habit, up to where it does
	breadthNats   = 3    // at e times the habit
	breadthMost   = 4    // nats a window
	breadthTotal  = 8    // nats a session
	// A refusal alone is a mistake. 403 is counted, and privilege_use weighs it.
	refusedFollow = 0.15
	refusedShare  = 0.3
	refusedAfter  = 4 // answers
	refusedNats   = 0.7
	refusedMost   = 7 // times a session
)

// What enumeration keeps in its cell.
const (
	routesSeen = iota // sketches of the present window: see sketchBits
	objectsSeen
	windowSince // Unix seconds
	breadthState
)

// breadth is what enumeration packs into one number. Nats are in tenths.
type breadth struct {
	routes, objects int // usual for the session
	window, total   int // nats given in the window, in the session
	answers         int // statuses seen, up to refusedAfter
	share           int // of refusals, in shareUnits
	weighed         int // refusals that were evidence
}

const shareUnits = 1000

func readBreadth(x float64) breadth {
	p := unpack(x)
	b := breadth{
		routes: p.take(8), objects: p.take(8), window: p.take(6), total: p.take(7),
		answers: p.take(3), share: p.take(10), weighed: p.take(3),
	}
	b.routes, b.objects = max(b.routes, usualRoutes), max(b.objects, usualObjects)
	return b
}

func (b *breadth) float() float64 {
	var p packed
	p.put(b.routes, 8)
	p.put(b.objects, 8)
	p.put(b.window, 6)
	p.put(b.total, 7)
	p.put(b.answers, 3)
	p.put(b.share, 10)
	p.put(b.weighed, 3)
	return p.float()
}

func measureEnumeration(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	r := &in.Event.Request
	if r.Route == "" {
		return riskd.NotEvaluableFor("route"), cell
	}
	b, nats := readBreadth(cell[breadthState]), 0.0
	if r.Class != riskd.ClassOpen && r.Activity != riskd.Background {
		clump := !in.First && in.Gap.Seconds() < clumpGap
		b.turn(in, &cell)
		fresh := sketch(&cell[routesSeen], fnv(r.Route), clump)
		if r.Object != 0 {
			fresh = sketch(&cell[objectsSeen], r.Object, clump) || fresh
		}
		nats = b.grown(&cell)
		if r.Status != 0 && !clump {
			nats += b.answered(r.Status, fresh)
		}
	}
	cell[breadthState] = b.float()
	share := -1.0
	if b.answers > 0 {
		share = float64(b.share) / shareUnits
	}
	return measured(b.ratio(&cell), nats, details{
		number(estimate(cell[routesSeen])), number(estimate(cell[objectsSeen])), number(share), number(float64(r.Status)),
	}), cell
}

// turn begins a new window when the present one is over; the habit follows what
// was usual in it.
func (b *breadth) turn(in *Input, cell *riskd.Cell) {
	now := unixSeconds(in.Now)
	if now-cell[windowSince] < breadthWindow {
		return
	}
	b.routes = follow(b.routes, estimate(cell[routesSeen]), usualRoutes)
	b.objects = follow(b.objects, estimate(cell[objectsSeen]), usualObjects)
	b.window = 0
	cell[routesSeen], cell[objectsSeen], cell[windowSince] = 0, 0, now
}

func follow(usual int, seen float64, least int) int {
	habit := float64(usual)
	if seen <= breadthLearns*habit {
		habit += breadthFollow * (seen - habit)
	}
	return max(least, int(math.Ceil(habit)))
}

func (b *breadth) ratio(cell *riskd.Cell) float64 {
	return max(estimate(cell[routesSeen])/float64(b.routes), estimate(cell[objectsSeen])/float64(b.objects))
}

// grown is what the breadth says that it hasn't said in this window.
func (b *breadth) grown(cell *riskd.Cell) float64 {
	ratio := b.ratio(cell)
	if ratio <= 1 {
		return 0
	}
	all := int(10 * min(breadthNats*math.Log(ratio), breadthMost))
	more := max(0, min(all-b.window, 10*breadthTotal-b.total))
	b.window += more
	b.total += more
	return float64(more) / 10
}

// answered weighs a status; fresh says that the session asks for this for the first
// time in the window. A dead link that a page asks for again and again looks for
// nothing.
func (b *breadth) answered(status int, fresh bool) float64 {
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound
	share := float64(b.share) * (1 - refusedFollow)
	if refused {
		share += refusedFollow * shareUnits
	}
	b.share = int(math.Round(share))
	b.answers = min(b.answers+1, refusedAfter)
	many := b.answers >= refusedAfter && share >= refusedShare*shareUnits
	if !many || !refused || !fresh || status == http.StatusForbidden || b.weighed >= refusedMost {
		return 0
	}
	b.weighed++
	return refusedNats
}

// sketchBits are those of a sketch that counts different things by linear counting
// (Whang et al. 1990): each sets one, and those still clear tell how many there
// were, to about 15 % up to a hundred.
const sketchBits = 52

// sketch takes a thing in, of those that a page asks for at once a quarter, and
// reports whether it is new as far as the sketch can tell.
func sketch(into *float64, h uint64, clump bool) bool {
	h = uint64(mark(h))
	if clump && h>>32&3 != 0 {
		return false
	}
	before := uint64(*into)
	after := before | 1<<(h%sketchBits)
	*into = float64(after)
	return after != before
}

func estimate(sketch float64) float64 {
	clear := sketchBits - mathbits.OnesCount64(uint64(sketch))
	return sketchBits * math.Log(sketchBits/max(float64(clear), 0.5))
}
