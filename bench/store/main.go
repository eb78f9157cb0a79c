//go:build linux

// Command store measures the stores that could keep sessions and profiles on
// disk, as riskd would use them: values of 500 bytes under random keys of 16,
// updated in batches of 512, from one writer. Each store has a process of its
// own, so that its memory can be told.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"
)

const (
	valueSize     = 500
	batchSize     = 512
	syncedBatches = 100 // few: each waits for the disk
	lookups       = 100_000
	cacheBytes    = 64 << 20 // for a store that has a cache of its own
)

func main() {
	n := flag.Int("n", 200_000, "how many sessions the stores hold")
	dir := flag.String("dir", os.TempDir(), "`folder` for the stores: its disk is what is measured")
	fill := flag.String("fill", "", "fill this store and measure that (used by the bench itself)")
	open := flag.String("open", "", "open this store and measure that (used by the bench itself)")
	flag.Parse()
	err := errors.New("takes flags only, and a positive -n; -h lists them")
	switch {
	case flag.NArg() > 0 || *n < 1:
	case *fill != "":
		err = fillStore(os.Stdout, stores[*fill], *n, *dir)
	case *open != "":
		err = openStore(os.Stdout, stores[*open], *dir)
	default:
		err = compare(os.Stdout, *n, *dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

// compare runs this very program twice for each store: the first process ends
// without closing it, as one that was killed.
func compare(w io.Writer, n int, parent string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%d sessions\tfill ns\tupdate ns\tsynced ns\thit ns\tmiss ns\tRSS MB\topen after kill ms\topen ms\tdisk MB\t\n", n)
	for _, name := range []string{"pebble", "bbolt", "badger"} {
		dir, err := os.MkdirTemp(parent, "riskd-store-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		fmt.Fprint(table, name)
		for _, step := range []string{"-fill", "-open"} {
			c := exec.Command(self, step, name, "-n", fmt.Sprint(n), "-dir", filepath.Join(dir, "store"))
			c.Stderr = os.Stderr
			figures, err := c.Output()
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprint(table, string(figures))
		}
		fmt.Fprintln(table, "\t")
	}
	return table.Flush()
}

// fillStore prints what it takes to write and to read.
func fillStore(w io.Writer, open opener, n int, dir string) error {
	s, err := open(dir)
	if err != nil {
		return err
	}
	l := &load{s: s, n: n, random: rand.New(rand.NewPCG(1, 2))}
	l.put(n/batchSize+1, false, func(i int) int { return i % n })
	l.put(n/batchSize+1, false, l.any)
	l.put(syncedBatches, true, l.any)
	l.get(0, true)
	l.get(n, false)
	for _, took := range l.took {
		fmt.Fprintf(w, "\t%d", took)
	}
	rss, err := resident()
	fmt.Fprintf(w, "\t%d", rss>>20)
	return errors.Join(l.err, err)
}

// openStore prints what it takes to open what another process has left.
func openStore(w io.Writer, open opener, dir string) error {
	afterKill, err := timeOpen(open, dir)
	reopen, failed := timeOpen(open, dir)
	disk, failedToo := size(dir)
	fmt.Fprintf(w, "\t%d\t%d\t%d", afterKill.Milliseconds(), reopen.Milliseconds(), disk>>20)
	return errors.Join(err, failed, failedToo)
}

// timeOpen opens a store and asks it something, which is when it is there.
func timeOpen(open opener, dir string) (time.Duration, error) {
	start := time.Now()
	s, err := open(dir)
	if err != nil {
		return 0, err
	}
	found, err := s.get(key(0))
	took := time.Since(start)
	if err == nil && !found {
		err = fmt.Errorf("%s: the first session is gone", dir)
	}
	return took, errors.Join(err, s.close())
}

// load is what is done to a store.
type load struct {
	s      store
	n      int
	random *rand.Rand
	took   []time.Duration // by a single value, in the order of the table
	err    error
}

func (l *load) any(int) int { return l.random.IntN(l.n) }

// put writes batches of the sessions that pick picks.
func (l *load) put(batches int, sync bool, pick func(i int) int) {
	keys, values := make([][]byte, batchSize), make([][]byte, batchSize)
	var took time.Duration
	for b := range batches {
		for i := range keys {
			keys[i], values[i] = key(pick(b*batchSize+i)), l.value()
		}
		start := time.Now()
		l.err = errors.Join(l.err, l.s.put(keys, values, sync))
		took += time.Since(start)
	}
	l.took = append(l.took, took/time.Duration(batches*batchSize))
}

// value makes one that compresses to about half, as a session does.
func (l *load) value() []byte {
	v := make([]byte, valueSize)
	for i := 0; i+8 <= valueSize/2; i += 8 {
		binary.LittleEndian.PutUint64(v[i:], l.random.Uint64())
	}
	return v
}

// get looks sessions up, all of which should be there or none.
func (l *load) get(from int, want bool) {
	start := time.Now()
	for range lookups {
		found, err := l.s.get(key(from + l.any(0)))
		if err != nil || found != want {
			l.err = errors.Join(l.err, err, fmt.Errorf("found is %t", found))
			return
		}
	}
	l.took = append(l.took, time.Since(start)/lookups)
}

// key gives the key of a session: as random as a keyed hash, and always the same.
// It is the output function of SplitMix64 on two counters.
func key(i int) []byte {
	k := make([]byte, 0, 16)
	for part := range uint64(2) {
		x := (2*uint64(i) + part + 1) * 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		k = binary.LittleEndian.AppendUint64(k, x^x>>31)
	}
	return k
}

// resident reads how much memory the process has, mapped files included.
func resident() (bytes int64, err error) {
	var all, pages int64
	data, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(data), &all, &pages)
	}
	return pages * int64(os.Getpagesize()), err
}

func size(dir string) (total int64, err error) {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		info, failed := f.Info()
		if failed != nil {
			return 0, failed
		}
		total += info.Size()
	}
	return total, err
}
