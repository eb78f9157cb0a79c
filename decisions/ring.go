package decisions

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
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
	Cursor  string
	Limit   int
}

// List gives the decisions that a filter lets through, the newest first, and the
// cursor of the next page, "" after the last. A cursor that it never gave is an
// error.
func (r *Ring) List(f Filter) (page []riskd.KeptDecision, next string, err error) {
	var after place
	if f.Cursor != "" {
		if after, err = parsePlace(f.Cursor); err != nil {
			return nil, "", err
		}
	}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, l := range []*list{&s.others, &s.allowed} {
			for j := range l.kept {
				if k := &l.kept[j]; matches(&f, k) && (f.Cursor == "" || placeOf(k).compare(after) > 0) {
					page = append(page, *k)
				}
			}
		}
		s.mu.Unlock()
		slices.SortFunc(page, func(a, b riskd.KeptDecision) int { return placeOf(&a).compare(placeOf(&b)) })
		page = page[:min(len(page), f.Limit+1)]
	}
	if len(page) > f.Limit {
		page = page[:f.Limit]
		next = placeOf(&page[f.Limit-1]).String()
	}
	return page, next, nil
}

func matches(f *Filter, k *riskd.KeptDecision) bool {
	return k.ID != "" &&
		(f.Session.IsZero() || k.Session == f.Session) && (f.Tenant == "" || k.Tenant == f.Tenant) && (f.User == "" || k.User == f.User) &&
		(f.Outcome == riskd.NoOutcome || k.Outcome == f.Outcome) && !k.At.Before(f.Since) &&
		(f.Reason == "" || slices.ContainsFunc(k.Reasons, func(r riskd.Reason) bool { return r.Code == f.Reason }))
}

// place is where a decision stands in lists: by its time, and among those of one
// time by its id.
type place struct {
	at int64 // Unix nanoseconds
	id string
}

func placeOf(k *riskd.KeptDecision) place { return place{k.At.UnixNano(), k.ID} }

// compare gives the newer one first.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(q.at, p.at), strings.Compare(q.id, p.id))
}

func (p place) String() string { return strconv.FormatInt(p.at, 10) + "." + p.id }

func parsePlace(s string) (place, error) {
	at, id, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return place{}, errors.New("is none that was given")
	}
	return place{n, id}, nil
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
