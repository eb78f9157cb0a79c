package simulate

import (
	"slices"
	"testing"
)

// Nothing but the attack may give an attack away (detection.md §4.4). Each of these
// is compared by the area under the curve: how often a value drawn from one side is
// above one from the other; 0.5 is no difference.
func TestAttacksLeakNothing(t *testing.T) {
	t.Parallel()
	o := Options{Preset: Workforce, Variant: Noise, Seed: 1, Users: 500, Days: 60, Warmup: 25, Attacks: 60}
	victims := map[string][]float64{}
	others := map[string][]float64{}
	note := func(to map[string][]float64, s *sitting, u *user) {
		local := (s.start + int64(countries[u.country].offset)*minute) % day
		to["hour"] = append(to["hour"], float64(local))
		to["number"] = append(to["number"], float64(s.number))
		to["length"] = append(to["length"], float64(s.length))
		to["country"] = append(to["country"], float64(u.country))
		to["pace"] = append(to["pace"], u.pace)
		to["devices"] = append(to["devices"], float64(u.count))
	}
	sim, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := sim.world
	for i := range w.Users {
		u := w.newUser(i)
		for s, ok := u.schedule.next(w, u); ok; s, ok = u.schedule.next(w, u) {
			at := slices.IndexFunc(sim.crimes[i], func(p planned) bool { return p.sitting == s.number })
			switch {
			case at >= 0 && sim.crimes[i][at].family == F14: // asks for a long one
			case at >= 0:
				note(victims, &s, u)
			case s.start >= w.begin+int64(w.Warmup)*day && s.number >= minHistory:
				note(others, &s, u)
			}
		}
	}
	for name := range victims {
		if a := auc(victims[name], others[name]); a < 0.45 || a > 0.55 {
			t.Errorf("%s tells victims from others: AUC %.3f", name, a)
		}
	}

	// Attackers in donors' contexts: what they show is as common as it is elsewhere.
	stolen, honest := map[string][]float64{}, map[string][]float64{}
	live(t, o, func(s *stream, e *event) {
		if e.told != nil || e.number%5 != 0 {
			return
		}
		switch to := honest; {
		case e.crime != nil && (e.crime.family == F2 || e.crime.family == F10):
			to = stolen
			fallthrough
		case e.crime == nil && e.prefix.country() == 0 && e.prefix.system() < mobileAS && e.at > s.begin+int64(s.Warmup)*day:
			if e.prefix.country() != 0 || e.prefix.system() >= mobileAS {
				return
			}
			to["provider"] = append(to["provider"], float64(e.prefix.system()))
			to["city"] = append(to["city"], float64(e.prefix.city()))
			to["screen"] = append(to["screen"], float64(e.look.screen))
			to["releases"] = append(to["releases"], float64(e.look.releases))
			to["agent"] = append(to["agent"], float64(e.look.agent))
			to["fonts"] = append(to["fonts"], float64(e.look.fonts))
			to["host"] = append(to["host"], float64(e.host))
		}
	})
	for name := range stolen {
		if a := auc(stolen[name], honest[name]); a < 0.4 || a > 0.6 {
			t.Errorf("%s tells attackers from others: AUC %.3f of %d and %d", name, a, len(stolen[name]), len(honest[name]))
		}
	}
}

// auc is the Mann-Whitney statistic as a share, ties counted half.
func auc(a, b []float64) float64 {
	slices.Sort(a)
	slices.Sort(b)
	sum, below, i := 0.0, 0, 0
	for _, x := range a {
		for below < len(b) && b[below] < x {
			below++
		}
		for i = max(i, below); i < len(b) && b[i] == x; i++ {
		}
		sum += float64(below) + float64(i-below)/2
	}
	return sum / float64(len(a)) / float64(len(b))
}
