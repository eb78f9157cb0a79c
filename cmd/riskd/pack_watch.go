package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// watch keeps the pack like its source until ctx ends. What is on disk it looks at
// every so often. A server it asks that often, less and less often while it can't
// be reached, and at once again if it is one that answers when there is another.
func (k *packKeeper) watch(ctx context.Context, every time.Duration) {
	failed, waited := 0, false
	for pause(ctx, k.nextLook(every, failed, waited)) {
		if k.source.remote == nil {
			k.reload(ctx, false)
			continue
		}
		began := time.Now()
		longPoll, err := k.poll(ctx)
		// A server that says it waits, and doesn't, is asked as any other.
		waited = longPoll && time.Since(began) > time.Second
		failed++
		if err == nil {
			failed = 0
		}
	}
}

// rarest is how long a server that can't be reached is left alone, at most.
const rarest = 2 * time.Minute

// nextLook is how long to wait: half as long again or half as long for a server,
// so that many riskds don't ask it all at once.
func (k *packKeeper) nextLook(every time.Duration, failed int, waited bool) time.Duration {
	switch {
	case k.source.remote == nil:
		return every
	case waited:
		return 0
	}
	next := max(every, min(every<<min(failed, 16), rarest))
	return next/2 + rand.N(next)
}

// pause waits, and reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// poll asks the server once, and takes what it has. It holds nothing up meanwhile.
func (k *packKeeper) poll(ctx context.Context) (longPoll bool, err error) {
	k.mu.Lock()
	etag := k.etag
	k.mu.Unlock()
	c, a, err := k.source.fetch(ctx, etag)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.etag != etag { // a reload was quicker
		return false, nil
	}
	if a != nil {
		k.etag = a.ETag
	}
	if c == nil && err == nil { // nothing new
		k.silent.Store(nil)
		return a.LongPoll, nil
	}
	k.take(c, err, false)
	return a != nil && a.LongPoll, err
}
