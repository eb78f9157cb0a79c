package tune

import (
	"strings"
	"testing"
)

// What is worse where nobody looked is not to be used, and what only might be by
// chance is.
func TestAgainst(t *testing.T) {
	for name, test := range map[string]struct {
		gain    Interval
		gap     Interval
		shipped float64
		fsu     Interval
		says    string
	}{
		"good":                    {Interval{0.05, 0.01, 0.09}, Interval{0.02, -0.01, 0.05}, 0.01, Interval{0.12, 0.05, 0.2}, ""},
		"worse than it was":       {Interval{-0.01, -0.03, 0.02}, Interval{0, -0.01, 0.05}, 0, Interval{0.1, 0.05, 0.2}, "catches less than the pack as it was"},
		"fitted too closely":      {Interval{0.05, 0.01, 0.09}, Interval{0.1, 0.04, 0.16}, 0.02, Interval{0.1, 0.05, 0.2}, "fitted too closely"},
		"as wide as the pack's":   {Interval{0.05, 0.01, 0.09}, Interval{0.1, 0.04, 0.16}, 0.12, Interval{0.1, 0.05, 0.2}, ""},
		"asks more than it may":   {Interval{0.05, 0.01, 0.09}, Interval{0, -0.01, 0.05}, 0, Interval{0.3, 0.15, 0.5}, "asked more often than the budget"},
		"asks more, maybe by bad": {Interval{0.05, 0.01, 0.09}, Interval{0, -0.01, 0.05}, 0, Interval{0.3, 0.09, 0.5}, ""},
	} {
		run := &tuning{RunOptions: RunOptions{SearchOptions: SearchOptions{Budget: 0.1}}}
		r := &Report{Gain: test.gain, Gaps: []Gap{
			{Figure: "macro_tpr", Gap: test.gap, Shipped: test.shipped}, {Figure: "fsu", Held: test.fsu},
		}}
		run.against(r)
		said := strings.Join(r.Against, "\n")
		if (said == "") != (test.says == "") || !strings.Contains(said, test.says) {
			t.Errorf("%s: says %q, want %q", name, said, test.says)
		}
	}
}

func TestDurationText(t *testing.T) {
	for seconds, want := range map[float64]string{14400: "4h", 480: "8m", 5400: "1h30m", 59: "59s", 3601: "1h1s"} {
		k := knob{duration: true, get: func(*Params) float64 { return seconds }}
		if got := k.show(nil); got != want {
			t.Errorf("%g s are %q, want %q", seconds, got, want)
		}
	}
}
