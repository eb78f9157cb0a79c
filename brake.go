package riskd

import (
	"fmt"
	"time"
)

// Braked is why something that would meet many is not done before a named person
// confirms it.
type Braked struct {
	What    string // "sessions" or "users"
	Matched int
	Of      int
	Limit   float64 // the share of Of that needs no confirmation
	// After is when it may be tried again without; 0 is never.
	After time.Duration
}

// Share is that of what would be met.
func (b *Braked) Share() float64 { return float64(b.Matched) / float64(max(1, b.Of, b.Matched)) }

func (b *Braked) Error() string {
	return fmt.Sprintf("%d of %d live %s would be met, and more than %g %% need somebody to answer for it", b.Matched, b.Of, b.What, 100*b.Limit)
}
