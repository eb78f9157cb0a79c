//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// canaryKind says where a canary may be found.
type canaryKind uint8

const (
	// secret is a session id, a token or a cookie, or anything where it doesn't
	// belong. It may be nowhere.
	secret canaryKind = iota
	// name is the id of a user, which may be an e-mail address, or of a device. It
	// may be in the folder state, and in answers to operators.
	name
	// erased is the id of a user who is erased in the end. It may be in answers to
	// operators, who have asked before that.
	erased
)

// canary is a value that is sent once.
type canary struct {
	kind  canaryKind
	place string // where it was sent
	value string
	forms [][]byte // how it may be written
}

// canaries are all that were sent.
type canaries struct{ all []*canary }

// add makes a canary for a place.
func (c *canaries) add(kind canaryKind, place string) *canary {
	sum := sha256.Sum256(fmt.Appendf(nil, "canary %d %s", len(c.all), place))
	one := &canary{kind: kind, place: place, value: "cnry" + base64.RawURLEncoding.EncodeToString(sum[:18])}
	one.value = strings.NewReplacer("-", "x", "_", "y").Replace(one.value)
	hash := sha256.Sum256([]byte(one.value))
	one.forms = [][]byte{
		[]byte(one.value), []byte(hex.EncodeToString([]byte(one.value))), []byte(base64.RawStdEncoding.EncodeToString([]byte(one.value))),
		// A hash without a key can be found by whoever has a list of ids.
		hash[:], []byte(hex.EncodeToString(hash[:])), []byte(base64.RawStdEncoding.EncodeToString(hash[:])),
	}
	c.all = append(c.all, one)
	return one
}

// The marks in requests in whose place canaries are put.
var marks = []struct {
	mark string
	kind canaryKind
	form string
}{
	{"{secret}", secret, "%s"},
	{"{mail}", secret, "%s@example.com"}, // where no user's id is asked for
	{"{user}", name, "%s@example.com"},
	{"{device}", name, "%s"},
}

// fill puts a new canary in the place of each mark.
func (c *canaries) fill(place, text string) string {
	for _, m := range marks {
		for strings.Contains(text, m.mark) {
			one := c.add(m.kind, place)
			text = strings.Replace(text, m.mark, fmt.Sprintf(m.form, one.value), 1)
		}
	}
	return text
}

// writing is something that riskd wrote.
type writing struct {
	where string
	kind  writingKind
	text  []byte
}

type writingKind uint8

const (
	public   writingKind = iota // logs, metrics, the audit log, answers to gateways
	operator                    // answers to operators
	kept                        // the folder state
)

// allows reports whether a canary may be in what riskd wrote.
func (w *writing) allows(c *canary) bool {
	return c.kind == name && w.kind != public || c.kind == erased && w.kind == operator
}

// hit is a canary that was found.
type hit struct {
	canary  *canary
	where   string
	allowed bool
}

func (h hit) String() string {
	return fmt.Sprintf("%s has what was sent as %s", h.where, h.canary.place)
}

// find looks for canaries in everything that was written, in one go over it: no
// two forms begin with the same eight bytes, or hardly ever.
func (c *canaries) find(writings []writing) (hits []hit) {
	type form struct {
		canary *canary
		text   []byte
	}
	forms := map[uint64][]form{}
	for _, one := range c.all {
		for _, text := range one.forms {
			start := binary.LittleEndian.Uint64(text)
			forms[start] = append(forms[start], form{one, text})
		}
	}
	for i := range writings {
		w := &writings[i]
		found := map[*canary]bool{}
		for at := 0; at+8 <= len(w.text); at++ {
			for _, f := range forms[binary.LittleEndian.Uint64(w.text[at:])] {
				if bytes.HasPrefix(w.text[at:], f.text) && !found[f.canary] {
					found[f.canary] = true
					hits = append(hits, hit{f.canary, w.where, w.allows(f.canary)})
				}
			}
		}
	}
	return hits
}
