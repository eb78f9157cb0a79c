package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say what to make up. All of them together determine every byte.
type Options struct {
	Preset  Preset  // "" is Workforce
	Variant Variant // "" is Noise
	Seed    uint64
	Users   int // 1 to MaxUsers
	Days    int // 1 to MaxDays
	// Attacks is how many attacks of each family there are.
	Attacks int
	// Warmup is the first day, counted from 0, on which attacks begin.
	Warmup int
	// From is when the first day begins, by UTC; the zero time is [DefaultFrom].
	From time.Time
}

// The bounds of a simulation, which keep identifiers short and times in range.
const (
	MaxUsers   = 1_000_000
	MaxDays    = 1000
	MaxAttacks = 100_000
)

// DefaultFrom is a Monday.
var DefaultFrom = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// Preset is a kind of population.
type Preset string

// The presets: people who work with the application every day, and customers who
// look in now and then.
const (
	Workforce Preset = "workforce"
	Consumer  Preset = "consumer"
)

// Presets are all of them, the default first.
func Presets() []Preset { return []Preset{Workforce, Consumer} }

// Variant is what is otherwise about a simulation.
type Variant string

// The variants.
const (
	Noise  Variant = "noise"   // as life is
	Clean  Variant = "clean"   // devices keep cookie, fingerprint and TLS stack
	Mimic  Variant = "mimic"   // attackers keep to their victim's pace and mix of requests
	Cold   Variant = "cold"    // attacks come to users with fewer than 5 logins
	Drift  Variant = "drift"   // a browser release week, an ISP renumbering, a VPN rollout
	Late   Variant = "late"    // lines out of order, and twice
	GeoOff Variant = "geo-off" // no city database: country and network only
)

// Variants are all of them, the default first.
func Variants() []Variant { return []Variant{Noise, Clean, Mimic, Cold, Drift, Late, GeoOff} }

// minHistory is how many sessions a user has had before one is attacked, except in
// the variant cold, which is about those with fewer than maxCold (detection.md §4.3).
const (
	minHistory = 8
	maxCold    = 5
)

// complete fills in what was left out and says all that is wrong.
func (o *Options) complete() error {
	if o.Preset == "" {
		o.Preset = Workforce
	}
	if o.Variant == "" {
		o.Variant = Noise
	}
	if o.From.IsZero() {
		o.From = DefaultFrom
	}
	o.From = o.From.UTC().Truncate(24 * time.Hour)
	switch {
	case !slices.Contains(Presets(), o.Preset):
		return fmt.Errorf("preset: %q is none; there are %s", o.Preset, list(Presets()))
	case !slices.Contains(Variants(), o.Variant):
		return fmt.Errorf("variant: %q is none; there are %s", o.Variant, list(Variants()))
	case o.Users < 1 || o.Users > MaxUsers:
		return fmt.Errorf("users: must be 1 to %d, not %d", MaxUsers, o.Users)
	case o.Days < 1 || o.Days > MaxDays:
		return fmt.Errorf("days: must be 1 to %d, not %d", MaxDays, o.Days)
	case o.Attacks < 0 || o.Attacks > MaxAttacks:
		return fmt.Errorf("attacks: must be 0 to %d of each family, not %d", MaxAttacks, o.Attacks)
	case o.Warmup < 0 || o.Attacks > 0 && o.Warmup >= o.Days:
		return fmt.Errorf("warmup: must be 0 to %d, a day on which attacks can begin, not %d", o.Days-1, o.Warmup)
	}
	return nil
}

func list[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// UsersFor is how many users make about so many requests in so many days.
func UsersFor(p Preset, requests, days int) int {
	perDay := requestsPerDay[Workforce]
	if p == Consumer {
		perDay = requestsPerDay[Consumer]
	}
	return max(1, int(float64(requests)/(perDay*float64(max(1, days)))+0.5))
}

// requestsPerDay is what a user makes in the mean, counted in simulations of both.
var requestsPerDay = map[Preset]float64{Workforce: 50, Consumer: 0.45}
