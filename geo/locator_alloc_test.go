package geo

import (
	"testing"

	"github.com/riskd/riskd/fixtures"
)

// A request that comes again costs no memory, and neither do the databases.
func TestLocateAllocatesNothing(t *testing.T) {
	l, err := Open(Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := asked[0]
	for s := l.current.Load(); l.remembered(a, s) == nil; l.cache.Wait() {
		l.Locate(a)
	}
	if n := testing.AllocsPerRun(1000, func() { l.Locate(a) }); n >= 1 {
		t.Errorf("%g allocations out of the cache", n)
	}
	if n := testing.AllocsPerRun(1000, func() { l.current.Load().locate(a) }); n >= 1 {
		t.Errorf("%g allocations out of the databases", n)
	}
}
