package geo

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// row is one network of a CSV file that a database is built from.
type row struct {
	line         int
	network      netip.Prefix
	country      string
	city         string
	located      bool
	lat, lon     float64
	radius       uint16 // km
	asn          uint32
	organisation string
	kind         riskd.NetworkKind
}

// columns are the names that the first line may hold, with what reads them.
var columns = map[string]func(r *row, s string) error{
	"network": func(r *row, s string) (err error) {
		r.network, err = parseNetwork(s)
		return err
	},
	"country": func(r *row, s string) error {
		r.country = s
		if len(s) != 2 || strings.ToUpper(s) != s {
			return fmt.Errorf("%q is not a code of two capital letters", s)
		}
		return nil
	},
	"city":         func(r *row, s string) error { return setText(&r.city, s) },
	"organisation": func(r *row, s string) error { return setText(&r.organisation, s) },
	"latitude":     func(r *row, s string) error { return degrees(&r.lat, s, 90) },
	"longitude":    func(r *row, s string) error { return degrees(&r.lon, s, 180) },
	"radius_km": func(r *row, s string) error {
		n, err := strconv.ParseUint(s, 10, 16)
		r.radius = uint16(n)
		return number(err, s, "0 to 65535 kilometres")
	},
	"asn": func(r *row, s string) error {
		n, err := strconv.ParseUint(s, 10, 32)
		r.asn = uint32(n)
		return number(err, s, "an autonomous system number, without AS")
	},
	"kind": func(r *row, s string) (err error) {
		r.kind, err = riskd.ParseNetworkKind(s)
		return err
	},
}

func number(err error, s, want string) error {
	if err != nil {
		return fmt.Errorf("%q is not %s", s, want)
	}
	return nil
}

func setText(to *string, s string) error {
	if *to = s; len(s) > maxText {
		return fmt.Errorf("is %d bytes long; the limit is %d", len(s), maxText)
	}
	return nil
}

func degrees(to *float64, s string, limit float64) error {
	v, err := strconv.ParseFloat(s, 64)
	if *to = v; err != nil || !inRange(v, limit) {
		return fmt.Errorf("%q is not %g to %g degrees", s, -limit, limit)
	}
	return nil
}

// readRows reads a whole CSV file, the least specific networks first, so that
// the most specific one is written last and wins.
func readRows(source io.Reader, needed []string) ([]row, error) {
	reader := csv.NewReader(source)
	reader.Comment = '#'
	reader.TrimLeadingSpace = true
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("line 1: the names of the columns: %w", err)
	}
	header = slices.Clone(header)
	if err := checkHeader(header, needed); err != nil {
		return nil, err
	}
	var rows []row
	var found faults
	for !found.enough() {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			found.add(err) // says its line
			break
		}
		line, _ := reader.FieldPos(0)
		r, err := readRow(header, fields, needed)
		if err != nil {
			found.add(fmt.Errorf("line %d: %w", line, err))
			continue
		}
		r.line = line
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if d := a.network.Bits() - b.network.Bits(); d != 0 {
			return d
		}
		return a.network.Addr().Compare(b.network.Addr())
	})
	for i := 1; i < len(rows); i++ {
		if a, b := &rows[i-1], &rows[i]; a.network == b.network {
			found.add(fmt.Errorf("line %d: network %s stands on line %d already", b.line, b.network, a.line))
		}
	}
	return rows, found.err()
}

func checkHeader(header, needed []string) error {
	for i, name := range header {
		if columns[name] == nil {
			return fmt.Errorf("line 1: column %q is not one of network, country, city, latitude, longitude, radius_km, asn, organisation, kind", name)
		}
		if slices.Contains(header[:i], name) {
			return fmt.Errorf("line 1: column %q stands twice", name)
		}
	}
	for _, name := range needed {
		if !slices.Contains(header, name) {
			return fmt.Errorf("line 1: column %q is missing", name)
		}
	}
	return nil
}

func readRow(header, fields, needed []string) (row, error) {
	var r row
	var lat, lon bool
	for i, name := range header {
		s := strings.TrimSpace(fields[i])
		if s == "" {
			if name == "network" || name == "country" && slices.Contains(needed, name) {
				return r, fmt.Errorf("%s: is required", name)
			}
			continue
		}
		if err := columns[name](&r, strings.Clone(s)); err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		lat = lat || name == "latitude"
		lon = lon || name == "longitude"
	}
	if lat != lon {
		return r, errors.New("latitude and longitude: give both or none")
	}
	r.located = lat
	return r, nil
}
