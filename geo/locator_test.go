package geo_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
)

// built is the build time of the databases that tests make.
var built = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func open(t testing.TB, o geo.Options) *geo.Locator {
	t.Helper()
	l, err := geo.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// loaded opens files that must all be good.
func loaded(t testing.TB, o geo.Options) *geo.Locator {
	t.Helper()
	l := open(t, o)
	for _, s := range l.Status() {
		if s.Err != nil || !s.Loaded {
			t.Fatalf("%s is not loaded: %v", s.Path, s.Err)
		}
	}
	return l
}

func world(t testing.TB) *geo.Locator {
	return loaded(t, geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// city makes a database of places out of CSV rows.
func city(t testing.TB, at time.Time, rows ...string) *fstest.MapFile {
	t.Helper()
	var out bytes.Buffer
	const header = "network,country,city,latitude,longitude,radius_km,kind\n"
	if err := geo.BuildCity(&out, strings.NewReader(header+strings.Join(rows, "\n")), at); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: out.Bytes(), ModTime: at}
}

// raw makes a database of any records.
func raw(t testing.TB, kind string, ipVersion int, records map[string]mmdbtype.DataType) *fstest.MapFile {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch: built.Unix(), DatabaseType: kind, Description: map[string]string{"en": "a test"},
		IPVersion: ipVersion, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, data := range records {
		if err := tree.Insert(ipNet(network), data); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: out.Bytes(), ModTime: built}
}

func TestLocateInTheSyntheticWorld(t *testing.T) {
	t.Parallel()
	l := world(t)
	paris := riskd.Place{
		Country: "FR", City: "Paris", Located: true, Lat: 48.8566, Lon: 2.3522, RadiusKM: 20,
		ASN: 64496, Org: "Exemple Telecom", Network: riskd.NetworkResidential, Build: built.Unix(),
	}
	with := func(change func(*riskd.Place)) riskd.Place {
		p := paris
		change(&p)
		return p
	}
	tests := map[string]riskd.Place{
		"203.0.113.7":           paris,
		"::ffff:203.0.113.7":    paris,
		"2001:db8::1":           paris,
		"2001:db8:1:ff::1%eth0": paris,
		"198.18.16.9": with(func(p *riskd.Place) {
			p.RadiusKM, p.ASN, p.Org, p.Network = 200, 64498, "Mobile Exemple", riskd.NetworkMobile
		}),
		"198.18.24.1": with(func(p *riskd.Place) { p.ASN, p.Org, p.Network = 64499, "Bureau Modele SA", riskd.NetworkBusiness }),
		"198.19.16.200": with(func(p *riskd.Place) {
			p.RadiusKM, p.ASN, p.Org, p.Network = 100, 64509, "Incognito Example VPN", riskd.NetworkVPN
		}),
		"198.19.35.1": with(func(p *riskd.Place) {
			p.RadiusKM, p.ASN, p.Org, p.Network = 100, 65537, "Veil Private Relay", riskd.NetworkVPN
		}),
		"198.19.64.1":            {Country: "DE", City: "Frankfurt", Located: true, Lat: 50.1109, Lon: 8.6821, RadiusKM: 100, ASN: 64511, Org: "Onion Example Exits", Network: riskd.NetworkTor, Build: built.Unix()},
		"198.19.48.1":            {Country: "SG", City: "Singapore", Located: true, Lat: 1.3521, Lon: 103.8198, RadiusKM: 100, ASN: 64510, Org: "Open Relay Proxies", Network: riskd.NetworkProxy, Build: built.Unix()},
		"198.19.8.1":             {Country: "US", City: "Ashburn", Located: true, Lat: 39.0438, Lon: -77.4874, RadiusKM: 20, ASN: 64508, Org: "Specimen Cloud", Network: riskd.NetworkHosting, Build: built.Unix()},
		"198.19.96.1":            {Country: "IE", City: "Dublin", Located: true, Lat: 53.3498, Lon: -6.2603, RadiusKM: 500, ASN: 65536, Org: "Orbit Example", Network: riskd.NetworkSatellite, Build: built.Unix()},
		"198.18.112.1":           {Country: "BR", City: "São Paulo", Located: true, Lat: -23.5505, Lon: -46.6333, RadiusKM: 20, ASN: 64505, Org: "Banda Exemplo", Network: riskd.NetworkResidential, Build: built.Unix()},
		"198.18.255.1":           {}, // in nobody's hands
		"127.0.0.1":              {},
		"2001:db8:ffff::1":       {},
		"::":                     {},
		"255.255.255.255":        {},
		"ffff:ffff:ffff:ffff::1": {},
	}
	for range 2 { // straight from the databases, then from the cache
		for address, want := range tests {
			got, degraded := l.Locate(addr(address))
			if got != want || degraded != nil {
				t.Errorf("%s:\n got %+v %v\nwant %+v", address, got, degraded, want)
			}
		}
	}
	if got, degraded := l.Locate(netip.Addr{}); got != (riskd.Place{}) || degraded != nil {
		t.Errorf("no address is at %+v %v", got, degraded)
	}
}

func TestEveryLayoutOfRecords(t *testing.T) {
	t.Parallel()
	str := func(s string) mmdbtype.String { return mmdbtype.String(s) }
	tests := map[string]struct {
		record mmdbtype.Map
		want   riskd.Place
	}{
		"flat country": {mmdbtype.Map{"country_code": str("JP")}, riskd.Place{Country: "JP", Build: built.Unix()}},
		"flat city, single precision": {
			mmdbtype.Map{
				"city": str("Lagos"), "country_code": str("NG"), "latitude": mmdbtype.Float32(6.5), "longitude": mmdbtype.Float32(3.25),
				"postcode": str(""), "state1": str("Lagos"), "timezone": str("Africa/Lagos"),
			},
			riskd.Place{Country: "NG", City: "Lagos", Located: true, Lat: 6.5, Lon: 3.25, Build: built.Unix()},
		},
		"flat system": {
			mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(4200000000), "autonomous_system_organization": str("Far Out")},
			riskd.Place{ASN: 4200000000, Org: "Far Out"},
		},
		"provider's name where the operator's is missing": {
			mmdbtype.Map{"isp": str("Line Example"), "autonomous_system_number": mmdbtype.Uint32(64499)},
			riskd.Place{ASN: 64499, Org: "Line Example"},
		},
		"one coordinate is no place": {
			mmdbtype.Map{"country": mmdbtype.Map{"iso_code": str("FR")}, "location": mmdbtype.Map{"latitude": mmdbtype.Float64(9), "accuracy_radius": mmdbtype.Uint16(5)}},
			riskd.Place{Country: "FR", Build: built.Unix()},
		},
		"country as something else": {
			mmdbtype.Map{"country": str("France"), "country_code": str("FR")},
			riskd.Place{Country: "FR", Build: built.Unix()},
		},
		"every trait at once: the highest kind": {
			mmdbtype.Map{"traits": mmdbtype.Map{"user_type": str("residential"), "connection_type": str("Cellular"), "is_hosting_provider": mmdbtype.Bool(true)}},
			riskd.Place{Network: riskd.NetworkHosting},
		},
		"anonymous in no way that has a name": {
			mmdbtype.Map{"is_anonymous": mmdbtype.Bool(true), "user_type": str("residential")}, riskd.Place{Network: riskd.NetworkVPN},
		},
		"anonymous by hosting": {
			mmdbtype.Map{"is_anonymous": mmdbtype.Bool(true), "is_hosting_provider": mmdbtype.Bool(true)}, riskd.Place{Network: riskd.NetworkHosting},
		},
		"residential proxy": {mmdbtype.Map{"is_residential_proxy": mmdbtype.Bool(true)}, riskd.Place{Network: riskd.NetworkProxy}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{"a.mmdb": raw(t, "somebody's own", 6, map[string]mmdbtype.DataType{"203.0.113.0/24": test.record})}
			l := loaded(t, geo.Options{Files: files, Databases: []string{"a.mmdb"}})
			if got, _ := l.Locate(addr("203.0.113.7")); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestRecordThatCantBeRead(t *testing.T) {
	t.Parallel()
	country := func(v mmdbtype.DataType) mmdbtype.Map { return mmdbtype.Map{"country_code": v} }
	location := func(lat, lon float64) mmdbtype.Map {
		return mmdbtype.Map{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon), "country_code": mmdbtype.String("FR")}
	}
	files := fstest.MapFS{"a.mmdb": raw(t, "flat", 6, map[string]mmdbtype.DataType{
		"192.0.2.0/32": country(mmdbtype.String("FR")),
		"192.0.2.1/32": country(mmdbtype.Uint32(33)),
		"192.0.2.2/32": country(mmdbtype.String("France")),
		"192.0.2.3/32": location(91, 0),
		"192.0.2.4/32": location(0, -181),
		"192.0.2.5/32": mmdbtype.String("no map"),
		"192.0.2.6/32": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint64(1 << 32)},
		"192.0.2.7/32": mmdbtype.Map{"city": mmdbtype.String(strings.Repeat("x", 600))},
	})}
	l := loaded(t, geo.Options{Files: files, Databases: []string{"a.mmdb"}})
	if got, degraded := l.Locate(addr("192.0.2.0")); got.Country != "FR" || degraded != nil {
		t.Errorf("the good record: %+v %v", got, degraded)
	}
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"} {
		got, degraded := l.Locate(addr(address))
		if got != (riskd.Place{}) || !slices.Equal(degraded, []string{geo.CodeRecord}) {
			t.Errorf("%s: %+v %v, want nothing and %s", address, got, degraded, geo.CodeRecord)
		}
	}
}

func TestSourcesCombine(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"country.mmdb": raw(t, "country ipvAll", 6, map[string]mmdbtype.DataType{
			"203.0.113.0/24": mmdbtype.Map{"country_code": mmdbtype.String("DE")},
			"192.0.2.0/24":   mmdbtype.Map{"country_code": mmdbtype.String("DE")},
		}),
		"city.mmdb":  city(t, built, "203.0.113.0/24,FR,Paris,48,2,20,residential"),
		"other.mmdb": city(t, built, "203.0.113.0/24,GB,London,51,0,20,mobile"),
		"vpn.txt":    {Data: []byte("203.0.113.128/25\n")},
		"host.txt":   {Data: []byte("203.0.113.0/24\n203.0.113.192/26 # inside a VPN\n")},
	}
	l := loaded(t, geo.Options{
		Files: files, Databases: []string{"country.mmdb", "city.mmdb", "other.mmdb"},
		Lists: []geo.List{{Path: "vpn.txt", Kind: riskd.NetworkVPN}, {Path: "host.txt", Kind: riskd.NetworkHosting}},
	})
	place, _ := l.Locate(addr("203.0.113.7"))
	if place.Country != "FR" || place.City != "Paris" || place.Lat != 48 {
		t.Errorf("the first database with coordinates is Paris, got %+v", place)
	}
	if place, _ := l.Locate(addr("192.0.2.1")); place.Country != "DE" || place.Located {
		t.Errorf("only the country is known, got %+v", place)
	}
	for address, want := range map[string]riskd.NetworkKind{
		"203.0.113.7": riskd.NetworkHosting, "203.0.113.130": riskd.NetworkVPN, "203.0.113.200": riskd.NetworkVPN, "198.51.100.1": riskd.NetworkUnknown,
	} {
		if place, _ := l.Locate(addr(address)); place.Network != want {
			t.Errorf("%s is %s, want %s", address, place.Network, want)
		}
	}
}

func TestDegraded(t *testing.T) {
	t.Parallel()
	good := city(t, built, "203.0.113.0/24,FR,Paris,48,2,20,residential")
	files := fstest.MapFS{
		"city.mmdb":  good,
		"short.mmdb": {Data: good.Data[:len(good.Data)/2]},
		"empty.mmdb": {},
		"dir/x":      {},
		"asn.mmdb":   raw(t, "asn", 6, map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64496)}}),
		"v4.mmdb":    raw(t, "country ipv4", 4, map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"country_code": mmdbtype.String("FR")}}),
		"none.mmdb":  raw(t, "GeoIP2-Domain", 6, map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"domain": mmdbtype.String("example.com")}}),
	}
	tests := map[string]struct {
		databases []string
		address   string
		now       time.Time
		want      []string
		located   bool
		err       string // in the last database's status
	}{
		"good":                   {[]string{"city.mmdb"}, "203.0.113.7", time.Time{}, nil, true, ""},
		"not configured":         {nil, "203.0.113.7", time.Time{}, []string{"geo_missing"}, false, ""},
		"absent":                 {[]string{"gone.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_failed", "geo_missing"}, false, "gone.mmdb: file does not exist"},
		"one of two absent":      {[]string{"city.mmdb", "gone.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_failed"}, true, "gone.mmdb: file does not exist"},
		"empty":                  {[]string{"empty.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_failed", "geo_missing"}, false, "empty.mmdb: "},
		"cut short":              {[]string{"short.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_failed", "geo_missing"}, false, "short.mmdb: "},
		"a folder":               {[]string{"dir"}, "203.0.113.7", time.Time{}, []string{"geo_failed", "geo_missing"}, false, "dir: is not a regular file"},
		"no places":              {[]string{"asn.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_missing"}, false, ""},
		"nothing of use":         {[]string{"none.mmdb"}, "203.0.113.7", time.Time{}, []string{"geo_failed", "geo_missing"}, false, `its type is "GeoIP2-Domain"`},
		"30 days old":            {[]string{"city.mmdb"}, "203.0.113.7", built.Add(geo.MaxAge), nil, true, ""},
		"older":                  {[]string{"city.mmdb"}, "203.0.113.7", built.Add(geo.MaxAge + time.Second), []string{"geo_stale"}, true, ""},
		"from the future":        {[]string{"city.mmdb"}, "203.0.113.7", built.Add(-25 * time.Hour), []string{"geo_failed", "geo_missing"}, false, "yet to come"},
		"IPv6 where IPv4 only":   {[]string{"v4.mmdb"}, "2001:db8::1", time.Time{}, nil, false, ""},
		"mapped where only IPv4": {[]string{"v4.mmdb"}, "::ffff:203.0.113.1", time.Time{}, nil, true, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := geo.Options{Files: files, Databases: test.databases}
			if !test.now.IsZero() {
				o.Now = func() time.Time { return test.now }
			}
			l := open(t, o)
			place, degraded := l.Locate(addr(test.address))
			if !slices.Equal(degraded, test.want) || (place.Country != "") != test.located {
				t.Errorf("%+v %q, want located %t %q", place, degraded, test.located, test.want)
			}
			if len(test.databases) == 0 {
				return
			}
			status := l.Status()
			s := status[len(status)-1]
			if (s.Err == nil) != (test.err == "") || s.Err != nil && !strings.Contains(s.Err.Error(), test.err) {
				t.Errorf("status says %v, want %q", s.Err, test.err)
			}
			if s.Loaded != (s.Err == nil) || s.Stale != slices.Contains(test.want, geo.CodeStale) {
				t.Errorf("status %+v", s)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options geo.Options
		want    string
	}{
		"size":        {geo.Options{MaxBytes: -1}, "max_bytes: is -1"},
		"database":    {geo.Options{Databases: []string{"a", ""}}, "databases[1]: is empty"},
		"list's path": {geo.Options{Lists: []geo.List{{Kind: riskd.NetworkVPN}}}, "lists[0].path: is required"},
		"list's kind": {geo.Options{Lists: []geo.List{{Path: "a"}}}, "lists[0].kind: is required"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := geo.Open(test.options)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCodesCantBeSpoilt(t *testing.T) {
	t.Parallel()
	l := open(t, geo.Options{})
	_, degraded := l.Locate(addr("192.0.2.1"))
	_ = append(degraded, "something else")
	if _, degraded := l.Locate(addr("192.0.2.1")); !slices.Equal(degraded, []string{geo.CodeMissing}) {
		t.Errorf("codes are now %q", degraded)
	}
}
