package signals_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

func TestCatalogueIsInOrder(t *testing.T) {
	t.Parallel()
	all, described := signals.All(), signals.Descriptions()
	if !slices.IsSortedFunc(all, func(a, b signals.Signal) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	cell := 0
	for i := range all {
		if described[i].Name != all[i].Name {
			t.Errorf("place %d: described as %s, is %s", i, described[i].Name, all[i].Name)
		}
		if all[i].Memory != (all[i].Cell >= 0) {
			t.Errorf("%s: memory %v, cell %d", all[i].Name, all[i].Memory, all[i].Cell)
		}
		if all[i].Memory {
			if all[i].Cell != cell {
				t.Errorf("%s: cell %d, want %d", all[i].Name, all[i].Cell, cell)
			}
			cell++
		}
	}
	if cell != signals.Cells() {
		t.Errorf("Cells() is %d, there are %d", signals.Cells(), cell)
	}
	all[0].Name = "changed"
	if signals.All()[0].Name == "changed" {
		t.Error("a caller can change the catalogue")
	}
}

// Whatever happens, readings hold finite numbers, and say what is missing
// exactly when they aren't measured.
func TestReadingsAreFinite(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		w := newWalk(t)
		r := rand.New(rand.NewPCG(seed, 1))
		for range 60 {
			stumble(w, r)
			for _, s := range signals.All() {
				checkFinite(t, &s, s.Measure(&w.Input))
			}
			for i, c := range w.Session.Cells {
				for _, x := range c {
					if math.IsNaN(x) || math.IsInf(x, 0) {
						t.Fatalf("seed %d: cell %d holds %v", seed, i, c)
					}
				}
			}
			w.goOn(time.Duration(r.Int64N(int64(math.Pow(10, float64(r.IntN(18)))))))
		}
	}
}

func checkFinite(t *testing.T, s *signals.Signal, r riskd.Reading) {
	t.Helper()
	if (r.State == riskd.NotEvaluable) != (r.Missing != "") || r.State == riskd.Unread {
		t.Fatalf("%s: state %d, missing %q", s.Name, r.State, r.Missing)
	}
	numbers := []float64{r.Value, r.Nats}
	for _, d := range r.Details {
		numbers = append(numbers, d.Number)
	}
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("%s: reads %+v", s.Name, r)
		}
	}
	for i, d := range r.Details {
		text := i < len(s.Details) && s.Details[i].Kind == riskd.Text
		if !text && d.Text != "" || (text || i >= len(s.Details)) && d.Number != 0 {
			t.Fatalf("%s: detail %d is %+v, against its description", s.Name, i, d)
		}
	}
}

// stumble makes the next event one of everything that can come.
func stumble(w *walk, r *rand.Rand) {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	e := w.Event
	e.Client.IP = netip.AddrFrom4([4]byte{198, 51, byte(r.IntN(4)), 1})
	e.Place = riskd.Place{
		Country: pick("", "FR", "US", "NO", "xx"), Located: r.IntN(3) > 0, Lat: r.Float64()*180 - 90, Lon: r.Float64()*360 - 180,
		RadiusKM: float64(r.IntN(300)), ASN: uint32(r.IntN(4)), Network: riskd.NetworkKind(r.IntN(9)), Build: int64(r.IntN(2)),
	}
	if r.IntN(10) == 0 {
		e.Place.Lat, e.Place.Lon = pick2(r, math.NaN(), math.Inf(1)), 0
	}
	w.device(pick("", "a", "b"), pick("", "x", "y"))
	w.agent(pick("", chrome145, chrome146, firefox, "curl/8.5.0", "/", "\xff\xfe"))
	e.User.ID = pick("", "ana")
	e.Privilege.Level = r.IntN(11)
	e.Request.Class = riskd.Class(r.IntN(4))
	e.Request.Status = r.IntN(2) * (401 + r.IntN(4))
	e.Client.JA4 = pick("", "t", chromeTLS, chromeResumed, chromeQUIC, goTLS)
	e.Session.ACR, e.Session.AMR = pick("", "aal1", "phr", "\xff"), []string{pick("pwd", "hwk", "?")}[:r.IntN(2)]
	e.Request.Object = r.Uint64N(3) * r.Uint64()
	w.asks(pick("", "GET", "POST"), pick("", "/", "/a/{id}"))
	e.Session.AuthTime = w.Now.Add(time.Duration(r.IntN(7200)-3600) * time.Second)
	e.Session.Binding = riskd.Binding{Type: pick("", "dpop", "mtls"), Thumbprint: pick("", "k", "l"), Verified: r.IntN(2) == 0}
	w.Session.StepUp = []*riskd.StepUp{nil, {}}[r.IntN(2)]
	if r.IntN(8) == 0 {
		w.trusts(pick("a", "b"), time.Duration(r.Int64N(int64(24*time.Hour))))
	}
	w.Profile.Sessions = uint32(r.IntN(5))
	w.Profile.Requests, w.Profile.Privileged = uint32(r.IntN(100)), uint32(r.IntN(100))
	if r.IntN(8) == 0 {
		w.Now = w.Now.Add(-time.Hour) // late
	}
	if r.IntN(4) == 0 {
		w.Session.Anchor.At = w.Now
	}
	stumbleAmongOthers(w, r)
}

func pick2(r *rand.Rand, a, b float64) float64 {
	if r.IntN(2) == 0 {
		return a
	}
	return b
}

// The longer the gap, the less a change within a session says.
func TestNoveltyFadesWithTheGap(t *testing.T) {
	t.Parallel()
	elsewhere := home.ip6("192.0.200.1")
	for name, to := range map[string]spot{"new_country": york, "new_network": york, "ip_change": elsewhere} {
		last := math.Inf(1)
		for gap := time.Duration(0); gap < 60*24*time.Hour; gap = gap*5/4 + time.Second {
			f := newWalk(t).from(to).after(gap).read(name)
			if f.Nats > last || f.Nats < 0 {
				t.Fatalf("%s: %v nats after %v, %v before", name, f.Nats, gap, last)
			}
			last = f.Nats
		}
		if last > 1.3 {
			t.Errorf("%s: still %v nats after two months", name, last)
		}
	}
}

func TestMeasuringAllocatesNothing(t *testing.T) {
	w, all := newWalk(t).trusts("other", time.Hour), signals.All()
	w.from(york).device("other", "other-print-with-more-than-thirty-two-bytes").agent(firefox)
	allocs := testing.AllocsPerRun(100, func() {
		for i := range all {
			all[i].Measure(&w.Input)
		}
		signals.ParseAgent(w.Event.Client.UserAgent)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkMeasure(b *testing.B) {
	for name, to := range map[string]spot{"quiet": home, "moved": york} {
		b.Run(name, func(b *testing.B) {
			w, all := newWalk(new(testing.T)), signals.All()
			w.from(to)
			b.ReportAllocs()
			for b.Loop() {
				for i := range all {
					reading = all[i].Measure(&w.Input)
				}
			}
		})
	}
}

var reading riskd.Reading

func BenchmarkParseAgent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		agent = signals.ParseAgent(chrome145)
	}
}

var agent riskd.Agent
