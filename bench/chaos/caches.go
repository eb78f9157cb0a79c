//go:build linux

package main

import (
	"context"
	"sync"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/riskd/riskd"
)

// Caches where none may be: controls for the checks.

// cached puts a cache of decisions before an engine. Its clock goes on by 20 µs
// with each decision, about what one takes, so that it doesn't hang on how fast
// this machine is.
func cached(d decider) decider {
	return &decisionCache{decider: d, entries: map[riskd.SessionID]cachedDecision{}}
}

const (
	cacheLife = 200 * time.Microsecond
	cacheTick = 20 * time.Microsecond
)

type decisionCache struct {
	decider
	mu      sync.Mutex
	now     time.Duration
	entries map[riskd.SessionID]cachedDecision
}

type cachedDecision struct {
	riskd.Decision
	at time.Duration
}

func (c *decisionCache) Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision {
	c.mu.Lock()
	c.now += cacheTick
	in, ok := c.entries[e.Session.ID]
	ok = ok && c.now-in.at < cacheLife
	c.mu.Unlock()
	if ok {
		return in.Decision
	}
	d := c.decider.Decide(ctx, e, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[e.Session.ID] = cachedDecision{d, c.now}
	return d
}

// inRistretto keeps what is revoked in a cache of bounded size, beside what is
// known of other sessions. There is room for more than twice the orders.
func inRistretto(s cardStore) cardStore {
	c, err := ristretto.NewCache(&ristretto.Config[string, bool]{NumCounters: 1 << 16, MaxCost: 1 << 18, BufferItems: 64})
	if err != nil {
		panic(err) // the config is fixed
	}
	return &lossy{s, c}
}

type lossy struct {
	cardStore
	cache *ristretto.Cache[string, bool]
}

func (l *lossy) Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	for i := range orders {
		t := &orders[i].Target
		name := t.ID
		if t.Kind == riskd.TargetSession {
			name = t.Session.String()
		}
		l.cache.Set(name, true, 1)
	}
	return l.cardStore.Impose(ctx, key, orders...)
}

func (l *lossy) Update(e *riskd.Event, now time.Time, fn func(*riskd.Session, *riskd.Profile) riskd.Lesson) {
	l.cache.Set(e.Session.ID.String(), false, 1)
	l.cardStore.Update(e, now, fn)
}

func (l *lossy) Revoked(e *riskd.Event) (riskd.Epoch, bool) {
	for _, name := range []string{e.Session.ID.String(), e.User.ID, e.Device.ID} {
		if revoked, _ := l.cache.Get(name); revoked {
			return riskd.Epoch{}, true
		}
	}
	return riskd.Epoch{}, false
}
