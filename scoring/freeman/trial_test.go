package freeman

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// population is users with a home each, of three countries with two networks each, who
// are now and then somewhere else in their network, and have one of six browsers.
func population(seed uint64, users, logins int) (all []Login) {
	r := rand.New(rand.NewPCG(seed, 9))
	for range logins {
		u := r.IntN(users)
		network := u % 6
		address := fmt.Sprintf("net%d-%d", network, u)
		if r.IntN(4) == 0 {
			address = fmt.Sprintf("net%d-%d", network, 1000+r.IntN(50))
		}
		browser := u % 11
		if r.IntN(10) == 0 {
			browser = r.IntN(11)
		}
		all = append(all, Login{fmt.Sprint("u", u), []string{
			address, fmt.Sprint("as", network), fmt.Sprint("c", network/2),
			fmt.Sprint("ua", browser), fmt.Sprint("b", browser/2), fmt.Sprint("os", browser%3), fmt.Sprint("d", browser%2),
		}})
	}
	return all
}

func newTrial(t *testing.T, o TrialOptions) *Trial {
	t.Helper()
	trial, err := NewTrial(o)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

// Attackers know what they are said to know, and nothing else.
func TestAttackersKnow(t *testing.T) {
	t.Parallel()
	trial := newTrial(t, TrialOptions{Seed: 1})
	for _, l := range population(1, 60, 1500) {
		trial.User(l)
	}
	others, made := 0, map[Attacker]int{}
	for u := range 60 {
		victim := fmt.Sprint("u", u)
		own := trial.model.users[victim]
		country, network := fmt.Sprint("c", u%6/2), fmt.Sprint("as", u%6)
		for a := range Takeover {
			l, ok := trial.attack(a, victim)
			if !ok {
				continue
			}
			made[a]++
			if l.User != victim {
				t.Fatalf("%v signs in as %s, not %s", a, l.User, victim)
			}
			if home := fmt.Sprintf("net%d-%d", u%6, u); l.Values[Address] == home {
				t.Errorf("%v of %s has his address", a, victim)
			}
			switch a {
			case Naive:
				if l.Values[Country] != country {
					others++
				}
			case VPN:
				if l.Values[Country] != country {
					t.Errorf("%v of %s comes from %s", a, victim, l.Values[Country])
				}
			case Targeted:
				agent := []string{fmt.Sprint("ua", u%11), fmt.Sprint("b", u%11/2), fmt.Sprint("os", u%11%3), fmt.Sprint("d", u%11%2)}
				if l.Values[ASN] != network || trial.hasAddress(own, l.Values[Address]) || !slices.Equal(l.Values[UserAgent:], agent) {
					t.Errorf("%v of %s shows %v", a, victim, l.Values)
				}
			}
		}
	}
	if others < 20 || made[Naive] != 60 || made[VPN] != 60 || made[Targeted] < 50 {
		t.Errorf("attackers made up: %v; naive ones in another country: %d", made, others)
	}
}

// Who knows more is harder to tell, by either score; the same seed gives the same.
func TestTrial(t *testing.T) {
	t.Parallel()
	run := func() []Result {
		trial := newTrial(t, TrialOptions{Seed: 2, History: KeptLogins})
		for i, l := range population(2, 60, 3000) {
			switch {
			case i%500 == 499:
				trial.Takeover(Login{l.User, []string{"x", "y", "z", "ua", "b", "os", "d"}})
			case i%500 == 498:
				trial.Doubtful(l)
			default:
				trial.User(l)
			}
		}
		all, users := trial.Results()
		if users < 2900 || users > 3000-12 {
			t.Errorf("%d logins of users are scored", users)
		}
		return all
	}
	all := run()
	for _, of := range []func(r *Result) float64{
		func(r *Result) float64 { return r.Published.AUC },
		func(r *Result) float64 { return r.Smoothed.AUC },
	} {
		if naive, vpn, targeted, taken := of(&all[Naive]), of(&all[VPN]), of(&all[Targeted]), of(&all[Takeover]); !(naive > vpn && vpn > targeted && naive > 0.9 && taken > 0.75) {
			t.Errorf("AUC: naive %v, VPN %v, targeted %v, takeovers %v", naive, vpn, targeted, taken)
		}
	}
	if all[Takeover].Logins != 6 || all[Naive].Logins < 2900 {
		t.Errorf("scored: %+v", all)
	}
	if again := run(); !slices.Equal(all, again) {
		t.Errorf("the same seed gives\n%+v\nand\n%+v", all, again)
	}
}

// What is kept of more scores than there is room for stands for all of them.
func TestSampleIsEven(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	s := sample{most: 500}
	for i := range 20_000 {
		s.put(s.slot(r), float64(i))
	}
	sum := 0.0
	for _, x := range s.kept {
		sum += x
	}
	if mean := sum / 500; len(s.kept) != 500 || s.seen != 20_000 || mean < 9_000 || mean > 11_000 {
		t.Errorf("%d are kept, their mean is %v", len(s.kept), mean)
	}
}

func TestWrongTrialOptionsAreNamed(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]TrialOptions{
		"freeman.TrialOptions.Scores: must not be negative": {Scores: -1},
		"freeman.TrialOptions.Donors: must not be negative": {Donors: -1},
		"freeman.Options.History: must not be negative":     {History: -1},
	} {
		if _, err := NewTrial(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
