package sessions

import (
	"math"
	"math/bits"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// Bounds of what is counted of all users together, for whom the fewest have a
// feature makes room: some 25 MB at the most.
const (
	crowdShards   = 64
	crowdFeatures = 4096 // a shard
	crowdHalfLife = 30 * 24 * time.Hour
	crowdProbe    = 8 // how many of a shard's features are looked at for one that goes
)

// crowd counts how usual features are among all users. What it holds are hashes
// and counts: neither a user nor a device can be told from it.
type crowd struct{ shards [crowdShards]crowdShard }

type crowdShard struct {
	sync.Mutex
	at       map[uint64]int32 // places of features
	features []feature
	hand     int // where to look next for one that goes
	changed  bool
}

// feature is one that some user was seen with.
type feature struct {
	key           uint64
	count         float64 // as of at; it fades
	at            int64   // Unix seconds
	day           int64   // UTC, counted from 1970
	today, before users   // on day, and on the one before
}

// users estimates how many different ones there were, by linear counting (Whang et
// al. 1990) in 128 bits.
type users [2]uint64

func (u *users) add(hash uint64) { u[hash>>6&1] |= 1 << (hash & 63) }

func (u *users) number() float64 {
	const size = 128
	free := size - bits.OnesCount64(u[0]) - bits.OnesCount64(u[1])
	return size * math.Log(size/max(float64(free), 2)) // full says no more than nearly full
}

// The kinds of feature, in the order of traits.
const (
	traitAll = iota
	traitPrefix
	traitASN
	traitCountry
	traitAgent
	traitBrowser
	traitStack
	traitLanguage
	traitDevice
	traitPrint
	traits
)

// traitsOf gives the keys of an event's features, 0 for those that it hasn't got.
func traitsOf(e *riskd.Event, a riskd.Agent) (keys [traits]uint64) {
	here, mark := riskd.ContextOf(e), riskd.MarkOf(&e.Device)
	of := func(trait int, known bool, parts ...uint64) {
		if known {
			h := text(uint64(trait)+1, e.Tenant)
			for _, p := range parts {
				h = mix(h, p)
			}
			keys[trait] = h | 1
		}
	}
	browser := text(text(0, a.Family), a.OS)
	stack := riskd.StackOf(e.Client.JA4)
	of(traitAll, true)
	of(traitPrefix, here.Prefix != 0, uint64(here.Prefix))
	of(traitASN, here.ASN != 0, uint64(here.ASN))
	of(traitCountry, here.Country != riskd.Country{}, uint64(here.Country[0])<<8|uint64(here.Country[1]))
	of(traitAgent, a.Family != "", browser, uint64(a.Major))
	of(traitBrowser, a.Family != "", browser)
	of(traitStack, a.Family != "" && stack != "", browser, text(0, stack))
	of(traitLanguage, e.Client.Language != "", text(0, e.Client.Language))
	of(traitDevice, mark.ID != 0, mark.ID)
	of(traitPrint, mark.Fingerprint != 0, mark.Fingerprint)
	return keys
}

// text and mix are FNV-1a over strings and numbers, with an end to every part.
func text(h uint64, s string) uint64 {
	h ^= 14695981039346656037
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h, uint64(len(s)))
}

func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0x9e3779b97f4a7c15, 0xd1342543de82ef95)
	return hi ^ lo
}

// Crowd gives how usual an event's features are among all users of its tenant.
func (s *Store) Crowd(e *riskd.Event, a riskd.Agent, now time.Time) riskd.Crowd {
	keys := traitsOf(e, a)
	var found [traits]riskd.Popularity
	for i, key := range keys {
		if key != 0 {
			found[i] = s.crowd.shards[key>>58].look(key, now)
		}
	}
	return riskd.Crowd{
		Looked: true, Arrivals: found[traitAll].Count,
		Prefix: found[traitPrefix], ASN: found[traitASN], Country: found[traitCountry],
		Agent: found[traitAgent], Browser: found[traitBrowser], Stack: found[traitStack],
		Language: found[traitLanguage], Device: found[traitDevice], Print: found[traitPrint],
	}
}

// count takes an arrival in; learned says that it speaks for what is usual.
func (c *crowd) count(e *riskd.Event, a riskd.Agent, now time.Time, learned bool) {
	user := text(text(0, e.Tenant), e.User.ID)
	for _, key := range traitsOf(e, a) {
		if key != 0 {
			c.shards[key>>58].count(key, user, now, learned)
		}
	}
}

func (s *crowdShard) look(key uint64, now time.Time) riskd.Popularity {
	s.Lock()
	defer s.Unlock()
	place, ok := s.at[key]
	if !ok {
		return riskd.Popularity{}
	}
	f := s.features[place] // a copy: to look changes nothing
	f.turn(now)
	return riskd.Popularity{Count: f.count, Users: f.today.number(), Before: f.before.number()}
}

func (s *crowdShard) count(key, user uint64, now time.Time, learned bool) {
	s.Lock()
	defer s.Unlock()
	place, ok := s.at[key]
	if !ok {
		place = s.place(now)
		s.features[place] = feature{key: key, at: now.Unix(), day: dayOf(now)}
		s.at[key] = place
	}
	f := &s.features[place]
	f.turn(now)
	switch dayOf(now) {
	case f.day:
		f.today.add(user)
	case f.day - 1:
		f.before.add(user)
	}
	if learned {
		f.count++
	}
	s.changed = true
}

// place gives a place for a new feature. At the bound the least usual one of the
// next few goes: always the same for the same events.
func (s *crowdShard) place(now time.Time) int32 {
	if s.at == nil {
		s.at = map[uint64]int32{}
	}
	if len(s.features) < crowdFeatures {
		s.features = append(s.features, feature{})
		return int32(len(s.features) - 1)
	}
	least, fewest := 0, math.Inf(1)
	for range crowdProbe {
		s.hand = (s.hand + 1) % len(s.features)
		f := s.features[s.hand]
		f.turn(now)
		if n := f.count + f.today.number() + f.before.number(); n < fewest {
			least, fewest = s.hand, n
		}
	}
	delete(s.at, s.features[least].key)
	return int32(least)
}

// turn brings a feature up to date. What comes late changes nothing.
func (f *feature) turn(now time.Time) {
	if passed := now.Unix() - f.at; passed > 0 {
		f.count *= math.Exp2(-float64(passed) / crowdHalfLife.Seconds())
		f.at = now.Unix()
	}
	switch day := dayOf(now); {
	case day == f.day+1:
		f.before, f.today, f.day = f.today, users{}, day
	case day > f.day:
		f.before, f.today, f.day = users{}, users{}, day
	}
}

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }
