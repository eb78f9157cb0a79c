package replay

import (
	"math"
	"testing"
)

// Wilson's interval against published values (Newcombe, Statistics in Medicine 17,
// 1998, table I, method 3).
func TestRateOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		count, of int
		low, high float64
	}{
		"81 of 263": {81, 263, 0.2553, 0.3662},
		"15 of 148": {15, 148, 0.0624, 0.1605},
		"0 of 20":   {0, 20, 0, 0.1611},
		"1 of 29":   {1, 29, 0.0061, 0.1718},
		"all of 20": {20, 20, 0.8389, 1},
	} {
		r := rateOf(c.count, c.of)
		if math.Abs(r.Low-c.low) > 5e-5 || math.Abs(r.High-c.high) > 5e-5 {
			t.Errorf("%s: got [%v, %v], want [%v, %v]", name, r.Low, r.High, c.low, c.high)
		}
	}
	if r := rateOf(0, 0); r != (Rate{High: 1}) {
		t.Errorf("nothing of nothing is %+v", r)
	}
}

func TestDifferenceOf(t *testing.T) {
	t.Parallel()
	// The split of 10 to 2 has, either way, 2·(1+12+66)/4096.
	d := differenceOf(&paired{{30, 2}, {10, 58}})
	if want := 2 * 79.0 / 4096; math.Abs(d.P-want) > 1e-6 {
		t.Errorf("p is %v, want %v", d.P, want)
	}
	if d.OnlyA != 10 || d.OnlyB != 2 || d.Both != 58 || d.None != 30 || d.Rate != -0.08 {
		t.Errorf("counts are %+v", d)
	}
	// Agresti and Min, with 10.5 and 2.5 of 102: -8/102 ± 1.96·√(13 - 64/102)/102.
	half := 1.959963984540054 * math.Sqrt(13-64.0/102) / 102
	if math.Abs(d.Low+8.0/102+half) > 1e-6 || math.Abs(d.High+8.0/102-half) > 1e-6 {
		t.Errorf("interval is [%v, %v]", d.Low, d.High)
	}
	if d := differenceOf(&paired{}); d.P != 1 || d.Low != -1 || d.High != 1 {
		t.Errorf("of nothing: %+v", d)
	}
	if d := differenceOf(&paired{{5, 0}, {0, 5}}); d.P != 1 || d.Rate != 0 {
		t.Errorf("without a difference: %+v", d)
	}
}

func TestDelayOf(t *testing.T) {
	t.Parallel()
	text := func(requests []int, of int) string { return delayOf(requests, of).Text() }
	for name, c := range map[string]struct {
		requests []int
		of       int
		want     string
	}{
		"all are caught":       {[]int{3, 1, 2, 9, 4, 5, 6, 7, 8, 10}, 10, "median 5, p90 9; 0 never"},
		"some never are":       {[]int{3, 1, 2}, 5, "median 3, p90 never; 2 never"},
		"most never are":       {[]int{1}, 4, "median never, p90 never; 3 never"},
		"there are no attacks": {nil, 0, "–"},
	} {
		if got := text(c.requests, c.of); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
