package geo

import (
	"errors"
	"net/netip"

	"github.com/oschwald/geoip2-golang/v2"
)

// Description is all that one source says of an address.
type Description struct {
	Path string
	Type string
	// Network is the one around the address that the source speaks of; zero
	// where a list names the address's autonomous system.
	Network netip.Prefix
	// Record is the source's whole record in a form that encodes to JSON.
	Record any
	Err    error
}

// Listed is the Record of a list.
type Listed struct {
	Kind string `json:"kind"`
	ASN  uint32 `json:"asn,omitzero"` // set when the list names it
}

// Describe gives every source's whole record of an address, for people who look
// into it; sources that don't know the address are left out. [Locator.Locate]
// says what riskd makes of them.
func (l *Locator) Describe(a netip.Addr) []Description {
	a = plain(a)
	s := l.current.Load()
	place, _ := s.locate(a)
	var all []Description
	for i := range s.sources {
		src := &s.sources[i]
		d := Description{Path: src.status.Path, Type: src.status.Type}
		if src.database != nil && src.database.describe(a, &d) || src.networks.describe(a, place.ASN, src.kind.String(), &d) {
			all = append(all, d)
		}
	}
	return all
}

// describe reads the whole record and reports whether there is one.
func (d *database) describe(a netip.Addr, to *Description) bool {
	if !a.IsValid() || a.Is6() && d.reader.Metadata.IPVersion == 4 {
		return false
	}
	result := d.reader.Lookup(a)
	if to.Err = result.Err(); to.Err != nil || !result.Found() {
		return to.Err != nil
	}
	to.Network = result.Prefix()
	to.Record, to.Err = d.record(a)
	return true
}

// record reads a record as the publisher documents it where geoip2 knows the
// type, and as it stands in the file otherwise.
func (d *database) record(a netip.Addr) (record any, err error) {
	defer caught(&err)
	known, err := geoip2.OpenBytes(d.data)
	if err != nil {
		err = d.reader.Lookup(a).Decode(&record)
		return record, err
	}
	for _, ask := range []func() (any, error){
		func() (any, error) { return known.Enterprise(a) },
		func() (any, error) { return known.City(a) },
		func() (any, error) { return known.AnonymousPlus(a) },
		func() (any, error) { return known.AnonymousIP(a) },
		func() (any, error) { return known.ISP(a) },
		func() (any, error) { return known.ASN(a) },
		func() (any, error) { return known.ConnectionType(a) },
	} {
		var other geoip2.InvalidMethodError
		if record, err = ask(); !errors.As(err, &other) {
			return record, err
		}
	}
	return record, err
}

func (n *networks) describe(a netip.Addr, asn uint32, kind string, to *Description) bool {
	for _, p := range n.prefixes {
		if p.Contains(a) && (!to.Network.IsValid() || p.Bits() > to.Network.Bits()) {
			to.Network, to.Record = p, Listed{Kind: kind}
		}
	}
	if to.Record != nil {
		return true
	}
	for _, s := range n.systems {
		if s == asn {
			to.Record = Listed{Kind: kind, ASN: asn}
			return true
		}
	}
	return false
}
