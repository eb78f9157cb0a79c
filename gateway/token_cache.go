package gateway

import (
	"crypto/sha256"
	"sync"
)

// tokens are those that were found good under one version of the keys, so that an
// RSA signature isn't computed for every request of a session. Only good tokens get
// in, so nobody can push them out without having as many; whether they have ended
// is asked each time.
type tokens struct {
	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]*identity
}

// maxTokens is how many are kept twice over; what isn't used as long as as many
// others came is dropped. Each takes some 300 bytes.
const maxTokens = 8192

func digest(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

func (t *tokens) get(sum [sha256.Size]byte) *identity {
	t.mu.RLock()
	who, young := t.young[sum]
	if !young {
		who = t.old[sum]
	}
	t.mu.RUnlock()
	if who != nil && !young {
		t.put(sum, who)
	}
	return who
}

func (t *tokens) put(sum [sha256.Size]byte, who *identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= maxTokens {
		t.young, t.old = map[[sha256.Size]byte]*identity{}, t.young
	}
	t.young[sum] = who
}
