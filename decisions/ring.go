package decisions

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// Ring keeps the last decisions. It is safe for concurrent use: decisions are
// spread over shards, so that those who decide hardly ever meet, and never wait for
// longer than it takes to look through one.
type Ring struct {
	shards []shard
}

// Options are a ring's bounds.
type Options struct {
	// Keep is how many decisions are kept, half of which are allow; 0 is none.
	Keep int
}

// More shards than that, or smaller ones, would be of no use.
const (
	maxShards = 16
	minShard  = 256
)

// shard is part of a ring: two lists in each of which the oldest makes room.
type shard struct {
	mu      sync.Mutex
	allowed list
	others  list
}

// list is a list of fixed room.
type list struct {
	kept []riskd.KeptDecision
	next int // the oldest, once the list is full
	room int
}

// New makes a ring.
func New(o Options) (*Ring, error) {
	if o.Keep < 0 {
		return nil, errors.New("decisions.Options.Keep: must not be negative")
	}
	n := min(max(1, o.Keep/minShard), maxShards)
	r := &Ring{shards: make([]shard, n)}
	for i := range r.shards { // so that the parts add up
		r.shards[i].allowed.room = (o.Keep/2 + i) / n
		r.shards[i].others.room = (o.Keep - o.Keep/2 + i) / n
	}
	return r, nil
}

// Record keeps a decision. It has the shape that scoring.Options wants.
func (r *Ring) Record(in *riskd.Record) {
	s := r.shard(in.Decision.ID)
	l := &s.others
	if in.Decision.Outcome == riskd.Allow {
		l = &s.allowed
	}
	if l.room == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.kept) < l.room {
		l.kept = append(l.kept, in.Keep())
		return
	}
	l.kept[l.next] = in.Keep()
	l.next = (l.next + 1) % l.room
}

// shard is chosen by an id's end, which is random.
func (r *Ring) shard(id string) *shard {
	h := uint32(2166136261) // FNV-1a
	for i := max(0, len(id)-6); i < len(id); i++ {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return &r.shards[uint64(h)*uint64(len(r.shards))>>32]
}

// Decision finds a decision by its id.
func (r *Ring) Decision(id string) (riskd.KeptDecision, bool) {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range []*list{&s.others, &s.allowed} {
		for i := range l.kept {
			if l.kept[i].ID == id {
				return l.kept[i], true
			}
		}
	}
	return riskd.KeptDecision{}, false
}

// Filter chooses decisions; its zero fields let everything through.
type Filter = struct {
	Session riskd.SessionID
	Tenant  string
	User    string
	Outcome riskd.Outcome
	Reason  string // a code that the decision names
	Since   time.Time
	Cursor  string // the id of the last decision of the page before
	Limit   int
}

// List gives the decisions that a filter lets through, the newest first, and the
// cursor of the next page, "" after the last. Ids sort by time, and the order is
// theirs.
func (r *Ring) List(f Filter) (page []riskd.KeptDecision, next string) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, l := range []*list{&s.others, &s.allowed} {
			for j := range l.kept {
				if k := &l.kept[j]; matches(&f, k) {
					page = append(page, *k)
				}
			}
		}
		s.mu.Unlock()
		page = newest(page, f.Limit+1)
	}
	if len(page) > f.Limit {
		page = page[:f.Limit]
		next = page[f.Limit-1].ID
	}
	return page, next
}

// newest sorts decisions and cuts them to a number.
func newest(page []riskd.KeptDecision, n int) []riskd.KeptDecision {
	slices.SortFunc(page, func(a, b riskd.KeptDecision) int { return strings.Compare(b.ID, a.ID) })
	return page[:min(len(page), n)]
}

func matches(f *Filter, k *riskd.KeptDecision) bool {
	return k.ID != "" && (f.Cursor == "" || k.ID < f.Cursor) &&
		(f.Session.IsZero() || k.Session == f.Session) && (f.Tenant == "" || k.Tenant == f.Tenant) && (f.User == "" || k.User == f.User) &&
		(f.Outcome == riskd.NoOutcome || k.Outcome == f.Outcome) && !k.At.Before(f.Since) &&
		(f.Reason == "" || slices.ContainsFunc(k.Reasons, func(r riskd.Reason) bool { return r.Code == f.Reason }))
}

// Span is how many decisions are kept, and when the oldest was taken.
type Span = struct {
	Kept   int
	Oldest time.Time
}

// Spans are those of the decisions that were allow, and of all others.
func (r *Ring) Spans() (allowed, others Span) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.allowed.span(&allowed)
		s.others.span(&others)
		s.mu.Unlock()
	}
	return allowed, others
}

func (l *list) span(s *Span) {
	for i := range l.kept {
		if k := &l.kept[i]; k.ID != "" {
			s.Kept++
			if s.Oldest.IsZero() || k.At.Before(s.Oldest) {
				s.Oldest = k.At
			}
		}
	}
}

// Forget drops what is kept of a user, and says how many decisions that were. Their
// room is used again in its turn.
func (r *Ring) Forget(tenant, user string) int {
	forgotten := 0
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, l := range []*list{&s.others, &s.allowed} {
			for j := range l.kept {
				if k := &l.kept[j]; k.Tenant == tenant && k.User == user && k.ID != "" {
					*k = riskd.KeptDecision{}
					forgotten++
				}
			}
		}
		s.mu.Unlock()
	}
	return forgotten
}
