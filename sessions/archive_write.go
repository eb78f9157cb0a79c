package sessions

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/riskd/riskd"
)

// writing is a batch that is being put together: what it does happens at commit,
// all of it or nothing. It is for one goroutine; nobody has to commit it.
type writing struct {
	a     *archive
	batch pebble.Batch
	codec codec
	key   []byte
	err   error
}

// indexed are the names that the indexes have of a session; the zero value is that
// of a session that isn't in the archive.
type indexed struct{ tenant, user, device string }

// indexedOf gives the names that the indexes have of a session that was read.
func indexedOf(s *stored) indexed { return indexed{s.Tenant, s.User, s.DeviceID} }

// begin begins a batch.
func (a *archive) begin() *writing { return a.buffers.Get().(*writing) }

// session writes a session, of which it keeps nothing. was are its names in the
// indexes: what the last write of the session gave, indexedOf if it was read since,
// and zero if the archive was asked and doesn't have it. Anything else leaves
// entries in the indexes that nobody removes.
func (w *writing) session(s *stored, was indexed) indexed {
	now := indexedOf(s)
	w.move(s.ID, was, now)
	w.set(sessionKey(w.key[:0], s.ID), w.codec.encodeSession(s))
	return now
}

// forget removes a session; was is what it is for session.
func (w *writing) forget(id riskd.SessionID, was indexed) {
	w.move(id, was, indexed{})
	w.remove(sessionKey(w.key[:0], id))
}

func (w *writing) profile(key subject, p *riskd.Profile) {
	w.set(profileKey(w.key[:0], key), w.codec.encodeProfile(p))
}

func (w *writing) forgetProfile(key subject) { w.remove(profileKey(w.key[:0], key)) }

// move brings the indexes from one of a session's names to the other.
func (w *writing) move(id riskd.SessionID, was, now indexed) {
	if was == now {
		return
	}
	for _, in := range [...]struct {
		kind     riskd.TargetKind
		was, now string
	}{{riskd.TargetUser, was.user, now.user}, {riskd.TargetDevice, was.device, now.device}} {
		if in.was == in.now && was.tenant == now.tenant {
			continue
		}
		if in.was != "" {
			w.remove(append(indexKey(w.key[:0], in.kind, was.tenant, in.was), id[:]...))
		}
		if in.now != "" {
			w.set(append(indexKey(w.key[:0], in.kind, now.tenant, in.now), id[:]...), nil)
		}
	}
}

func (w *writing) set(key, value []byte) {
	w.key = key
	w.err = errors.Join(w.err, w.batch.Set(key, value, nil))
}

func (w *writing) remove(key []byte) {
	w.key = key
	w.err = errors.Join(w.err, w.batch.Delete(key, nil))
}

// commit writes the batch, which outlasts the process from then on; sync sees to
// it that it outlasts the machine. The writing is of no use any more.
func (w *writing) commit() error {
	if w.err != nil {
		return w.err
	}
	if !w.batch.Empty() {
		_, err := ask(&w.a.guard, w.a.patience, func(db *pebble.DB) (none, error) {
			return none{}, db.Apply(&w.batch, pebble.NoSync)
		})
		if err != nil {
			return err
		}
	}
	w.batch.Reset()
	w.a.buffers.Put(w)
	return nil
}
