package riskd

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"sync"
	"time"
)

// SessionID stands for a session everywhere inside riskd: a keyed hash of the
// tenant and the id that the gateway uses. The raw id never gets past the
// border, so that a log, a dump or a metric can't be replayed as a cookie.
type SessionID [16]byte

const refPrefix = "s_"

var refEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// String is the public reference, s_ and 26 characters; it is safe to show.
func (id SessionID) String() string { return refPrefix + refEncoding.EncodeToString(id[:]) }

// LogValue logs the reference.
func (id SessionID) LogValue() slog.Value { return slog.StringValue(id.String()) }

// Mark is a part of the id, enough to tell a user's sessions apart; 0 for no id.
func (id SessionID) Mark() uint64 { return binary.LittleEndian.Uint64(id[:]) }

// IsZero reports whether the id is missing.
func (id SessionID) IsZero() bool { return id == SessionID{} }

// ParseSessionRef reads a public reference back.
func ParseSessionRef(s string) (SessionID, error) {
	var id SessionID
	if len(s) != len(refPrefix)+26 || s[:len(refPrefix)] != refPrefix {
		return id, fmt.Errorf("session reference must be %q and 26 characters", refPrefix)
	}
	raw, err := refEncoding.DecodeString(s[len(refPrefix):])
	if err != nil || len(raw) != len(id) {
		return id, errors.New("session reference holds characters that no reference has")
	}
	copy(id[:], raw)
	if id.String() != s {
		return id, errors.New("session reference is not in its canonical form")
	}
	return id, nil
}

// SessionKey turns the session ids that gateways send into SessionIDs.
type SessionKey struct{ macs sync.Pool }

// MinSessionKey is the shortest secret that NewSessionKey takes, in bytes: what
// HMAC-SHA256 needs to be as strong as its output (RFC 2104 §3).
const MinSessionKey = 32

// NewSessionKey makes a key from a secret of at least 32 bytes, which has to
// be the same on every instance that shares state.
func NewSessionKey(secret []byte) (*SessionKey, error) {
	if len(secret) < MinSessionKey {
		return nil, fmt.Errorf("session key: is %d bytes long; it needs %d or more, such as the output of `openssl rand 32`", len(secret), MinSessionKey)
	}
	own := append([]byte(nil), secret...)
	k := &SessionKey{}
	k.macs.New = func() any { return &macState{mac: hmac.New(sha256.New, own)} }
	return k, nil
}

type macState struct {
	mac hash.Hash
	in  []byte
	sum [sha256.Size]byte
}

// Ref gives the reference of something that has a name within its tenant, such as
// a user: the kind, _, and 26 characters, by which it can be told apart but not
// named. It is HMAC-SHA256 under the key, over what no session id is hashed over.
func (k *SessionKey) Ref(kind, tenant, name string) string {
	ref := k.sum(kind, tenant, name)
	return kind + "_" + refEncoding.EncodeToString(ref[:])
}

// Subject gives the id of the session that a subject has whose requests carry none:
// all that it does from started on is one session, and what it does altogether where
// nobody knows when that was. It is hashed over what no session id is hashed over.
func (k *SessionKey) Subject(tenant, kind, name string, started time.Time) SessionID {
	since := ""
	if !started.IsZero() {
		since = started.UTC().Format(time.RFC3339Nano)
	}
	return k.sum("subject", tenant, kind, name, since)
}

// sum hashes what has a name within its tenant, under the key.
func (k *SessionKey) sum(parts ...string) (out SessionID) {
	s := k.macs.Get().(*macState)
	s.in = binary.BigEndian.AppendUint32(s.in[:0], noTenantLength)
	for _, part := range parts {
		s.in = binary.BigEndian.AppendUint32(s.in, uint32(len(part)))
		s.in = append(s.in, part...)
	}
	s.mac.Reset()
	s.mac.Write(s.in)
	copy(out[:], s.mac.Sum(s.sum[:0]))
	clear(s.in)
	k.macs.Put(s)
	return out
}

// Mark gives a number by which a name within a tenant can be told apart, 0 for no
// name: a part of what Ref is made of.
func (k *SessionKey) Mark(kind, tenant, name string) uint64 {
	if name == "" {
		return 0
	}
	sum := k.sum(kind, tenant, name)
	return sum.Mark() | 1
}

// noTenantLength is longer than any tenant's name.
const noTenantLength = 1<<32 - 1

// ID hashes a raw session id: HMAC-SHA256 over the length-prefixed tenant and
// the id, cut to 128 bits. An empty raw id gives the zero SessionID.
func (k *SessionKey) ID(tenant, raw string) SessionID {
	var id SessionID
	if raw == "" {
		return id
	}
	s := k.macs.Get().(*macState)
	s.in = binary.BigEndian.AppendUint32(s.in[:0], uint32(len(tenant)))
	s.in = append(append(s.in, tenant...), raw...)
	s.mac.Reset()
	s.mac.Write(s.in)
	copy(id[:], s.mac.Sum(s.sum[:0]))
	clear(s.in)
	k.macs.Put(s)
	return id
}
