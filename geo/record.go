package geo

import (
	"errors"
	"fmt"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
	"github.com/riskd/riskd"
)

// maxText is the longest name in bytes that a record may give a city or an
// organisation; the longest in the published databases are near 100.
const maxText = 512

// record takes the few fields that riskd needs out of a database's record. A
// field is known by its name and its shape, so that one reader serves them all:
// the nested records of MaxMind and DB-IP ({"country":{"iso_code":"FR"},…}) as
// well as the flat ones of the open databases ({"country_code":"FR",…}).
type record struct {
	place     riskd.Place
	lat, lon  bool // present
	anonymous bool // in whatever way
}

// field reads one member of a map and returns the cursor behind it.
type field func(r *record, key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error)

// UnmarshalMaxMindDBCursor implements [mmdbdata.CursorUnmarshaler]. The maps that
// it goes into are named here, so a hostile file can't make it recurse, and
// verified files bound how much there is in one record.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	next, err := r.members(c, (*record).root)
	if err != nil {
		return next, err
	}
	return next, r.settle()
}

// settle checks what was read.
func (r *record) settle() error {
	p := &r.place
	if r.anonymous && !p.Network.Anonymous() {
		p.Network = riskd.NetworkVPN // it has no flag of its own: most of these are VPNs
	}
	p.Located = r.lat && r.lon
	if !p.Located {
		p.Lat, p.Lon, p.RadiusKM = 0, 0, 0
	}
	if !inRange(p.Lat, 90) || !inRange(p.Lon, 180) {
		return fmt.Errorf("location: %g, %g is not on this planet", p.Lat, p.Lon)
	}
	if len(p.Country) != 0 && len(p.Country) != 2 {
		return fmt.Errorf("country: %q is not a code of two letters", p.Country)
	}
	return nil
}

// inRange is false for NaN too.
func inRange(v, limit float64) bool { return v >= -limit && v <= limit }

func (r *record) members(c mmdbdata.Cursor, read field) (mmdbdata.Cursor, error) {
	m, err := c.Map()
	if err != nil {
		return c, err
	}
	var next mmdbdata.Cursor
	for {
		key, value, ok := m.Next(next)
		if !ok {
			return m.End()
		}
		if next, err = read(r, key, value); err != nil {
			return next, err
		}
	}
}

func (r *record) root(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "country":
		return r.inside(v, (*record).country)
	case "city":
		if kind, err := v.Kind(); err != nil || kind == mmdbdata.KindString {
			return text(v, &r.place.City)
		}
		return r.inside(v, (*record).city)
	case "location":
		return r.inside(v, (*record).location)
	case "traits":
		return r.inside(v, (*record).network)
	case "country_code":
		return text(v, &r.place.Country)
	case "latitude", "longitude":
		return r.location(key, v)
	}
	return r.network(key, v)
}

// inside reads a member that is a map; an open database that puts something
// else under the name says nothing that riskd knows.
func (r *record) inside(v mmdbdata.Cursor, read field) (mmdbdata.Cursor, error) {
	if kind, err := v.Kind(); err != nil || kind != mmdbdata.KindMap {
		return v.Skip()
	}
	return r.members(v, read)
}

func (r *record) country(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if string(key) == "iso_code" {
		return text(v, &r.place.Country)
	}
	return v.Skip()
}

func (r *record) city(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if string(key) == "names" {
		return r.inside(v, (*record).cityName)
	}
	return v.Skip()
}

func (r *record) cityName(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	if string(key) == "en" {
		return text(v, &r.place.City)
	}
	return v.Skip()
}

func (r *record) location(key []byte, v mmdbdata.Cursor) (next mmdbdata.Cursor, err error) {
	switch string(key) {
	case "latitude":
		r.place.Lat, next, err = v.ReadFloat()
		r.lat = err == nil
	case "longitude":
		r.place.Lon, next, err = v.ReadFloat()
		r.lon = err == nil
	case "accuracy_radius":
		var km uint64
		km, next, err = v.ReadUint()
		r.place.RadiusKM = float64(km)
	default:
		return v.Skip()
	}
	return next, err
}

// network reads what stands at the top of the databases of networks and under
// "traits" in those of places.
func (r *record) network(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	switch string(key) {
	case "autonomous_system_number":
		n, next, err := v.ReadUint()
		if err == nil && n>>32 != 0 {
			err = errors.New("autonomous_system_number: is over 32 bits long")
		}
		r.place.ASN = uint32(n)
		return next, err
	case "autonomous_system_organization":
		return text(v, &r.place.Org)
	case "isp":
		if r.place.Org == "" {
			return text(v, &r.place.Org)
		}
	case "user_type":
		return r.named(v, userTypes)
	case "connection_type":
		return r.named(v, connectionTypes)
	case "is_anonymous":
		set, next, err := v.ReadBool()
		r.anonymous = set
		return next, err
	case "is_anonymous_vpn":
		return r.flag(v, riskd.NetworkVPN)
	case "is_hosting_provider":
		return r.flag(v, riskd.NetworkHosting)
	case "is_public_proxy", "is_residential_proxy":
		return r.flag(v, riskd.NetworkProxy)
	case "is_tor_exit_node":
		return r.flag(v, riskd.NetworkTor)
	}
	return v.Skip()
}

func (r *record) flag(v mmdbdata.Cursor, kind riskd.NetworkKind) (mmdbdata.Cursor, error) {
	set, next, err := v.ReadBool()
	if set {
		r.place.Network = max(r.place.Network, kind)
	}
	return next, err
}

func (r *record) named(v mmdbdata.Cursor, kinds map[string]riskd.NetworkKind) (mmdbdata.Cursor, error) {
	var name string
	next, err := text(v, &name)
	r.place.Network = max(r.place.Network, kinds[name])
	return next, err
}

func text(v mmdbdata.Cursor, to *string) (next mmdbdata.Cursor, err error) {
	*to, next, err = v.ReadStringMaxSize(maxText)
	return next, err
}

// The user types of the Enterprise databases, as MaxMind's reference of traits
// lists them. A type that isn't here says nothing.
var userTypes = map[string]riskd.NetworkKind{
	"residential":              riskd.NetworkResidential,
	"dialup":                   riskd.NetworkResidential,
	"cellular":                 riskd.NetworkMobile,
	"business":                 riskd.NetworkBusiness,
	"cafe":                     riskd.NetworkBusiness,
	"college":                  riskd.NetworkBusiness,
	"government":               riskd.NetworkBusiness,
	"library":                  riskd.NetworkBusiness,
	"military":                 riskd.NetworkBusiness,
	"school":                   riskd.NetworkBusiness,
	"traveler":                 riskd.NetworkBusiness,
	"content_delivery_network": riskd.NetworkHosting,
	"hosting":                  riskd.NetworkHosting,
	"search_engine_spider":     riskd.NetworkHosting,
	"consumer_privacy_network": riskd.NetworkVPN,
}

// The connection types of the Connection-Type and Enterprise databases.
var connectionTypes = map[string]riskd.NetworkKind{
	"Cable/DSL": riskd.NetworkResidential,
	"Dialup":    riskd.NetworkResidential,
	"Cellular":  riskd.NetworkMobile,
	"Corporate": riskd.NetworkBusiness,
	"Satellite": riskd.NetworkSatellite,
}
