package audit_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/audit"
)

// An attacker who may write the files, and knows how checksums are made.
func TestTampering(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, fs *vfs.MemFS, files []string)
		want   string // the first fault; files are called 1, 2, 3
	}{
		"nothing": {func(*testing.T, *vfs.MemFS, []string) {}, ""},
		"a byte flipped": {
			edit(1, func(l [][]byte) [][]byte { l[2][40] ^= 1; return l }), "2:3: record 6 can't be read",
		},
		"a line dropped": {
			edit(1, func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }), "2:3: record 6 is missing",
		},
		"two lines swapped": {
			edit(1, func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }), "2:3: record 6 is missing",
		},
		"an entry changed, with its checksum": {
			edit(1, func(l [][]byte) [][]byte { l[2] = forge(l[2], "ops", "eve"); return l }), "2:4: entry 7 doesn't follow entry 6",
		},
		"the first entry changed, with its checksum": {
			edit(0, func(l [][]byte) [][]byte { l[1] = forge(l[1], "ops", "eve"); return l }), "1:3: entry 2 doesn't follow entry 1",
		},
		"the last entry changed, with its checksum": {
			edit(2, func(l [][]byte) [][]byte { n := len(l) - 1; l[n] = forge(l[n], "ops", "eve"); return l }), "3:5: entry 12 is not the one whose hash was noted",
		},
		"an entry's number changed, with its checksum": {
			edit(1, func(l [][]byte) [][]byte { l[2] = forge(l[2], `"n":6`, `"n":9`); return l }), "2:3: entry 6 says that it is entry 9",
		},
		"no entry, with its checksum": {
			edit(1, func(l [][]byte) [][]byte { l[2] = forge(l[2], `{`, `[`); return l }), "2:3: entry 6 is no entry",
		},
		"the tail cut off": {
			edit(2, func(l [][]byte) [][]byte { return l[:3] }), "entries 11 to 12 are missing at the end: entry 12 was noted",
		},
		"the first file dropped": {
			func(t *testing.T, fs *vfs.MemFS, files []string) { check(t, fs.Remove(files[0])) }, "2:1: records 1 to 4 are missing",
		},
		"the second file dropped": {
			func(t *testing.T, fs *vfs.MemFS, files []string) { check(t, fs.Remove(files[1])) }, "1:6: records 5 to 8 are missing",
		},
		"the last file dropped": {
			func(t *testing.T, fs *vfs.MemFS, files []string) { check(t, fs.Remove(files[2])) }, "entries 9 to 12 are missing at the end",
		},
		"the first file dropped, with the header of the last one changed": {
			func(t *testing.T, fs *vfs.MemFS, files []string) {
				check(t, fs.Remove(files[0]))
				edit(2, func(l [][]byte) [][]byte { l[0] = forge(l[0], `"first":1`, `"first":5`); return l })(t, fs, files)
			}, "entries 1 to 4 are missing at the beginning",
		},
		"a file of another log": {
			func(t *testing.T, fs *vfs.MemFS, files []string) {
				other, names := written(t, "eve")
				put(t, fs, files[1], contents(t, other, names[1]))
			}, "2:2: entry 5 doesn't follow entry 4",
		},
		"another log": {
			func(t *testing.T, fs *vfs.MemFS, files []string) {
				other, names := written(t, "eve")
				for i := range files {
					put(t, fs, files[i], contents(t, other, names[i]))
				}
			}, "entry 12 is not the one whose hash was noted",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, files := written(t, "ops")
			noted := sound(t, fs).Head
			test.change(t, fs, files)
			r := verified(t, fs, noted)
			if test.want == "" {
				if len(r.Faults) > 0 {
					t.Fatal(r.Faults)
				}
				return
			}
			var said []string
			for _, f := range r.Faults {
				said = append(said, strings.NewReplacer("d/audit-00000", "", ".log", "").Replace(f.String()))
			}
			if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, test.want) }) {
				t.Fatalf("%q; want %s", said, test.want)
			}
		})
	}
}

// written gives a log of three files with four entries each.
func written(t testing.TB, actor string) (*vfs.MemFS, []string) {
	t.Helper()
	mem := vfs.NewMem()
	l := open(t, audit.Options{FS: mem, SegmentBytes: 1000})
	for i := range 12 {
		e := revoked(i + 1)
		e.Actor = actor
		appended(t, l, e)
	}
	closed(t, l)
	files := logs(t, mem)
	slices.Sort(files)
	if len(files) != 3 {
		t.Fatal(files)
	}
	return mem, files
}

func edit(file int, change func(lines [][]byte) [][]byte) func(*testing.T, *vfs.MemFS, []string) {
	return func(t *testing.T, fs *vfs.MemFS, files []string) {
		var lines [][]byte
		for line := range bytes.Lines(contents(t, fs, files[file])) {
			lines = append(lines, bytes.Clone(line))
		}
		put(t, fs, files[file], bytes.Join(change(lines), nil))
	}
}

// forge changes a line and makes its checksum right.
func forge(line []byte, from, to string) []byte {
	body := bytes.Replace(line[9:len(line)-1], []byte(from), []byte(to), 1)
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)), body)
}

// A repaired log can be read, and stays visibly broken.
func TestRepaired(t *testing.T) {
	t.Parallel()
	fs, files := written(t, "ops")
	edit(1, func(l [][]byte) [][]byte { l[2][40] ^= 1; return l })(t, fs, files)
	n := 0
	err := audit.Read(fs, "d", audit.Filter{}, func(audit.Entry, []byte) error { n++; return nil })
	if err == nil || n != 11 || !strings.Contains(err.Error(), "audit-000002.log:3") {
		t.Fatal(n, err)
	}
	l := open(t, audit.Options{FS: fs, Repair: true})
	appended(t, l, revoked(13))
	closed(t, l)
	r := verified(t, fs)
	if r.Entries != 12 || r.Head.N != 13 || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].What, "entry 6 is missing") {
		t.Fatalf("%+v", r)
	}
}
