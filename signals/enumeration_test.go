package signals_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// look plays a request and gives what enumeration makes of it.
func (w *walk) look(gap time.Duration, route string, status int) fact {
	w.Now, w.Gap = w.Now.Add(gap), gap
	w.Event.Request.Status = status
	f := w.asks("GET", route).read("enumeration")
	w.Session.SeenAt, w.First = w.Now, false
	return f
}

func page(i int) string { return fmt.Sprintf("/page/%d", i) }

// Breadth is counted well enough to tell twenty from forty.
func TestEnumerationCountsRoutes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 5, 10, 20, 40, 80} {
		w := newWalk(t)
		var f fact
		for i := range 3 * n {
			f = w.look(time.Second, page(i%n), 200)
		}
		if got := f.numbers["routes"]; got < 0.75*float64(n) || got > 1.3*float64(n) {
			t.Errorf("%d routes are estimated as %v", n, got)
		}
		if got := f.Value; !near(got, f.numbers["routes"]/20) {
			t.Errorf("%d routes: value %v", n, got)
		}
	}
}

// A walk through everything that there is says more with each step, up to its
// bounds; the next window begins anew.
func TestEnumerationOfRoutes(t *testing.T) {
	t.Parallel()
	w, total, last := newWalk(t), 0.0, 0.0
	for i := range 60 {
		f := w.look(2*time.Second, page(i), 200)
		total += f.Nats
		if f.Value < last || f.Nats < 0 {
			t.Fatalf("route %d: value %v after %v, %v nats", i, f.Value, last, f.Nats)
		}
		last = f.Value
		if i == 12 && total != 0 {
			t.Errorf("a dozen routes come to %v nats", total)
		}
	}
	if total < 2 || total > 4 {
		t.Errorf("60 routes in two minutes come to %v nats", total)
	}
	for i := range 1000 {
		total += w.look(2*time.Second, page(i), 200).Nats
	}
	if !near(total, 8) {
		t.Errorf("a walk for half an hour comes to %v nats", total)
	}
}

// Objects are counted apart: a scraper of one route's is seen, and somebody who
// reads the same forty isn't.
func TestEnumerationOfObjects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		objects     int
		least, most float64
	}{"forty": {40, 0, 0}, "three hundred": {300, 3, 4}} {
		w, total := newWalk(t), 0.0
		var f fact
		for i := range 290 {
			w.Event.Request.Object = uint64(1 + i%c.objects)
			f = w.look(time.Second, "/customers/{id}", 200)
			total += f.Nats
		}
		if total < c.least || total > c.most || f.numbers["routes"] > 2 {
			t.Errorf("%s objects come to %v nats: %v", name, total, f.numbers)
		}
	}
}

// Of the calls of one page a quarter counts.
func TestEnumerationOfAPage(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	var f fact
	for i := range 60 {
		w.Event.Request.Object = uint64(1 + i)
		f = w.look(20*time.Millisecond, "/widgets/{id}", 200)
	}
	if got := f.numbers["objects"]; got < 6 || got > 25 {
		t.Errorf("sixty widgets at once count as %v", got)
	}
}

// Things that aren't there are looked for by id as well.
func TestEnumerationRefusedByObject(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t), 0.0
	for i := range 15 {
		w.Event.Request.Object = uint64(1 + i)
		total += w.look(4*time.Second, "/invoices/{id}", 404).Nats
	}
	if !near(total, 4.9) {
		t.Errorf("comes to %v nats", total)
	}
}

// Whoever uses much is in the habit of it after some windows.
func TestEnumerationLearnsTheHabit(t *testing.T) {
	t.Parallel()
	w, first, last := newWalk(t), 0.0, 0.0
	for window := range 12 {
		nats := 0.0
		for i := range 30 {
			nats += w.look(10*time.Second, page(i), 200).Nats
		}
		if window == 0 {
			first = nats
		}
		last = nats
	}
	if first == 0 || last != 0 {
		t.Errorf("30 routes come to %v nats at first and %v in the end", first, last)
	}
}

// Refusals are evidence where they come in numbers and for other things each.
func TestEnumerationRefused(t *testing.T) {
	t.Parallel()
	statuses := func(all ...int) []int { return all }
	for name, c := range map[string]struct {
		status []int
		same   bool // asks for the same thing
		nats   float64
		share  float64
	}{
		"nothing there":             {statuses(404, 404, 404, 404, 404, 404), false, 2.1, 0.623},
		"for long":                  {statuses(404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404), false, 4.9, 0.913},
		"not signed in":             {statuses(200, 401, 401, 401, 401), false, 1.4, 0.478},
		"forbidden":                 {statuses(403, 403, 403, 403, 403, 403), false, 0, 0.623},
		"forbidden, and not there":  {statuses(403, 403, 403, 403, 404), false, 0.7, 0.556},
		"a dead link":               {statuses(404, 404, 404, 404, 404, 404, 404), true, 0, 0.679},
		"a token that has run out":  {statuses(200, 200, 200, 200, 401, 401, 200, 200, 200), false, 0, 0.170},
		"a broken link or two":      {statuses(200, 200, 404, 200, 200, 200, 404, 200), false, 0, 0.195},
		"as it should be":           {statuses(200, 204, 304, 200, 302, 200), false, 0, 0},
		"no status is known":        {statuses(0, 0, 0, 0, 0, 0), false, 0, -1},
		"one in two without status": {statuses(0, 404, 0, 404, 0, 404, 0, 404, 0, 404), false, 1.4, 0.556},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, total := newWalk(t), 0.0
			var f fact
			for i, status := range c.status {
				route := page(i)
				if c.same {
					route = page(0)
				}
				f = w.look(5*time.Second, route, status)
				total += f.Nats
			}
			if !near(total, c.nats) || f.numbers["refused_share"] < c.share-2e-3 || f.numbers["refused_share"] > c.share+2e-3 {
				t.Errorf("%v nats, share %v; want %v, %v", total, f.numbers["refused_share"], c.nats, c.share)
			}
			if f.State != riskd.Measured || f.numbers["routes"] == 0 {
				t.Errorf("the breadth isn't measured: %+v", f.Reading)
			}
		})
	}
}

// A page whose token has run out is refused many times at once.
func TestEnumerationRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t), 0.0
	for i := range 30 {
		total += w.look(20*time.Millisecond, page(i), 401).Nats
	}
	if f := w.look(time.Second, page(0), 200); total != 0 || f.numbers["refused_share"] != 0 {
		t.Errorf("comes to %v nats, share %v", total, f.numbers["refused_share"])
	}
}

// The same object under another route is something new.
func TestEnumerationRefusedByRoute(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t), 0.0
	w.Event.Request.Object = 7
	for i := range 15 {
		total += w.look(4*time.Second, page(i), 404).Nats
	}
	if !near(total, 4.9) {
		t.Errorf("comes to %v nats", total)
	}
}

func TestEnumerationLeavesOut(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*riskd.Request){
		"assets":     func(r *riskd.Request) { r.Class = riskd.ClassOpen },
		"background": func(r *riskd.Request) { r.Activity = riskd.Background },
	} {
		w := newWalk(t)
		change(&w.Event.Request)
		for i := range 100 {
			if f := w.look(time.Second, page(i), 404); f.Nats != 0 || f.Value != 0 || f.numbers["refused_share"] != -1 {
				t.Fatalf("%s: %+v", name, f.Reading)
			}
		}
	}
	wantMissing(t, newWalk(t).look(time.Second, "", 404), "route")
}

// A working day: a list, a thing on it, back, another; a dashboard of fifty calls
// now and then, some links that are dead. It comes to nothing.
func TestEnumerationOnAnOrdinaryDay(t *testing.T) {
	t.Parallel()
	w, r, total := newWalk(t), rand.New(rand.NewPCG(5, 6)), 0.0
	for i := range 2000 {
		status := 200
		if r.IntN(50) == 0 {
			status = 404
		}
		total += w.look(time.Duration(r.IntN(20))*time.Second, page(r.IntN(12)), status).Nats
		if i%40 == 0 {
			for call := range 50 {
				total += w.look(20*time.Millisecond, fmt.Sprintf("/widgets/%d", call), 200).Nats
			}
		}
	}
	if total != 0 {
		t.Errorf("comes to %v nats", total)
	}
}
