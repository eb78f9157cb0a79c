package simulate

import (
	"math"
	"testing"
)

// The mimic has his victim's pace and mix.
func TestMimic(t *testing.T) {
	t.Parallel()
	all := stories(t, Options{Variant: Mimic, Seed: 1, Users: 200, Days: 50, Warmup: 20, Attacks: 30})
	var pace, kindsOf float64
	requests, exported := 0.0, 0.0
	for _, f := range []Family{F1, F2, F5, F10, F15} {
		for _, s := range all[f] {
			mean, _ := s.pace()
			pace += math.Log(mean / (s.victim.pace * math.Exp(gapSigma*gapSigma/2)))
			kindsOf++
			requests += float64(len(s.events) - s.of(signsIn) - s.of(opensDoor))
			exported += float64(s.of(exports))
		}
	}
	if pace /= kindsOf; math.Abs(pace) > 0.35 {
		t.Errorf("mimics are faster by e^%.2f than their victims", -pace)
	}
	if exported /= requests; math.Abs(exported-mimicExports) > 0.015 {
		t.Errorf("mimics export in %.3f of requests; want %.3f", exported, mimicExports)
	}
}

func TestColdVictimsAreNew(t *testing.T) {
	t.Parallel()
	for f, list := range stories(t, Options{Variant: Cold, Seed: 1, Users: 200, Days: 50, Warmup: 20, Attacks: 10}) {
		for _, s := range list {
			if s.sessions > 2*maxCold { // an idle session makes two of one sitting
				t.Errorf("%s comes to a user with %d sessions", f, s.sessions)
			}
		}
	}
}

// In the variant drift three things happen in the second half, and otherwise don't.
func TestDriftComesInWaves(t *testing.T) {
	t.Parallel()
	count := func(v Variant) (out map[string]float64) {
		out = map[string]float64{}
		live(t, Options{Variant: v, Seed: 1, Users: 150, Days: 40, Warmup: 20}, func(s *stream, e *event) {
			if e.told == nil && e.at >= s.renumberAt && e.at < s.renumberAt+7*day {
				e.causes.each(func(name string) { out[name]++ })
			}
		})
		return out
	}
	ordinary, drift := count(Noise), count(Drift)
	for name, factor := range map[string]float64{"browser_update": 2, "renumbered": 1.1, "vpn_on": 2} {
		if drift[name] < factor*ordinary[name] {
			t.Errorf("%s: %g in the week of the drift, %g in an ordinary one", name, drift[name], ordinary[name])
		}
	}
	clean := count(Clean)
	for _, name := range []string{"fingerprint_drift", "tls_noise", "cookie_lost"} {
		if clean[name] != 0 || ordinary[name] == 0 {
			t.Errorf("%s: %g in the variant clean, %g in noise", name, clean[name], ordinary[name])
		}
	}
}
