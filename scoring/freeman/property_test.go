package freeman_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/riskd/riskd/scoring/freeman"
)

// randomLog is a log of a few users in a small world, so that everything recurs.
func randomLog(r *rand.Rand, logins int) (log []login) {
	for range logins {
		ip, ua := r.IntN(12), r.IntN(8)
		log = append(log, login{
			fmt.Sprint("u", r.IntN(5)),
			[]string{fmt.Sprint("ip", ip), fmt.Sprint("as", ip/3), fmt.Sprint("c", ip/6), fmt.Sprint("ua", ua), fmt.Sprint("b", ua/2), fmt.Sprint("os", ua%3), fmt.Sprint("d", ua%2)},
		})
	}
	return log
}

// The more of his logins show a value, everything else being equal, the less it
// scores: he and somebody else change places in one login, so that the population's
// counts and everybody's number of logins stay as they are.
func TestHabitLowersTheScore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		log := randomLog(r, 40)
		for i := range log {
			log[i].user = fmt.Sprint("u", i%2)
		}
		x := log[r.IntN(len(log))].values
		mine := slices.IndexFunc(log, func(l login) bool { return l.user == "u0" && l.values[0] != x[0] && l.values[3] != x[3] })
		others := slices.IndexFunc(log, func(l login) bool { return l.user == "u1" && slices.Equal(l.values, x) })
		if mine < 0 || others < 0 {
			continue
		}
		before := newModel(t, freeman.Options{}, log...)
		log[mine].user, log[others].user = "u1", "u0"
		after := newModel(t, freeman.Options{}, log...)
		a, _ := before.Score("u0", x)
		b, _ := after.Score("u0", x)
		if !(b < a) {
			t.Errorf("seed %d: ln S was %v and is %v, after one more login from there", seed, a, b)
		}
		if a, b = smoothed(before, "u0", x), smoothed(after, "u0", x); !(b < a) {
			t.Errorf("seed %d: the ratio was %v and is %v, after one more login from there", seed, a, b)
		}
	}
}

func smoothed(m *freeman.Model, user string, x []string) float64 {
	llr, _ := m.Smoothed(user, x)
	return llr
}

// Scores depend on what was learned, not on the order of it.
func TestOrderOfThePastDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	log := randomLog(r, 60)
	a := newModel(t, freeman.Options{}, log...)
	r.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
	same(t, "shuffled", a, newModel(t, freeman.Options{}, log...), log)
}

// A model that keeps so many logins of each user is the model that has learned just
// those.
func TestForgottenLoginsWereNever(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		log := randomLog(rand.New(rand.NewPCG(seed, 2)), 80)
		const keep = 4
		bounded := newModel(t, freeman.Options{History: keep}, log...)
		var kept []login
		seen := map[string]int{}
		for _, l := range slices.Backward(log) {
			if seen[l.user]++; seen[l.user] <= keep {
				kept = append(kept, l)
			}
		}
		fresh := newModel(t, freeman.Options{}, kept...)
		if bounded.Logins() != len(kept) || bounded.History(log[0].user) > keep {
			t.Fatalf("seed %d: %d logins are kept, %d should be", seed, bounded.Logins(), len(kept))
		}
		same(t, fmt.Sprint("seed ", seed), bounded, fresh, log)
	}
}

func same(t *testing.T, what string, a, b *freeman.Model, log []login) {
	t.Helper()
	for _, l := range log {
		x, _ := a.Score(l.user, l.values)
		y, _ := b.Score(l.user, l.values)
		if math.Abs(x-y) > 1e-12 || math.Abs(smoothed(a, l.user, l.values)-smoothed(b, l.user, l.values)) > 1e-12 {
			t.Fatalf("%s: %s from %v has ln S %v and %v", what, l.user, l.values, x, y)
		}
	}
}

// Whatever a log holds, scores are finite.
func FuzzScore(f *testing.F) {
	f.Add("ann a1 n1\nann a1 n1\nbob b1 n1\nann a2 n2", "ann a1 n1", 2)
	f.Add("", "x", 0)
	f.Add("ann  \n ann\nann \xff", "ann  ", 1)
	f.Fuzz(func(t *testing.T, text, asked string, keep int) {
		m, err := freeman.New(freeman.Options{Features: small, History: keep})
		if err != nil {
			return
		}
		parse := func(line string) login {
			parts := append(strings.SplitN(line, " ", 3), "", "")
			return login{parts[0], parts[1:3]}
		}
		x := parse(asked)
		for line := range strings.Lines(text) {
			l := parse(line)
			finite(t, m, l)
			m.Learn(l.user, l.values)
			finite(t, m, l)
			finite(t, m, x)
		}
	})
}

func finite(t *testing.T, m *freeman.Model, l login) {
	lnS, scored := m.Score(l.user, l.values)
	llr, too := m.Smoothed(l.user, l.values)
	if math.IsNaN(lnS) || math.IsInf(lnS, 0) || math.IsNaN(llr) || math.IsInf(llr, 0) {
		t.Errorf("%v has ln S %v and the ratio %v", l, lnS, llr)
	}
	if known := m.History(l.user) > 0; scored != known || too != known {
		t.Errorf("%v is scored: %v, %v; he has %d logins", l, scored, too, m.History(l.user))
	}
}
