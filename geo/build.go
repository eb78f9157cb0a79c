package geo

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/riskd/riskd"
)

// BuildCity writes a database of places from CSV: its type is GeoIP2-Enterprise,
// the one City type whose records also say what kind of access network an
// address belongs to. The same rows and time give the same bytes.
//
// The first line of the CSV names the columns, in any order: network and country
// (ISO 3166-1 alpha-2) are needed; city, latitude, longitude (degrees), radius_km
// (the radius of 67 % probability) and kind (a [riskd.NetworkKind]) may be there.
// All three builders take the same file and leave out the columns that they have
// no use for. The most specific network wins, whatever the order of the rows. A
// mistake is an error with its line.
func BuildCity(w io.Writer, csv io.Reader, built time.Time) error {
	return build(w, csv, built, "GeoIP2-Enterprise", []string{"network", "country"}, cityRecord)
}

// BuildASN writes a GeoLite2-ASN database from CSV as [BuildCity] describes it;
// the columns network, asn and organisation are needed, and a row without a
// number is left out.
func BuildASN(w io.Writer, csv io.Reader, built time.Time) error {
	return build(w, csv, built, "GeoLite2-ASN", []string{"network", "asn", "organisation"}, asnRecord)
}

// BuildAnonymous writes a GeoIP2-Anonymous-IP database from CSV as [BuildCity]
// describes it; the columns network and kind are needed, and a row whose network
// doesn't hide its users is left out.
func BuildAnonymous(w io.Writer, csv io.Reader, built time.Time) error {
	return build(w, csv, built, "GeoIP2-Anonymous-IP", []string{"network", "kind"}, anonymousRecord)
}

func build(w io.Writer, csv io.Reader, built time.Time, kind string, columns []string, record func(*row) mmdbtype.DataType) error {
	if built.Unix() <= 0 {
		return errors.New("build time: is required, as a time after 1970")
	}
	rows, err := readRows(csv, columns)
	if err != nil {
		return err
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:   built.Unix(),
		DatabaseType: kind,
		Description:  map[string]string{"en": "Built by riskd from CSV"},
		Languages:    []string{"en"},
		// Networks at home and those of documentation have places too.
		IncludeReservedNetworks: true,
	})
	if err != nil {
		return err
	}
	for i := range rows {
		data := record(&rows[i])
		if data == nil {
			continue
		}
		if err := tree.Insert(ipNet(&rows[i]), data); err != nil {
			return fmt.Errorf("line %d: %w", rows[i].line, err)
		}
	}
	_, err = tree.WriteTo(w)
	return err
}

// ipNet gives a row's network in the form that mmdbwriter takes.
func ipNet(r *row) *net.IPNet {
	a := r.network.Addr()
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(r.network.Bits(), a.BitLen())}
}

func cityRecord(r *row) mmdbtype.DataType {
	m := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(r.country)}}
	if r.city != "" {
		m["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(r.city)}}
	}
	if r.located {
		location := mmdbtype.Map{"latitude": mmdbtype.Float64(r.lat), "longitude": mmdbtype.Float64(r.lon)}
		if r.radius > 0 {
			location["accuracy_radius"] = mmdbtype.Uint16(r.radius)
		}
		m["location"] = location
	}
	if traits := accessTraits[r.kind]; traits != nil {
		m["traits"] = traits
	}
	return m
}

// The traits that say what kind of access network it is; what hides its users
// belongs in the Anonymous-IP database.
var accessTraits = map[riskd.NetworkKind]mmdbtype.Map{
	riskd.NetworkResidential: {"user_type": mmdbtype.String("residential")},
	riskd.NetworkMobile:      {"user_type": mmdbtype.String("cellular"), "connection_type": mmdbtype.String("Cellular")},
	riskd.NetworkBusiness:    {"user_type": mmdbtype.String("business"), "connection_type": mmdbtype.String("Corporate")},
	riskd.NetworkSatellite:   {"connection_type": mmdbtype.String("Satellite")},
	riskd.NetworkHosting:     {"user_type": mmdbtype.String("hosting")},
}

func asnRecord(r *row) mmdbtype.DataType {
	if r.asn == 0 {
		return nil
	}
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(r.asn),
		"autonomous_system_organization": mmdbtype.String(r.organisation),
	}
}

var anonymousFlags = map[riskd.NetworkKind]mmdbtype.String{
	riskd.NetworkHosting: "is_hosting_provider",
	riskd.NetworkVPN:     "is_anonymous_vpn",
	riskd.NetworkProxy:   "is_public_proxy",
	riskd.NetworkTor:     "is_tor_exit_node",
}

func anonymousRecord(r *row) mmdbtype.DataType {
	flag, ok := anonymousFlags[r.kind]
	if !ok {
		return nil
	}
	return mmdbtype.Map{"is_anonymous": mmdbtype.Bool(true), flag: mmdbtype.Bool(true)}
}
