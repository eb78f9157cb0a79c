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
	words  *words
	strata []*stratum // in the order of their names
	left   float64    // share of the attackers' events that are in none of them
}

// stratum is the units that are compared with each other, and how often each of their
// values is there, by fold.
type stratum struct {
	attackers, users       []*unit
	attackerShows, showing [folds]map[int32]int
	attackersIn, usersIn   [folds]int
}

// stratify sorts units into strata, and leaves out those in which there are too few
// users.
func (m *sample) stratify(group int, wanted func(family string) bool) *classifier {
	all := map[string]*stratum{}
	for _, u := range m.units {
		if u.family != "" && (!wanted(u.family) || groups[group].onset && !u.onset) {
			continue
		}
		s := all[u.strata[group]]
		if s == nil {
			s = &stratum{}
			all[u.strata[group]] = s
		}
		if u.family == "" {
			s.users = append(s.users, u)
		} else {
			s.attackers = append(s.attackers, u)
		}
	}
	if wider := groups[group].wider; wider != nil {
		all = widen(all, wider)
	}
	c := &classifier{group: group, words: m.words}
	attackers, left := 0, 0
	for _, name := range sortedKeys(all) {
		s := all[name]
		attackers += len(s.attackers)
		switch {
		case len(s.attackers) == 0:
		case distinctUsers(s.users, leastUsers) < leastUsers:
			left += len(s.attackers)
		default:
			s.count(group)
			c.strata = append(c.strata, s)
		}
	}
	c.left = float64(left) / float64(max(attackers, 1))
	return c
}

// widen puts strata with too few users together.
func widen(all map[string]*stratum, wider func(string) string) map[string]*stratum {
	out := map[string]*stratum{}
	for _, name := range sortedKeys(all) {
		s := all[name]
		if distinctUsers(s.users, leastUsers) < leastUsers {
			name = wider(name)
		}
		w := out[name]
		if w == nil {
			w = &stratum{}
			out[name] = w
		}
		w.attackers, w.users = append(w.attackers, s.attackers...), append(w.users, s.users...)
	}
	return out
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

func (s *stratum) count(group int) {
	for fold := range folds {
		s.attackerShows[fold], s.showing[fold] = map[int32]int{}, map[int32]int{}
	}
	for _, u := range s.attackers {
		s.attackersIn[u.fold]++
		for _, v := range u.values[group] {
			s.attackerShows[u.fold][v]++
		}
	}
	for _, u := range s.users {
		s.usersIn[u.fold]++
		for _, v := range u.values[group] {
			s.showing[u.fold][v]++
		}
	}
}

// none is a fold that nobody is in.
const none = -1

// counts gives how many attackers have each value, and how many would if they were
// users: in a stratum users count as many as there are attackers. A fold is left out.
func (c *classifier) counts(without int) (attackers, expected []float64) {
	attackers, expected = make([]float64, len(c.words.names)), make([]float64, len(c.words.names))
	for _, s := range c.strata {
		there, of := 0, 0
		for fold := range folds {
			if fold != without {
				there += s.attackersIn[fold]
				of += s.usersIn[fold]
			}
		}
		for fold := range folds {
			if fold == without || of == 0 {
				continue
			}
			for v, n := range s.attackerShows[fold] {
				attackers[v] += float64(n)
			}
			for v, n := range s.showing[fold] {
				expected[v] += float64(n) * float64(there) / float64(of)
			}
		}
	}
	return attackers, expected
}

// weights learns from all units but those of a fold: for each value the nats that it
// gives.
func (c *classifier) weights(without int) []float64 {
	nats, expected := c.counts(without)
	for v, n := range nats {
		nats[v] = math.Log((n + prior) / (expected[v] + prior))
	}
	return nats
}

// verdict is how well a group of values tells attackers from users.
type verdict struct {
	attacks     int     // that were compared
	left        float64 // share of the attackers' events that couldn't be
	auc, recall float64 // at 1 % false alarms
}

// judge cross-validates.
func (c *classifier) judge() verdict {
	var attackers []float64
	var users []weighed
	attacks := map[string]bool{}
	for fold := range folds {
		nats := c.weights(fold)
		score := func(u *unit) (sum float64) {
			for _, v := range u.values[c.group] {
				sum += nats[v]
			}
			return math.Round(sum*1e9) / 1e9 // so that equal scores tie
		}
		for _, s := range c.strata {
			for _, u := range s.attackers {
				if u.fold == fold {
					attackers = append(attackers, score(u))
					attacks[u.attack] = true
				}
			}
			for _, u := range s.users {
				if u.fold == fold {
					users = append(users, weighed{score(u), float64(len(s.attackers)) / float64(len(s.users))})
				}
			}
		}
	}
	v := verdict{attacks: len(attacks), left: c.left}
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
func (c *classifier) tell() []string {
	nats := c.weights(none)
	attackers, users := c.counts(none)
	n := 0.0
	for _, s := range c.strata {
		n += float64(len(s.attackers))
	}
	order := make([]int, len(nats))
	for v := range order {
		order[v] = v
	}
	gain := func(v int) float64 { return (attackers[v] - users[v]) * nats[v] }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(gain(b), gain(a)) })
	const most = 3
	var text []string
	for _, v := range order[:min(most, len(order))] {
		text = append(text, c.words.names[v]+" ("+percent(attackers[v]/n)+" of the attackers, "+percent(users[v]/n)+" of the users)")
	}
	return text
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" }
