package geo_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/geo"
)

// thirdParty gives the path of a file of MaxMind's test data, which isn't part
// of this repository.
func thirdParty(t testing.TB, path string) string {
	t.Helper()
	folder := os.Getenv("RISKD_TEST_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "data")
	}
	path = filepath.Join(folder, path)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no MaxMind test data: set RISKD_TEST_DATA to a folder that holds it (%v)", err)
	}
	return path
}

func TestMaxMindSamples(t *testing.T) {
	t.Parallel()
	var databases []string
	for _, name := range []string{"GeoIP2-City", "GeoLite2-ASN", "GeoIP2-ISP", "GeoIP2-Anonymous-IP", "GeoIP2-Connection-Type"} {
		databases = append(databases, thirdParty(t, "maxmind-test/"+name+"-Test.mmdb"))
	}
	l := loaded(t, geo.Options{Databases: databases})
	type sample struct {
		country, city string
		radius        float64
		asn           uint32
		org           string
		network       riskd.NetworkKind
	}
	for address, want := range map[string]sample{
		"81.2.69.142":    {"GB", "London", 10, 0, "", riskd.NetworkTor},
		"81.2.69.160":    {"GB", "London", 100, 0, "Andrews & Arnold Ltd", riskd.NetworkTor},
		"89.160.20.112":  {"SE", "Linköping", 76, 29518, "Bredband2 AB", riskd.NetworkUnknown},
		"175.16.199.1":   {"CN", "Changchun", 100, 0, "", riskd.NetworkResidential},
		"216.160.83.56":  {"US", "Milton", 22, 209, "", riskd.NetworkBusiness},
		"2.125.160.216":  {"GB", "Boxford", 100, 0, "", riskd.NetworkResidential},
		"67.43.156.1":    {"BT", "", 534, 35908, "", riskd.NetworkMobile},
		"214.78.120.1":   {"US", "San Diego", 100, 721, "", riskd.NetworkSatellite},
		"1.128.0.1":      {"", "", 0, 1221, "Telstra Pty Ltd", riskd.NetworkUnknown},
		"1.2.0.1":        {"", "", 0, 0, "", riskd.NetworkVPN},
		"71.160.223.1":   {"", "", 0, 0, "", riskd.NetworkHosting},
		"186.30.236.1":   {"", "", 0, 0, "", riskd.NetworkProxy},
		"65.1.2.3":       {"", "", 0, 0, "", riskd.NetworkTor},
		"2001:480:10::1": {"US", "San Diego", 20, 0, "", riskd.NetworkUnknown},
		"2a02:cf40::1":   {"NO", "", 100, 0, "", riskd.NetworkUnknown},
	} {
		p, degraded := l.Locate(addr(address))
		got := sample{p.Country, p.City, p.RadiusKM, p.ASN, p.Org, p.Network}
		if want.org == "" {
			got.org = ""
		}
		if got != want || degraded != nil || p.Located != (want.radius > 0) {
			t.Errorf("%s: got %+v (%q) %q, want %+v", address, got, p.Org, degraded, want)
		}
	}
}

// Every network of the test files gets the answer that geoip2 gives.
func TestMaxMindAgainstGeoIP2(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *geoip2.Reader, a netip.Addr) (riskd.Place, error){
		"GeoIP2-City":       geoip2City,
		"GeoLite2-City":     geoip2City,
		"GeoIP2-Country":    geoip2City,
		"GeoLite2-ASN":      geoip2ASN,
		"GeoIP2-ISP":        geoip2ASN,
		"GeoIP2-Enterprise": geoip2City,
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := thirdParty(t, "maxmind-test/"+name+"-Test.mmdb")
			l := loaded(t, geo.Options{Databases: []string{path}})
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			known, err := geoip2.OpenBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			all, err := maxminddb.OpenBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for result := range all.Networks() {
				a := result.Prefix().Addr()
				want, err := ask(known, a)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := l.Locate(a)
				if strings.HasSuffix(name, "ASN") || strings.HasSuffix(name, "ISP") {
					got = riskd.Place{ASN: got.ASN, Org: got.Org}
				} else {
					got.ASN, got.Org, got.Network, got.Build = 0, "", 0, 0
				}
				if got != want {
					t.Errorf("%s:\n got %+v\nwant %+v", a, got, want)
				}
				n++
			}
			if n < 20 {
				t.Errorf("only %d networks compared", n)
			}
		})
	}
}

func geoip2City(r *geoip2.Reader, a netip.Addr) (riskd.Place, error) {
	c, err := r.City(a)
	if err != nil {
		return riskd.Place{}, err
	}
	p := riskd.Place{Country: c.Country.ISOCode, City: c.City.Names.English}
	if c.Location.HasCoordinates() {
		p.Located, p.Lat, p.Lon, p.RadiusKM = true, *c.Location.Latitude, *c.Location.Longitude, float64(c.Location.AccuracyRadius)
	}
	return p, nil
}

func geoip2ASN(r *geoip2.Reader, a netip.Addr) (riskd.Place, error) {
	if isp, err := r.ISP(a); err == nil {
		p := riskd.Place{ASN: uint32(isp.AutonomousSystemNumber), Org: isp.AutonomousSystemOrganization}
		if p.Org == "" {
			p.Org = isp.ISP
		}
		return p, nil
	}
	s, err := r.ASN(a)
	if err != nil {
		return riskd.Place{}, err
	}
	return riskd.Place{ASN: uint32(s.AutonomousSystemNumber), Org: s.AutonomousSystemOrganization}, nil
}

func TestMaxMindTypes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(thirdParty(t, "maxmind-test"), "*.mmdb"))
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	useless := []string{"GeoIP-Residential-Proxy", "GeoIP2-DensityIncome", "GeoIP2-Domain", "GeoIP2-Static-IP-Score", "GeoIP2-User-Count"}
	for _, path := range files {
		s := open(t, geo.Options{Databases: []string{path}}).Status()[0]
		name := strings.TrimSuffix(filepath.Base(path), "-Test.mmdb")
		if want := !slices.Contains(useless, name); s.Loaded != want {
			t.Errorf("%s: loaded %t, want %t: %v", name, s.Loaded, want, s.Err)
		}
	}
}

func TestMaxMindBrokenFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(thirdParty(t, "maxmind-bad"), "*.mmdb"))
	if err != nil || len(files) < 23 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		l := open(t, geo.Options{Databases: []string{path}})
		if s := l.Status()[0]; s.Loaded || s.Err == nil || !strings.HasPrefix(s.Err.Error(), path+": ") {
			t.Errorf("%s is taken: %+v", path, s)
		}
		place, degraded := l.Locate(addr("81.2.69.160"))
		if place != (riskd.Place{}) || !slices.Equal(degraded, []string{geo.CodeFailed, geo.CodeMissing}) {
			t.Errorf("%s answers %+v %q", path, place, degraded)
		}
	}
}

func TestMaxMindDescribe(t *testing.T) {
	t.Parallel()
	l := loaded(t, geo.Options{Databases: []string{
		thirdParty(t, "maxmind-test/GeoIP2-City-Test.mmdb"), thirdParty(t, "maxmind-test/GeoIP2-City-Shield-Test.mmdb"),
		thirdParty(t, "maxmind-test/GeoIP-Anonymous-Plus-Test.mmdb"),
	}})
	d := l.Describe(addr("81.2.69.160"))
	if len(d) < 2 || d[0].Type != "GeoIP2-City" || d[1].Type != "GeoIP2-City-Shield" {
		t.Fatalf("got %+v", d)
	}
	if c, ok := d[0].Record.(*geoip2.City); !ok || c.City.Names.French != "Londres" || d[0].Network.String() != "81.2.69.160/27" {
		t.Errorf("geoip2's own type: %+v", d[0])
	}
	if m, ok := d[1].Record.(map[string]any); !ok || m["city"] == nil {
		t.Errorf("a type that geoip2 doesn't know: %+v", d[1])
	}
	for _, one := range d {
		if one.Err != nil {
			t.Errorf("%s: %v", one.Path, one.Err)
		}
		if _, err := json.Marshal(one.Record); err != nil {
			t.Errorf("%s: %v", one.Path, err)
		}
	}
}
