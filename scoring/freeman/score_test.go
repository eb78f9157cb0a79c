package freeman_test

import (
	"math"
	"testing"

	"github.com/riskd/riskd/scoring/freeman"
)

// login is a line of a small log.
type login struct {
	user   string
	values []string
}

// small has one feature with two levels and weights that are easy to reckon with.
var small = []freeman.Feature{{Name: "ip", Levels: []freeman.Level{{Name: "address", Weight: 0.6}, {Name: "asn", Weight: 0.4}}}}

func newModel(t *testing.T, o freeman.Options, log ...login) *freeman.Model {
	t.Helper()
	m, err := freeman.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range log {
		m.Learn(l.user, l.values)
	}
	return m
}

// smallLog is: ann three times, twice from a1 in n1 and once from a2 in n2; bob once,
// from b1 in n1. So N = 4, U = 2, c(a1) = 2, c(a2) = c(b1) = 1, c(n1) = 3, c(n2) = 1.
var smallLog = []login{
	{"ann", []string{"a1", "n1"}},
	{"ann", []string{"a1", "n1"}},
	{"bob", []string{"b1", "n1"}},
	{"ann", []string{"a2", "n2"}},
}

// S is reckoned by hand, in fractions.
func TestScoreByHand(t *testing.T) {
	t.Parallel()
	m := newModel(t, freeman.Options{Features: small}, smallLog...)
	for name, c := range map[string]struct {
		user   string
		values []string
		s      float64
	}{
		// p(x): M = 1 + 2 networks = 3; n = 2 logins from a1, under it m = 1 + 1 network;
		//   0.6·2/(4+3)·2/(2+2) + 0.4·3/4 = 3/35 + 3/10 = 27/70.
		// p(x|ann) = 0.6·2/3 + 0.4·2/3 = 2/3.
		// S = (27/70)/(2/3) · (1/2)/(3/4) = 81/140 · 2/3 = 27/70.
		"where she always is": {"ann", []string{"a1", "n1"}, 27.0 / 70},
		// p(x): n = 1, m = 2: 0.6·1/7·1/3 + 0.4·3/4 = 1/35 + 3/10 = 23/70.
		// p(x|bob) = 0 + 0.4·1/1 = 2/5.
		// S = (23/70)/(2/5) · (1/2)/(1/4) = 23/28 · 2 = 23/14.
		"a new address in his network": {"bob", []string{"a2", "n1"}, 23.0 / 14},
		// p(x): n = 1, m = 2: 0.6·1/7·1/3 + 0.4·1/4 = 1/35 + 1/10 = 9/70.
		// p(x|bob) = 0, so p(x)/4. S = 4 · (1/2)/(1/4) = 8.
		"another user's place": {"bob", []string{"a2", "n2"}, 8},
		// p(x) = 0.6/(4+3) + 0, whatever it is: p(x|bob) is a quarter of it. S = 8.
		"a place nobody has been": {"bob", []string{"a9", "n9"}, 8},
		// p(x) = 0.6/7 + 0.4·1/4 = 13/70; p(x|ann) = 0.4·1/3 = 2/15.
		// S = (13/70)/(2/15) · 2/3 = 39/28 · 2/3 = 13/14.
		"a new address in a network she knows": {"ann", []string{"a9", "n2"}, 13.0 / 14},
	} {
		lnS, scored := m.Score(c.user, c.values)
		if !scored || math.Abs(lnS-math.Log(c.s)) > 1e-12 {
			t.Errorf("%s: S is %v, want %v", name, math.Exp(lnS), c.s)
		}
	}
}

// Of an address that has been in two networks more may be to come than of one that was
// always in the same.
func TestAddressInTwoNetworks(t *testing.T) {
	t.Parallel()
	m := newModel(
		t, freeman.Options{Features: small},
		login{"ann", []string{"a1", "n1"}}, login{"ann", []string{"a1", "n2"}}, login{"bob", []string{"b1", "n1"}},
	)
	// p(x): M = 1 + 2 networks = 3; n = 2 logins from a1, under it m = 1 + 2 networks:
	//   0.6·2/(3+3)·2/(2+3) + 0.4·2/3 = 2/25 + 4/15 = 26/75.
	// p(x|ann) = 0.6·2/2 + 0.4·1/2 = 4/5. S = (26/75)/(4/5) · (1/2)/(2/3) = 13/30 · 3/4 = 13/40.
	lnS, scored := m.Score("ann", []string{"a1", "n1"})
	if !scored || math.Abs(lnS-math.Log(13.0/40)) > 1e-12 {
		t.Errorf("S is %v, want 13/40", math.Exp(lnS))
	}
}

// Two features multiply, each with M and m of its own levels.
func TestFeaturesMultiply(t *testing.T) {
	t.Parallel()
	m := newModel(
		t, freeman.Options{},
		login{"u", []string{"a", "n", "c", "x", "b1", "o", "d"}},
		login{"u", []string{"a", "n", "c", "y", "b2", "o", "d"}},
		login{"v", []string{"e", "n", "c", "x", "b1", "o", "d"}},
	)
	// u from a with y: N = 3, U = 2, N_u = 2.
	// ip: M = 1+1+1 = 3, n = 2, m = 1+1+1 = 3:
	//   p(x) = 0.6·2/6·2/5 + 0.3·3/3 + 0.1·3/3 = 0.08 + 0.4 = 0.48; p(x|u) = 1.
	// user agent, weights w1..w4: M = 1+2+1+1 = 5, n = 1, m = 1+1+1+1 = 4:
	//   p(x) = w1·1/8·1/5 + w2·1/3 + w3 + w4; p(x|u) = w1/2 + w2/2 + w3 + w4.
	// S = 0.48 · p(x)/p(x|u) · (1/2)/(2/3).
	const w1, w2, w34 = 0.5386653840551359, 0.2680451498625666, 0.18818295100109536 + 0.0051065150812021525
	want := 0.48 * (w1/40 + w2/3 + w34) / (w1/2 + w2/2 + w34) * 0.75
	lnS, scored := m.Score("u", []string{"a", "n", "c", "y", "b2", "o", "d"})
	if !scored || math.Abs(lnS-math.Log(want)) > 1e-12 {
		t.Errorf("S is %v, want %v", math.Exp(lnS), want)
	}
}

func TestSmoothedByHand(t *testing.T) {
	t.Parallel()
	m := newModel(t, freeman.Options{Features: small}, smallLog...)
	wide := newModel(t, freeman.Options{Features: small, Prior: 3}, smallLog...)
	for name, c := range map[string]struct {
		model  *freeman.Model
		user   string
		values []string
		ratio  float64 // of p(x) to p(x|user), over both levels
	}{
		// p(a1) = 3/5, p(a1|ann) = (2 + 3/5)/4 = 13/20; p(n1) = 4/5, p(n1|ann) = (2 + 4/5)/4 = 7/10.
		// (3/5)/(13/20) · (4/5)/(7/10) = 12/13 · 8/7 = 96/91.
		"where she always is": {m, "ann", []string{"a1", "n1"}, 96.0 / 91},
		// p(a9) = 1/5 of p(a9|bob) = (0 + 1/5)/2 = 1/10, and so for n9: 2 · 2.
		"a place nobody has been": {m, "bob", []string{"a9", "n9"}, 4},
		// With a prior of 3 logins: p(a9|bob) = (0 + 3/5)/4 = 3/20, 4/3 each.
		"the same with a prior of 3": {wide, "bob", []string{"a9", "n9"}, 16.0 / 9},
	} {
		llr, scored := c.model.Smoothed(c.user, c.values)
		if !scored || math.Abs(llr-math.Log(c.ratio)) > 1e-12 {
			t.Errorf("%s: the ratio is %v, want %v", name, math.Exp(llr), c.ratio)
		}
	}
}

func TestWhoNeverLoggedInIsNotScored(t *testing.T) {
	t.Parallel()
	m := newModel(t, freeman.Options{Features: small}, smallLog...)
	if lnS, scored := m.Score("cat", []string{"a1", "n1"}); scored || lnS != 0 {
		t.Errorf("a user without a login has ln S %v", lnS)
	}
	if llr, scored := m.Smoothed("cat", []string{"a1", "n1"}); scored || llr != 0 {
		t.Errorf("a user without a login has the ratio %v", llr)
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	t.Parallel()
	levels := func(w ...float64) []freeman.Feature {
		f := freeman.Feature{Name: "f"}
		for _, weight := range w {
			f.Levels = append(f.Levels, freeman.Level{Weight: weight})
		}
		return []freeman.Feature{f}
	}
	other := newModel(t, freeman.Options{Features: small})
	for want, o := range map[string]freeman.Options{
		"freeman.Options.Features: must not be empty":                                 {Features: []freeman.Feature{}},
		"freeman.Options.Features[0].Levels[1].Weight: must be above 0, is 0":         {Features: levels(1, 0)},
		"freeman.Options.Features[0].Levels[0].Weight: must be above 0, is NaN":       {Features: levels(math.NaN())},
		"freeman.Options.Features[0].Levels[0].Weight: must be above 0, is +Inf":      {Features: levels(math.Inf(1))},
		"freeman.Options.Features[0].Levels: weights must sum to 1, they sum to 0.75": {Features: levels(0.5, 0.25)},
		"freeman.Options.Features[0].Levels: weights must sum to 1, they sum to 0":    {Features: levels()},
		"freeman.Options.History: must not be negative":                               {History: -1},
		"freeman.Options.Prior: must be above 0 and at most 1e9":                      {Prior: -1},
		"freeman.Options.Ahead: must have the same features":                          {Ahead: other},
	} {
		if _, err := freeman.New(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
