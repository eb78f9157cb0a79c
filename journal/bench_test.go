package journal_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/riskd/riskd/journal"
)

// How long an acknowledgement takes, and how many a second there are: a record of
// 200 bytes, on the disk that holds the temporary folder.
func BenchmarkAcknowledge(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			j, _, _ := open(b, journal.Options{Dir: b.TempDir(), Name: "orders", Reserve: 16 << 20})
			payload := bytes.Repeat([]byte("x"), 200)
			b.ResetTimer()
			var all sync.WaitGroup
			for i := range writers {
				all.Go(func() {
					for n := i; n < b.N; n += writers {
						if err := j.Append(payload).Wait(b.Context()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e6*float64(writers)/float64(b.N), "µs/ack")
			closed(b, j)
		})
	}
}
