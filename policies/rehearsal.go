package policies

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/riskd/riskd"
)

// rehearsalFor is how long a pack may take for one question while it is
// loaded: far more than when it serves, as nothing is warm.
const rehearsalFor = 5 * time.Second

// rehearse asks a new pack about a quiet request of every class. A pack that
// can't answer those can't answer anything; one that can is warm afterwards.
func (p *Pack) rehearse(signals int) error {
	for _, class := range classes {
		c := quietCase(class, signals)
		ctx, cancel := context.WithTimeout(context.Background(), rehearsalFor)
		_, err := p.Reasons(ctx, c)
		if err == nil {
			_, err = p.Judge(ctx, c)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("%w; it was asked about a quiet request of class %s with score 0", err, class)
		}
	}
	return nil
}

// quietCase is a request about which nothing is remarkable or even known. Its
// address and its time are of documentation and of no importance.
func quietCase(class riskd.Class, signals int) *riskd.Case {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return &riskd.Case{
		Event: &riskd.Event{
			Time:    now,
			Client:  riskd.Client{IP: netip.MustParseAddr("192.0.2.1")},
			Request: riskd.Request{Class: class},
		},
		Session:  &riskd.Session{Start: now, SeenAt: now, Requests: 1},
		Profile:  &riskd.Profile{},
		Readings: make([]riskd.Reading, signals),
		Now:      now,
	}
}
