package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/riskd/riskd"
)

// database is one mmdb file in memory.
type database struct {
	data    []byte
	reader  *maxminddb.Reader
	build   time.Time
	locates bool // it holds countries or coordinates
}

// sampled is how many records are looked at to learn what a database is good for.
const sampled = 1000

// openDatabase reads a database out of bytes that nobody may change afterwards.
// Every record is verified: opening alone accepts broken files.
func openDatabase(data []byte) (d *database, err error) {
	defer caught(&err)
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, err
	}
	if err := r.Verify(); err != nil {
		return nil, err
	}
	if r.Metadata.BuildEpoch>>40 != 0 {
		return nil, fmt.Errorf("its build time %d is not a time", r.Metadata.BuildEpoch)
	}
	d = &database{data: data, reader: r, build: r.Metadata.BuildTime().UTC()}
	return d, d.learn()
}

// learn finds out what the records hold. The type's name doesn't tell: there are
// more publishers than names, and the same name with different records.
func (d *database) learn() error {
	var useful bool
	n := 0
	for result := range d.reader.Networks(maxminddb.SkipEmptyValues()) {
		var r record
		if err := result.Decode(&r); err == nil && r.place != (riskd.Place{}) {
			useful = true
			d.locates = d.locates || r.place.Located || r.place.Country != ""
		}
		if n++; n == sampled {
			break
		}
	}
	if !useful {
		return fmt.Errorf("holds nothing that riskd reads: its type is %q; use one with countries, cities, autonomous systems or kinds of network", d.reader.Metadata.DatabaseType)
	}
	return nil
}

// read reads what the database knows of an address. Nothing known is no error,
// and so is an IPv6 address in a database of IPv4.
func (d *database) read(a netip.Addr, into *record) (err error) {
	if !a.IsValid() || a.Is6() && d.reader.Metadata.IPVersion == 4 {
		return nil
	}
	defer caught(&err)
	return d.reader.Lookup(a).Decode(into)
}

var errPanic = errors.New("is so broken that reading it panics")

// caught turns a panic of the library into an error: no file may stop riskd.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errPanic, p)
	}
}
