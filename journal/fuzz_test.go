package journal_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

var lineStart = regexp.MustCompile(`[0-9a-f]{8} [0-9]+ [0-9]+ [ce] $`)

// Whatever a file holds, nothing is replayed that doesn't stand there with its
// checksum; what Open takes it takes again, and so with what it repaired.
func FuzzReplay(f *testing.F) {
	log := written(f, 2, 1)[:700]
	f.Add(log)
	f.Add(append(bytes.Clone(log[:300]), make([]byte, 200)...))
	f.Add(bytes.Replace(log, []byte("\n"), []byte("x"), 3))
	f.Add(append(bytes.Clone(log[:200]), log[300:]...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, repair := range []bool{false, true} {
			mem := vfs.NewMem()
			put(t, mem, onlyFile, b)
			o := journal.Options{FS: mem, Dir: "d", Name: "orders", Repair: repair}
			c := collector{}
			j, _, err := journal.Open(o, c.replay)
			for i, p := range c.payloads {
				if !stands(b, c.seqs[i], []byte(p)) {
					t.Fatalf("record %d, %q, isn't there", c.seqs[i], p)
				}
			}
			if err != nil {
				continue
			}
			closed(t, j)
			o.Repair = false
			j, again, _ := open(t, o)
			closed(t, j)
			if !slices.Equal(again.payloads, c.payloads) || !slices.Equal(again.seqs, c.seqs) {
				t.Fatalf("%q, and then %q", c.payloads, again.payloads)
			}
		}
	})
}

// stands looks for a record without the journal's own code.
func stands(b []byte, seq uint64, payload []byte) bool {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], payload)
		if i < 0 {
			return false
		}
		at += i
		start := lineStart.Find(b[:at])
		if start == nil {
			continue
		}
		body := slices.Concat(start[9:], payload)
		sum := fmt.Sprintf("%08x", crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		if sum == string(start[:8]) && bytes.HasPrefix(body, fmt.Appendf(nil, "%d ", seq)) {
			return true
		}
	}
}
