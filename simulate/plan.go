package simulate

import (
	"cmp"
	"fmt"
	"slices"
)

// planned is an attack that comes to one of a user's sittings.
type planned struct {
	sitting uint32
	number  int
	family  Family
}

// target is a sitting that can be attacked.
type target struct {
	user     int
	sitting  uint32
	long     bool // long enough for an id to be changed in it
	rotates  bool
	password bool // the user needs no more than that
	taken    bool
}

// longEnough is how long a sitting is in which a rotation is waited for.
const longEnough = 25 * minute

// choices is how many targets are drawn for each attack that is wanted.
const choices = 4

// conspire plans all attacks, by a walk through everybody's schedule. What it holds
// grows with the number of attacks.
func (w *world) conspire() (map[int][]planned, error) {
	if w.Attacks == 0 {
		return nil, nil
	}
	d := roll(w.Seed, forPlan)
	targets, found := w.targets(&d)
	for i := range targets {
		j := d.below(i + 1)
		targets[i], targets[j] = targets[j], targets[i]
	}
	plans, number := map[int][]planned{}, 0
	// Those that need a special victim choose first.
	for _, f := range []Family{F14, F5, F13, F1, F2, F3, F4, F6, F7, F8, F9, F10, F11, F12, F15} {
		for n := range w.Attacks {
			t := w.pick(&d, targets, plans, f)
			if t == nil {
				return nil, fmt.Errorf("attacks: %d of each of %d families are too many: only %d sessions can be attacked, and %s has %d victims; take more users or days, or fewer attacks",
					w.Attacks, len(Families()), found, f, n)
			}
			t.taken = true
			number++
			plans[t.user] = append(plans[t.user], planned{t.sitting, number, f})
		}
	}
	for _, list := range plans {
		slices.SortFunc(list, func(a, b planned) int { return cmp.Compare(a.sitting, b.sitting) })
	}
	return plans, nil
}

// targets draws some of all sittings that can be attacked, and counts those.
func (w *world) targets(d *dice) (kept []target, found int) {
	room := w.Attacks * len(Families()) * choices
	from := w.begin + int64(w.Warmup)*day
	for i := range w.Users {
		u := w.newUser(i)
		for {
			s, ok := u.schedule.next(w, u)
			if !ok {
				break
			}
			if s.start < from || !w.seasoned(&s) {
				continue
			}
			found++
			t := target{user: i, sitting: s.number, long: s.length >= longEnough, rotates: u.rotates, password: !u.mfa}
			if len(kept) < room {
				kept = append(kept, t)
			} else if j := d.below(found); j < room {
				kept[j] = t
			}
		}
	}
	return kept, found
}

// seasoned reports whether a user has the history that the variant asks for.
func (w *world) seasoned(s *sitting) bool {
	if w.Variant == Cold {
		return s.number < maxCold
	}
	return s.number >= minHistory
}

// pick finds a victim of the family from a random place on, so that what a family asks
// for leaves the others' choice random, first among those that suit it best. Between two
// attacks on one user there is a sitting at least, unless there are few.
func (w *world) pick(d *dice, targets []target, plans map[int][]planned, f Family) *target {
	if len(targets) == 0 {
		return nil
	}
	start := d.below(len(targets))
	for _, strict := range [...]bool{true, false} {
		for i := range targets {
			t := &targets[(start+i)%len(targets)]
			if t.taken || !t.suits(f, strict) || w.Variant != Cold && slices.ContainsFunc(plans[t.user], t.beside) {
				continue
			}
			return t
		}
	}
	return nil
}

func (t *target) beside(p planned) bool { return p.sitting+1 >= t.sitting && p.sitting <= t.sitting+1 }

func (t *target) suits(f Family, strict bool) bool {
	switch f {
	case F14:
		return t.long && (t.rotates || !strict)
	case F5, F13:
		return t.password
	}
	return true
}
