//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// flooding floods a store with sessions that were made up, as somebody can who
// sends another cookie with each request. It does so inside this process and
// without a policy, which takes no memory that lasts: millions of decisions would
// take hours.
type flooding struct {
	ids, cap int
	planted  int // orders; of other things a tenth as many each
	// alone says that nothing else in this process takes memory, so that what it
	// takes is held to the limit.
	alone bool
	// spoil puts something before the store, for controls. Optional.
	spoil func(cardStore) cardStore
}

// cardStore is what a flood meets.
type cardStore interface {
	imposer
	Revoked(e *riskd.Event) (riskd.Epoch, bool)
	Update(e *riskd.Event, now time.Time, fn func(*riskd.Session, *riskd.Profile) riskd.Lesson)
}

func cardFlags(flags *flag.FlagSet) action {
	f := &flooding{alone: true}
	flags.IntVar(&f.ids, "ids", 1_000_000, "how many sessions are made up")
	flags.IntVar(&f.cap, "cap", 50_000, "memory.max_sessions and memory.max_profiles")
	flags.IntVar(&f.planted, "planted", 10_000, "orders that have to outlast the flood")
	return f.run
}

func (f *flooding) run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "riskd-chaos-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := newMeter()
	s, err := sessions.New(sessions.Options{Dir: dir, ReadDeadline: time.Minute, MaxSessions: f.cap, MaxProfiles: f.cap, Cells: signals.CellNames()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	store := cardStore(s)
	if f.spoil != nil {
		store = f.spoil(s)
	}
	p := &plants{orders: f.planted, others: f.planted / 10}
	if err := p.plant(ctx, store); err != nil {
		return err
	}
	began := time.Now()
	full := f.flood(ctx, store, m)
	took := time.Since(began)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lost := p.lost(store)
	disk, err := sizeOf(dir)
	if err != nil {
		return err
	}
	now := s.Stats()
	const mib = 1 << 20
	fmt.Fprintf(out, "%d made-up sessions in %s (%.0f/s, in this process, without a policy); %d in memory of %d allowed, %d evicted\n",
		f.ids, took.Round(time.Second), float64(f.ids)/took.Seconds(), now.Sessions, f.cap, now.EvictedSessions)
	fmt.Fprintf(out, "memory: %d MiB at the start, %d MiB when %d sessions were in it first (%d bytes of heap each), at most %d MiB afterwards; limit %d MiB\n",
		m.base/mib, full.rss/mib, f.cap, full.perSession, m.peak.Load()/mib, f.limit(full)/mib)
	fmt.Fprintf(out, "disk: %d MiB, %d bytes for each made-up session\n", disk/mib, disk/int64(f.ids))
	fmt.Fprintf(out, "planted: %d of %d orders lost; of %d each: %s\n", lost.orders, p.orders, p.others, lost)
	switch {
	case lost != (wilted{}):
		return errors.New("the flood has washed away what it must not")
	case now.Sessions > f.cap:
		return errors.New("there are more sessions in memory than allowed")
	case f.alone && (m.peak.Load() > f.limit(full) || m.grown(full)):
		return errors.New("memory grows with the flood")
	case now.EvictedSessions < uint64(f.ids-f.cap)/2:
		return errors.New("the run doesn't count: the flood stayed below the cap")
	}
	return nil
}

// brim is the memory when the table of sessions was full first.
type brim struct {
	rss, heap  int64
	perSession int64 // bytes of heap
}

// beside is what riskd takes beside sessions at most: itself, the archive's cache
// and memtables (64 and 16 MiB), what Pebble keeps of its tables, and what the
// allocators of both keep back.
const beside = 256 << 20

// limit is what the process may take: what it takes beside sessions, the heap of
// as many sessions as it may remember, and as much again in garbage, since Go
// collects when the heap has doubled (GOGC=100). A tenth more is allowed for.
func (f *flooding) limit(full brim) int64 {
	return (beside + 2*full.perSession*int64(f.cap)) * 11 / 10
}

// grown reports whether what is live on the heap has grown since the table was
// full first, by more than a tenth and what Pebble keeps of its tables.
func (m *meter) grown(full brim) bool {
	const tables = 32 << 20
	return m.heap() > full.heap*11/10+tables
}

// flood makes sessions up, and says how it was when the table was full first.
func (f *flooding) flood(ctx context.Context, s cardStore, m *meter) (full brim) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var next atomic.Int64
	workers := func(until int) {
		var all sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			all.Go(func() {
				for ctx.Err() == nil {
					i := int(next.Add(1))
					if i > until {
						next.Add(-1)
						return
					}
					visit(s, i)
				}
			})
		}
		all.Wait()
	}
	workers(min(f.cap, f.ids))
	heap := m.heap()
	full = brim{rss: resident(), heap: heap, perSession: max(0, heap-m.baseHeap) / int64(f.cap)}
	m.peak.Store(0)
	var watch sync.WaitGroup
	watch.Go(func() { m.watch(watching) })
	workers(f.ids)
	stop()
	watch.Wait()
	return full
}

// visit is the first request of a session that was made up: the id is as random as
// a keyed hash, and nobody is signed in.
func visit(s cardStore, i int) {
	e := &riskd.Event{Session: riskd.EventSession{ID: madeUp(i)}}
	at := noon.Add(time.Duration(i) * time.Microsecond)
	s.Update(e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.SeenAt, in.ActiveAt, in.Requests = at, at, 1
		in.Limits = riskd.Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour}
		in.Cells = make([]riskd.Cell, signals.Cells())
		in.Agent = riskd.Agent{Family: "Firefox", OS: "Linux", Major: 134}
		in.Here = riskd.Context{ASN: uint32(i)}
		in.Known.See(in.Here, at)
		in.Timeline = []riskd.Moment{{At: at, Context: in.Here}}
		return riskd.Lesson{}
	})
}

// madeUp gives an id: the output function of SplitMix64 on two counters.
func madeUp(i int) (id riskd.SessionID) {
	for part := range uint64(2) {
		x := (2*uint64(i) + part + 1) * 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		binary.LittleEndian.PutUint64(id[8*part:], x^x>>31)
	}
	return id
}

// meter reads how much memory this process takes.
type meter struct {
	base, baseHeap int64
	peak           atomic.Int64 // of the resident memory since watch began
}

func newMeter() *meter {
	m := &meter{}
	m.baseHeap = m.heap()
	debug.FreeOSMemory()
	m.base = resident()
	return m
}

// heap is what is live.
func (m *meter) heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func (m *meter) watch(ctx context.Context) {
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		m.peak.Store(max(m.peak.Load(), resident()))
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// resident is how much memory this process has, mapped files included.
func resident() int64 {
	var all, pages int64
	data, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(data), &all, &pages)
	}
	if err != nil {
		panic(err) // Linux has it
	}
	return pages * int64(os.Getpagesize())
}

func sizeOf(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // Pebble goes on
			return nil
		}
		bytes += info.Size()
		return err
	})
	return bytes, err
}
