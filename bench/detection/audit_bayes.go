package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// folds is how many parts the users are cut into: each is judged by what was learned
// from the others.
const folds = 5

// prior is how many attackers' events are worth as much as the assumption that they have
// a value as often as users do.
const prior = 5.0

// leastUsers is how many users a stratum has to have for attackers in it to be compared:
// the ways of a few are no population.
const leastUsers = 20

// classifier is naive Bayes on values: how much more often attackers have one than users
// in the same strata.
type classifier struct {
	group  int
	strata map[string]*stratum
}

// stratum is the units that are compared with each other.
type stratum struct {
	attackers, users []*unit
}

// stratify sorts units into strata, and leaves out those in which there are too few
// users.
func stratify(units []*unit, group int, wanted func(family string) bool) *classifier {
	c := &classifier{group, map[string]*stratum{}}
	for _, u := range units {
		if u.family != "" && (!wanted(u.family) || groups[group].onset && !u.onset) {
			continue
		}
		s := c.strata[u.strata[group]]
		if s == nil {
			s = &stratum{}
			c.strata[u.strata[group]] = s
		}
		if u.family == "" {
			s.users = append(s.users, u)
		} else {
			s.attackers = append(s.attackers, u)
		}
	}
	for name, s := range c.strata {
		if len(s.attackers) == 0 || distinctUsers(s.users, leastUsers) < leastUsers {
			delete(c.strata, name)
		}
	}
	return c
}

// distinctUsers counts them, up to a number.
func distinctUsers(units []*unit, enough int) int {
	seen := map[string]bool{}
	for _, u := range units {
		if seen[u.user] = true; len(seen) == enough {
			break
		}
	}
	return len(seen)
}

// weights learns from all units but those of a fold: for each value the nats that it
// gives. In a stratum users count as many as there are attackers.
func (c *classifier) weights(fold int, seed uint64) map[string]float64 {
	attackers, expected := map[string]float64{}, map[string]float64{}
	for _, s := range c.strata {
		there, of := 0.0, 0.0
		for _, u := range s.attackers {
			if foldOf(u, seed) != fold {
				there++
				for _, v := range u.values[c.group] {
					attackers[v]++
				}
			}
		}
		for _, u := range s.users {
			if foldOf(u, seed) != fold {
				of++
			}
		}
		for _, u := range s.users {
			if foldOf(u, seed) != fold {
				for _, v := range u.values[c.group] {
					expected[v] += there / of
				}
			}
		}
	}
	nats := map[string]float64{}
	for v, n := range attackers {
		nats[v] = math.Log((n + prior) / (expected[v] + prior))
	}
	for v, n := range expected {
		if _, ok := attackers[v]; !ok {
			nats[v] = math.Log(prior / (n + prior))
		}
	}
	return nats
}

// foldOf keeps all of a user's units together.
func foldOf(u *unit, seed uint64) int { return int(drawn(seed, "fold", u.user) % folds) }

// verdict is how well a group of values tells attackers from users.
type verdict struct {
	attacks     int // that were compared
	users       int
	auc, recall float64 // at 1 % false alarms
}

// judge cross-validates.
func (c *classifier) judge(seed uint64) verdict {
	var attackers []float64
	var users []weighed
	attacks := map[string]bool{}
	for fold := range folds {
		nats := c.weights(fold, seed)
		score := func(u *unit) (sum float64) {
			for _, v := range u.values[c.group] {
				sum += nats[v]
			}
			return sum
		}
		for _, name := range sortedKeys(c.strata) {
			s := c.strata[name]
			for _, u := range s.attackers {
				if foldOf(u, seed) == fold {
					attackers = append(attackers, score(u))
					attacks[u.attack] = true
				}
			}
			for _, u := range s.users {
				if foldOf(u, seed) == fold {
					users = append(users, weighed{score(u), float64(len(s.attackers)) / float64(len(s.users))})
				}
			}
		}
	}
	v := verdict{attacks: len(attacks), users: len(users)}
	v.auc, v.recall = rank(attackers, users)
	return v
}

// weighed is a user's score and how much it counts.
type weighed struct{ score, weight float64 }

// rank gives the area under the ROC curve, and the share of attackers above the score
// that at most 1 % of the users, by weight, are above.
func rank(attackers []float64, users []weighed) (auc, recall float64) {
	if len(attackers) == 0 || len(users) == 0 {
		return 0.5, 0
	}
	slices.Sort(attackers)
	slices.SortFunc(users, func(a, b weighed) int { return cmp.Compare(a.score, b.score) })
	total, below, tied, from, to := 0.0, 0.0, 0.0, 0, 0
	for _, u := range users {
		total += u.weight
	}
	wins := 0.0
	for i, a := range attackers {
		if i == 0 || a != attackers[i-1] {
			below += tied
			tied = 0
			for from = to; from < len(users) && users[from].score < a; from++ {
				below += users[from].weight
			}
			for to = from; to < len(users) && users[to].score == a; to++ {
				tied += users[to].weight
			}
		}
		wins += below + tied/2
	}
	bar, above := len(users)-1, 0.0
	for bar > 0 && above+users[bar].weight <= 0.01*total {
		above += users[bar].weight
		bar--
	}
	caught, _ := slices.BinarySearchFunc(attackers, users[bar].score, func(a, bar float64) int {
		if a <= bar {
			return -1
		}
		return 1
	})
	return wins / total / float64(len(attackers)), float64(len(attackers)-caught) / float64(len(attackers))
}

// tell names the values that separate most.
func (c *classifier) tell(seed uint64) []string {
	nats := c.weights(-1, seed)
	attackers, users, n := map[string]float64{}, map[string]float64{}, 0.0
	for _, s := range c.strata {
		n += float64(len(s.attackers))
		for _, u := range s.attackers {
			for _, v := range u.values[c.group] {
				attackers[v]++
			}
		}
		for _, u := range s.users {
			for _, v := range u.values[c.group] {
				users[v] += float64(len(s.attackers)) / float64(len(s.users))
			}
		}
	}
	names := sortedKeys(nats)
	gain := func(v string) float64 { return (attackers[v] - users[v]) * nats[v] }
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(gain(b), gain(a)) })
	const most = 3
	var text []string
	for _, v := range names[:min(most, len(names))] {
		text = append(text, v+" ("+percent(attackers[v]/n)+" of the attackers, "+percent(users[v]/n)+" of the users)")
	}
	return text
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" }
