package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

const (
	onlyFile = "d/orders-000001.log"
	records  = 100
)

// logs are files of a hundred records that were written in different ways.
func logs(t *testing.T) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"a write each":    written(t, 1, 1),
		"batches of five": written(t, 5, 1),
		"one write":       written(t, 1, records),
		"rewritten":       rewritten(t),
	}
}

func payload(i int) string { return fmt.Sprintf(`{"record":%d}`, i) }

// written gives a file of 100 records in batches, so many of which were written
// at once.
func written(t testing.TB, batch, group int) []byte {
	t.Helper()
	mem := vfs.NewMem()
	var hold, held chan struct{}
	fs := &disk{FS: mem, before: func(op string, _ int64) error {
		if op == "write" && hold != nil {
			h := hold
			hold = nil
			close(held)
			<-h
		}
		return nil
	}}
	j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
	next := 1
	for next <= records {
		if group == 1 {
			appended(t, j, batchOf(&next, batch)...)
			continue
		}
		hold, held = make(chan struct{}), make(chan struct{})
		release := hold
		first := j.Append(bytesOf(batchOf(&next, batch))...)
		<-held
		for range group - 1 {
			j.Append(bytesOf(batchOf(&next, batch))...)
		}
		close(release)
		if err := errors.Join(first.Wait(t.Context()), j.Append().Wait(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, j)
	return contents(t, mem, onlyFile)
}

func batchOf(next *int, n int) []string {
	var out []string
	for ; len(out) < n && *next <= records; *next++ {
		out = append(out, payload(*next))
	}
	return out
}

func rewritten(t testing.TB) []byte {
	t.Helper()
	mem := vfs.NewMem()
	j, _, _ := open(t, journal.Options{FS: mem, Dir: "d", Name: "orders"})
	err := j.Rewrite(t.Context(), func(yield func([]byte) bool) {
		for i := range records {
			if !yield([]byte(payload(i + 1))) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, j)
	return contents(t, mem, "d/orders-000002.log")
}

func reopen(t *testing.T, log []byte, repair bool) (*vfs.MemFS, *collector, journal.Report, error) {
	t.Helper()
	mem := vfs.NewMem()
	put(t, mem, onlyFile, log)
	var c collector
	j, report, err := journal.Open(journal.Options{FS: mem, Dir: "d", Name: "orders", Repair: repair}, c.replay)
	if err == nil {
		closed(t, j)
	}
	return mem, &c, report, err
}

func TestEveryByteDamaged(t *testing.T) {
	t.Parallel()
	damage := map[string]func(byte) byte{
		"a bit": func(b byte) byte { return b ^ 0x01 }, "newline": func(byte) byte { return '\n' }, "NUL": func(byte) byte { return 0 },
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for name, log := range logs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := bytes.Count(log, []byte("\n")); n < records+1 {
				t.Fatalf("%d lines", n)
			}
			for kind, change := range damage {
				for at := 0; at < len(log); at += step {
					damaged := bytes.Clone(log)
					if damaged[at] = change(log[at]); damaged[at] == log[at] {
						continue
					}
					checkDamaged(t, log, damaged, at, kind)
				}
			}
		})
	}
}

// checkDamaged opens a file that was damaged at one byte: it is refused or nothing
// is missing; repaired, nothing is missing but the record that was hit.
func checkDamaged(t *testing.T, log, damaged []byte, at int, kind string) {
	t.Helper()
	_, c, _, err := reopen(t, damaged, false)
	var d *journal.Damage
	switch {
	case err == nil && len(c.payloads) != records:
		t.Fatalf("%s at %d: %d of %d records, and no error", kind, at, len(c.payloads), records)
	case err == nil:
		return
	case !errors.As(err, &d) || d.File != onlyFile || !strings.Contains(err.Error(), "--repair"):
		t.Fatalf("%s at %d: %v", kind, at, err)
	case kind != "a bit":
		return // a repair knows no more than that the line is wrong
	}
	mem, c, report, err := reopen(t, damaged, true)
	if err != nil {
		t.Fatalf("%s at %d: repair: %v", kind, at, err)
	}
	hit := bytes.Count(log[:at], []byte("}")) // the number of the line's record, 0 for the header
	if log[at] == '\n' {
		hit--
	}
	var want []string
	for i := 1; i <= records; i++ {
		if i != hit {
			want = append(want, payload(i))
		}
	}
	if !slices.Equal(c.payloads, want) {
		t.Fatalf("%s at %d in record %d: repair keeps %d records", kind, at, hit, len(c.payloads))
	}
	line := 1 + bytes.Count(log[:at], []byte("\n"))
	if len(report.Lost) != 1 || report.Lost[0].From != uint64(hit) || report.Lost[0].To != uint64(hit) || report.Lost[0].Line != line {
		t.Fatalf("%s at %d in record %d: report: %v", kind, at, hit, report)
	}
	if !bytes.Equal(contents(t, mem, onlyFile+".damaged"), damaged) {
		t.Fatalf("%s at %d: the damaged file was not kept", kind, at)
	}
	var again collector
	j, report, err := journal.Open(journal.Options{FS: mem, Dir: "d", Name: "orders"}, again.replay)
	if err != nil || !slices.Equal(again.payloads, want) || hit > 0 && report.Gaps != 1 {
		t.Fatalf("%s at %d: after the repair: %d records, %v, %v", kind, at, len(again.payloads), report, err)
	}
	closed(t, j)
}

func TestTruncatedAtEveryByte(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]int{"one": 1, "four": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := written(t, batch, 1)
			for at := range log {
				for _, tail := range []string{"", strings.Repeat("\x00", 700)} {
					mem, c, report, err := reopen(t, append(bytes.Clone(log[:at]), tail...), false)
					if err != nil {
						t.Fatalf("at %d: %v", at, err)
					}
					whole := max(bytes.Count(log[:at], []byte("}"))-1, 0)
					if whole -= whole % batch; whole != len(c.payloads) {
						t.Fatalf("at %d: %d records, want %d", at, len(c.payloads), whole)
					}
					if tail != "" {
						continue
					}
					j, again, second := open(t, journal.Options{FS: mem, Dir: "d", Name: "orders"})
					if !slices.Equal(again.payloads, c.payloads) || second.Torn.File != "" {
						t.Fatalf("at %d: %v and then %v", at, report, second)
					}
					closed(t, j)
				}
			}
		})
	}
}

// A journal of several files, one of which somebody changed.
func TestFilesDamaged(t *testing.T) {
	t.Parallel()
	lines := func(b []byte) [][]byte { return bytes.SplitAfter(b, []byte("\n")) }
	tests := map[string]struct {
		change func(t *testing.T, fs *vfs.MemFS)
		place  string // in the error; empty if nothing is lost
		want   string
		lost   int
	}{
		"the second is missing": {
			func(t *testing.T, fs *vfs.MemFS) { check1(t, fs.Remove("d/orders-000002.log")) },
			"d/orders-000001.log:5", "records 4 to 6 are missing", 3,
		},
		"the first is missing": {
			func(t *testing.T, fs *vfs.MemFS) { check1(t, fs.Remove("d/orders-000001.log")) },
			"d/orders-000002.log:1", "records 1 to 3 are missing", 3,
		},
		"the second ends early": {
			func(t *testing.T, fs *vfs.MemFS) {
				b := contents(t, fs, "d/orders-000002.log")
				put(t, fs, "d/orders-000002.log", b[:len(b)-20])
			}, "d/orders-000002.log:4", "record 6 can't be read", 1,
		},
		"two lines are swapped": {
			func(t *testing.T, fs *vfs.MemFS) {
				l := lines(contents(t, fs, "d/orders-000002.log"))
				l[1], l[2] = l[2], l[1]
				put(t, fs, "d/orders-000002.log", bytes.Join(l, nil))
			}, "d/orders-000002.log:2", "record 4 is missing", 1,
		},
		"a line is there twice": {
			func(t *testing.T, fs *vfs.MemFS) {
				l := lines(contents(t, fs, "d/orders-000002.log"))
				put(t, fs, "d/orders-000002.log", bytes.Join(slices.Insert(l, 2, l[1]), nil))
			}, "", "", 0,
		},
		"a file is nothing but garbage": {
			func(t *testing.T, fs *vfs.MemFS) {
				put(t, fs, "d/orders-000002.log", []byte("so\nmuch\nfor\nthat\n"))
			}, "d/orders-000002.log:1", "the header", 3,
		},
		"blocks of the second were lost": {
			func(t *testing.T, fs *vfs.MemFS) {
				b := contents(t, fs, "d/orders-000002.log")
				clear(b[200:])
				put(t, fs, "d/orders-000002.log", b)
			}, "d/orders-000002.log:3", "records 5 to 6 can't be read", 2,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			o := journal.Options{FS: fs, Dir: "d", Name: "orders", SegmentBytes: 300}
			j, _, _ := open(t, o)
			for i := range 9 {
				appended(t, j, fmt.Sprintf(`{"record":%d,"pad":%q}`, i+1, strings.Repeat("x", 80)))
			}
			closed(t, j)
			test.change(t, fs)
			var c collector
			j, _, err := journal.Open(o, c.replay)
			if test.place == "" {
				if err != nil || len(c.payloads) != 9 {
					t.Fatalf("%d records, %v", len(c.payloads), err)
				}
				closed(t, j)
				return
			}
			var d *journal.Damage
			if !errors.As(err, &d) {
				t.Fatalf("opened: %v", err)
			}
			report, rerr := journal.Read(o, func(journal.Record) error { return nil })
			said := report.String()
			if rerr != nil || !strings.Contains(said, test.place) || !strings.Contains(said, test.want) {
				t.Fatalf("%v, %v; want %s: %s", said, rerr, test.place, test.want)
			}
			o.Repair = true
			j, kept, report := open(t, o)
			if len(kept.payloads) != 9-test.lost || len(report.Lost) == 0 {
				t.Fatalf("repair keeps %d records: %v", len(kept.payloads), report)
			}
			appended(t, j, `{"after":true}`)
			closed(t, j)
			o.Repair = false
			j, again, _ := open(t, o)
			if len(again.payloads) != 10-test.lost {
				t.Fatalf("%d records after the repair", len(again.payloads))
			}
			closed(t, j)
		})
	}
}

func check1(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A hole in the last write is what a crash leaves; in an earlier one it isn't.
func TestHoles(t *testing.T) {
	t.Parallel()
	long := func(c string) string { return fmt.Sprintf(`{"pad":%q}`, strings.Repeat(c, 1500)) }
	fs := vfs.NewMem()
	j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
	appended(t, j, long("a"))
	appended(t, j, long("b"), long("c"), long("d"))
	log := contents(t, fs, onlyFile)
	appended(t, j, long("e"))
	closed(t, j)
	longer := contents(t, fs, onlyFile)
	second := bytes.Index(log, []byte("bbb"))
	tests := map[string]struct {
		log      []byte
		from, to int
		torn     bool
	}{
		"a sector of the last write":          {log, 2560, 3072, true},
		"a sector of the last write but one":  {longer, 2560, 3072, false},
		"the last write up to a sector's end": {log, bytes.LastIndexByte(log[:second], '\n') + 1, 2048, true},
		"a sector of the first":               {log, 512, 1024, false},
		"one byte of the last write":          {log, 2560, 2561, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holed := bytes.Clone(test.log)
			clear(holed[test.from:test.to])
			_, c, report, err := reopen(t, holed, false)
			if test.torn != (err == nil) || test.torn && (len(c.payloads) != 1 || report.Torn.File == "") {
				t.Fatalf("%d records, %v, %v", len(c.payloads), report, err)
			}
		})
	}
}

// A write that began with the last byte of a sector would leave a hole of a single
// byte, which nobody could tell from a byte that was damaged.
func TestWritesDontBeginWithTheLastByteOfASector(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
	one := func(n int) string { return fmt.Sprintf("%q", strings.Repeat("x", n-2)) }
	appended(t, j, one(10))
	line := j.Size().Bytes
	appended(t, j, one(10))
	line = j.Size().Bytes - line - 10
	appended(t, j, one(int(511-j.Size().Bytes-line)))
	at := j.Size().Bytes
	appended(t, j, one(1500))
	closed(t, j)
	log := contents(t, fs, onlyFile)
	if at != 511 {
		t.Fatalf("the last write begins at %d", at)
	}
	for to, want := range map[int]int{512: 4, 1024: 3, 1536: 3} {
		holed := bytes.Clone(log)
		clear(holed[at:to])
		if _, c, _, err := reopen(t, holed, false); err != nil || len(c.payloads) != want {
			t.Errorf("a hole up to %d: %d records, %v", to, len(c.payloads), err)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "audit"})
	closed(t, j)
	put(t, fs, onlyFile, contents(t, fs, "d/audit-000001.log"))
	_, _, err := journal.Open(journal.Options{FS: fs, Dir: "d", Name: "orders"}, nil)
	if err == nil || !strings.Contains(err.Error(), `is part of the journal "audit"`) {
		t.Fatal(err)
	}
}
