package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/riskd/riskd"
)

// The first byte of a key says what it's of. Names in keys have their length before
// them, so that no key is the beginning of another.
const (
	keyLayout  = 'm' // + number → names of the signals, by the place of their cell
	keySession = 's' // + id → session
	keyProfile = 'p' // + user, tenant → profile
	keyUser    = 'u' // + user, tenant, session's id → nothing
	keyCrowd   = 'c' // + number of the shard → features of all users
	keyDevice  = 'd' // + device, tenant, session's id → nothing
)

func sessionKey(b []byte, id riskd.SessionID) []byte { return append(append(b, keySession), id[:]...) }

func profileKey(b []byte, of subject) []byte { return subjectKey(b, keyProfile, of.tenant, of.id) }

// indexKey is the key of an entry in an index, but for the session's id.
func indexKey(b []byte, kind riskd.TargetKind, tenant, id string) []byte {
	if kind == riskd.TargetDevice {
		return subjectKey(b, keyDevice, tenant, id)
	}
	return subjectKey(b, keyUser, tenant, id)
}

func subjectKey(b []byte, of byte, tenant, id string) []byte {
	b = nameKey(b, of, id)
	return append(binary.AppendUvarint(b, uint64(len(tenant))), tenant...)
}

// nameKey is what the keys of all tenants' subjects of a name begin with.
func nameKey(b []byte, of byte, id string) []byte {
	return append(binary.AppendUvarint(append(b, of), uint64(len(id))), id...)
}

// after is the least key that is greater than all that begin with prefix.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// pageSize is how many entries are read at once. Between pages nothing is held, so
// that whoever visits them may take his time, and files can go.
const pageSize = 256

// entry is a key and what it holds.
type entry struct{ key, value []byte }

// page reads the first entries from low to below high.
func (a *archive) page(low, high []byte) ([]entry, error) {
	return ask(&a.guard, 0, func(db *pebble.DB) (page []entry, err error) {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
		if err != nil {
			return nil, err
		}
		for ok := it.First(); ok && len(page) < pageSize; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				return nil, errors.Join(err, it.Close())
			}
			both := append(append(make([]byte, 0, len(it.Key())+len(value)), it.Key()...), value...)
			page = append(page, entry{both[:len(it.Key()):len(it.Key())], both[len(it.Key()):]})
		}
		return page, errors.Join(it.Error(), it.Close())
	})
}

// walk visits all entries below a prefix that come after the key start, as long as
// visit says so. What is written meanwhile is visited or not.
func (a *archive) walk(prefix, start []byte, visit func(entry) bool) error {
	high := after(prefix)
	for {
		page, err := a.page(start, high)
		for _, e := range page {
			if !visit(e) {
				return nil
			}
		}
		if err != nil || len(page) < pageSize {
			return err
		}
		start = append(page[len(page)-1].key, 0)
	}
}

// of visits the ids of a user's or a device's sessions, in their order, as long as
// visit says so. kind is TargetUser or TargetDevice.
func (a *archive) of(kind riskd.TargetKind, tenant, id string, visit func(riskd.SessionID) bool) error {
	prefix := indexKey(nil, kind, tenant, id)
	return a.walk(prefix, prefix, func(e entry) bool {
		return visit(riskd.SessionID(e.key[len(prefix):]))
	})
}

// ofAny is of for whichever tenants have a user or a device of that name; the ids
// are in order tenant by tenant.
func (a *archive) ofAny(kind riskd.TargetKind, id string, visit func(riskd.SessionID) bool) error {
	of := byte(keyUser)
	if kind == riskd.TargetDevice {
		of = keyDevice
	}
	prefix := nameKey(nil, of, id)
	return a.walk(prefix, prefix, func(e entry) bool {
		return visit(riskd.SessionID(e.key[len(e.key)-len(riskd.SessionID{}):]))
	})
}

// each visits all sessions after one, in the order of their ids, as long as visit
// says so. What visit is given holds until it returns. A record that can't be read
// is an error, but doesn't keep the others from being visited; a block that can't
// be read does.
func (a *archive) each(after riskd.SessionID, visit func(*stored) bool) error {
	var s stored
	var damaged error
	start := sessionKey(nil, after)
	if !after.IsZero() {
		start = append(start, 0)
	}
	err := a.walk([]byte{keySession}, start, func(e entry) bool {
		id := riskd.SessionID(e.key[1:])
		if err := decodeSession(e.value, &a.layouts, id, &s); err != nil {
			damaged = fmt.Errorf("session %s: %w", id, err)
			return true
		}
		return visit(&s)
	})
	return errors.Join(err, damaged)
}

// loadLayouts reads all layouts, and adds the present one if it is new.
func (a *archive) loadLayouts(cells []string) error {
	a.layouts = layouts{cells: len(cells)}
	it, err := a.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyLayout}, UpperBound: []byte{keyLayout + 1}})
	if err != nil {
		return err
	}
	known, latest := false, uint64(0)
	for ok := it.First(); ok; ok = it.Next() {
		c := codec{b: it.Value(), reading: true}
		var names []string
		c.begin()
		c.strings(&names)
		if err := c.end(); err != nil || len(it.Key()) != 9 {
			return errors.Join(fmt.Errorf("layout of cells: %w", errors.Join(err, errDamaged)), it.Close())
		}
		latest = binary.BigEndian.Uint64(it.Key()[1:])
		a.layouts.know(latest, names, cells)
		if slices.Equal(names, cells) {
			known, a.layouts.current = true, latest
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil || known {
		return err
	}
	a.layouts.current = latest + 1
	a.layouts.know(latest+1, cells, cells)
	var c codec
	c.begin()
	c.strings(&cells)
	return a.db.Set(binary.BigEndian.AppendUint64([]byte{keyLayout}, latest+1), c.b, pebble.Sync)
}
