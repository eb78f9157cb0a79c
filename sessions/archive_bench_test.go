package sessions

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// benchSize is how many sessions the archives of benchmarks hold.
const benchSize = 200_000

// benchArchive opens an archive on disk that holds n typical sessions.
func benchArchive(b *testing.B, n int) *archive {
	b.Helper()
	a, err := openArchive(nil, filepath.Join(b.TempDir(), "archive"), cellNames(4), 0, func(err error) { b.Error(err) })
	must(b, err)
	for i := 0; i < n; {
		w := a.begin()
		for range writeBatch {
			w.session(typical(i), indexed{})
			i++
		}
		must(b, w.commit())
	}
	return a
}

// BenchmarkArchiveUpdate is what a session costs that is written again, with its
// share of the batch that it is in.
func BenchmarkArchiveUpdate(b *testing.B) {
	a := benchArchive(b, benchSize)
	all := make([]*stored, 10*writeBatch)
	for i := range all {
		all[i] = typical(i * (benchSize / len(all)))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); {
		w := a.begin()
		for range writeBatch {
			w.session(all[i%len(all)], indexedOf(all[i%len(all)]))
			i++
		}
		must(b, w.commit())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*writeBatch), "ns/update")
	must(b, a.close())
}

func BenchmarkArchiveGet(b *testing.B) {
	a := benchArchive(b, benchSize)
	must(b, a.compactAway())
	for name, from := range map[string]int{"hit": 0, "miss": 2 * benchSize} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, found, err := a.session(idOf(from + i*7919%benchSize))
				if err != nil || found != (name == "hit") {
					b.Fatal(found, err)
				}
			}
		})
	}
	must(b, a.close())
}

// BenchmarkArchiveOpen opens an archive, and tells what a session takes on disk.
func BenchmarkArchiveOpen(b *testing.B) {
	a := benchArchive(b, benchSize)
	must(b, a.compactAway())
	n, err := a.size()
	must(b, err)
	start, visited := time.Now(), 0
	must(b, a.each(riskd.SessionID{}, func(*stored) bool { visited++; return true }))
	walk := time.Since(start)
	must(b, a.close())
	for b.Loop() {
		again, err := openArchive(nil, a.dir, cellNames(4), 0, func(err error) { b.Error(err) })
		must(b, err)
		must(b, again.close())
	}
	b.ReportMetric(float64(n)/benchSize, "bytes/session")
	b.ReportMetric(float64(walk.Nanoseconds())/float64(visited), "ns/visit")
}
