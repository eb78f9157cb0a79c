package geo

import (
	"net/netip"
	"sync"

	"github.com/riskd/riskd"
)

// The codes that decisions carry when something here doesn't work.
const (
	// CodeFailed: a file can't be used as it is now; what was last read of it,
	// if anything was, still answers.
	CodeFailed = "geo_failed"
	// CodeMissing: no database that locates addresses is loaded.
	CodeMissing = "geo_missing"
	// CodeStale: a database is older than [MaxAge].
	CodeStale = "geo_stale"
	// CodeRecord: what a database holds of this very address can't be read.
	CodeRecord = "geo_record"
)

// marks is a set of codes.
type marks uint8

const (
	markFailed marks = 1 << iota
	markMissing
	markStale
	markRecord
)

// codes holds every set of marks as the slice that Locate returns, so that none
// is made on the way.
var codes = func() (all [16][]string) {
	for m := range all {
		for i, code := range []string{CodeFailed, CodeMissing, CodeStale, CodeRecord} {
			if m>>i&1 == 1 {
				all[m] = append(all[m], code)
			}
		}
		all[m] = all[m][:len(all[m]):len(all[m])] // appending makes a copy
	}
	return all
}()

// snapshot is everything that is loaded at one time. It never changes.
type snapshot struct {
	generation uint64
	sources    []source
	databases  []*database
	lists      *ranges
	marks      marks
}

func newSnapshot(generation uint64, sources []source) *snapshot {
	s := &snapshot{generation: generation, sources: sources, lists: newRanges(), marks: markMissing}
	for i := range sources {
		src := &sources[i]
		if src.status.Err != nil {
			s.marks |= markFailed
		}
		if src.status.Stale {
			s.marks |= markStale
		}
		if src.database != nil {
			s.databases = append(s.databases, src.database)
			if src.database.locates {
				s.marks &^= markMissing
			}
		}
		s.lists.add(&src.networks, src.kind)
	}
	s.lists.finish()
	return s
}

// scratch holds the records that databases are read into: what is given to the
// library as an interface would be a new object on the heap each time.
var scratch = sync.Pool{New: func() any { return new(record) }}

// locate puts together what all sources know of an address.
func (s *snapshot) locate(a netip.Addr) (riskd.Place, marks) {
	var place riskd.Place
	found := s.marks
	r := scratch.Get().(*record)
	defer scratch.Put(r)
	for _, d := range s.databases {
		*r = record{}
		if err := d.read(a, r); err != nil {
			found |= markRecord
			continue
		}
		merge(&place, &r.place, d.build.Unix())
	}
	place.Network = max(place.Network, s.lists.kind(a, place.ASN))
	return place, found
}

// merge adds what one database knows: the place as a whole from the first that
// has coordinates, else the first that has a country; the autonomous system from
// the first that has one; and of kinds the highest.
func merge(to, from *riskd.Place, build int64) {
	if from.Located && !to.Located || from.Country != "" && to.Country == "" && !to.Located {
		to.Country, to.City = from.Country, from.City
		to.Located, to.Lat, to.Lon, to.RadiusKM = from.Located, from.Lat, from.Lon, from.RadiusKM
		to.Build = build
	}
	if from.ASN != 0 && to.ASN == 0 {
		to.ASN, to.Org = from.ASN, from.Org
	}
	if to.Org == "" {
		to.Org = from.Org
	}
	to.Network = max(to.Network, from.Network)
}
