package geo

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/riskd/riskd/fixtures"
)

var asked = []netip.Addr{
	netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("198.18.16.1"), netip.MustParseAddr("198.19.64.1"),
	netip.MustParseAddr("2001:db8:b0::1"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::"),
	netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("ffff::"),
	{},
}

// survive opens bytes as a database and asks it; whatever they are, an answer is
// a possible place. It reports whether they were taken for a database.
func survive(t *testing.T, data []byte) bool {
	d, err := openDatabase(data)
	if err != nil {
		return false
	}
	s := newSnapshot(1, []source{{database: d}})
	for _, a := range asked {
		p, _ := s.locate(a)
		if !inRange(p.Lat, 90) || !inRange(p.Lon, 180) || math.IsInf(p.RadiusKM, 0) || p.RadiusKM < 0 ||
			len(p.Country) != 0 && len(p.Country) != 2 || len(p.City) > maxText || len(p.Org) > maxText {
			t.Fatalf("%s is at %+v", a, p)
		}
		if a.IsValid() {
			d.describe(a, &Description{})
		}
	}
	return true
}

func mustOpen(t testing.TB, data []byte) *database {
	t.Helper()
	d, err := openDatabase(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func synthetic(t testing.TB) [][]byte {
	var all [][]byte
	for _, path := range fixtures.GeoDatabases {
		data, err := fixtures.Geo.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func TestDamagedDatabases(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for i, data := range synthetic(t) {
		if !survive(t, data) {
			t.Fatal("the good database is refused")
		}
		unverified := slices.Clone(data) // damage that opening alone doesn't see
		m := mustOpen(t, data).reader.Metadata
		unverified[m.NodeCount*m.RecordSize/4]++
		if survive(t, unverified) {
			t.Errorf("database %d is taken with a broken border between tree and data", i)
		}
		for n := range data {
			if survive(t, data[:n]) {
				t.Errorf("database %d is taken when cut to %d of %d bytes", i, n, len(data))
			}
		}
		for range 1000 {
			damaged := slices.Clone(data)
			damaged[random.IntN(len(data))] ^= 1 << random.IntN(8)
			survive(t, damaged)
		}
		for range 200 {
			noise := make([]byte, random.IntN(len(data)))
			for j := range noise {
				noise[j] = byte(random.Uint32())
			}
			if survive(t, noise) {
				t.Error("noise is taken for a database")
			}
			survive(t, append(noise, data[len(data)-400:]...)) // with the metadata of a good one
		}
	}
}

func FuzzDatabase(f *testing.F) {
	for _, data := range synthetic(f) {
		f.Add(data)
		f.Add(data[len(data)-400:])
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}
