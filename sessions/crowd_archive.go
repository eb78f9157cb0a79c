package sessions

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// crowdEvery is how often what is counted of all users is written: a crash loses as
// much of it, and nothing hangs on a count.
const crowdEvery = time.Minute

// leastFeature is how many bytes a feature takes in a record at least.
const leastFeature = 8 + 1 + 1 + 1 + 4*8

// writeCrowd writes the shards that have changed.
func (s *Store) writeCrowd() error {
	s.writer.crowd.Lock()
	defer s.writer.crowd.Unlock()
	for i := range s.crowd.shards {
		shard := &s.crowd.shards[i]
		w := s.archive.begin()
		shard.Lock()
		changed := shard.changed
		shard.changed = false
		if changed {
			w.set([]byte{keyCrowd, byte(i)}, w.codec.encodeCrowd(shard))
		}
		shard.Unlock()
		if err := w.commit(); err != nil {
			shard.Lock()
			shard.changed = true
			shard.Unlock()
			return fmt.Errorf("what is usual among all users can't be written to the archive: %w", err)
		}
	}
	return nil
}

// readCrowd reads all shards. Of what is damaged nothing is taken, and counting
// begins anew.
func (s *Store) readCrowd() error {
	it, err := s.archive.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyCrowd}, UpperBound: []byte{keyCrowd + 1}})
	if err != nil {
		return err
	}
	var damaged error
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		if len(key) != 2 || key[1] >= crowdShards {
			continue
		}
		shard := &s.crowd.shards[key[1]]
		c := codec{b: it.Value(), reading: true}
		c.crowd(shard)
		if err := c.end(); err != nil {
			shard.features, damaged = nil, fmt.Errorf("what is usual among all users: %w", err)
		}
		shard.at = make(map[uint64]int32, len(shard.features))
		for i := range shard.features {
			shard.at[shard.features[i].key] = int32(i)
		}
	}
	s.unreadable(damaged)
	return errors.Join(it.Error(), it.Close())
}

func (c *codec) encodeCrowd(s *crowdShard) []byte {
	c.b, c.last = c.b[:0], 0
	c.crowd(s)
	return c.b
}

func (c *codec) crowd(s *crowdShard) {
	c.begin()
	signed(c, &s.hand)
	list(c, &s.features, leastFeature, (*codec).feature)
	if len(s.features) > crowdFeatures || s.hand < 0 || s.hand >= crowdFeatures {
		s.features, s.hand = nil, 0
		c.fail(errDamaged)
	}
}

func (c *codec) feature(f *feature) {
	c.fixed(&f.key)
	c.float(&f.count)
	signed(c, &f.at)
	signed(c, &f.day)
	for _, u := range [...]*users{&f.today, &f.before} {
		for i := range u {
			c.fixed(&u[i])
		}
	}
}
