package geo_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/geo"
)

// systems makes a database of autonomous systems.
func systems(t testing.TB, rows string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := geo.BuildASN(&out, strings.NewReader("network,asn,organisation\n"+rows), built); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	const rows = "network,country,city,latitude,longitude,kind,asn,organisation\n" +
		"203.0.113.0/24,FR,Paris,48,2,vpn,1,A\n192.0.2.0/24,GB,,,,mobile,2,B\n2001:db8::/32,US,New York,40,-74,tor,3,C\n"
	for name, build := range map[string]func(io.Writer, io.Reader, time.Time) error{
		"city": geo.BuildCity, "asn": geo.BuildASN, "anonymous": geo.BuildAnonymous,
	} {
		var first bytes.Buffer
		for range 20 {
			var out bytes.Buffer
			if err := build(&out, strings.NewReader(rows), built); err != nil {
				t.Fatal(err)
			}
			if first.Len() == 0 {
				first = out
			}
			if !bytes.Equal(first.Bytes(), out.Bytes()) {
				t.Fatalf("%s: the same rows gave other bytes", name)
			}
		}
	}
}

func TestBuildMostSpecificWins(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"a.mmdb": city(t, built,
		"203.0.113.128/25,GB,London,51,0,20,mobile", "203.0.113.0/24,FR,Paris,48,2,,", "203.0.113.200,DE,,,,,", "# 203.0.113.201,XX,,,,,")}
	l := loaded(t, geo.Options{Files: files, Databases: []string{"a.mmdb"}})
	for address, want := range map[string]string{"203.0.113.1": "FR", "203.0.113.130": "GB", "203.0.113.200": "DE", "203.0.113.201": "GB"} {
		if place, _ := l.Locate(addr(address)); place.Country != want {
			t.Errorf("%s is in %q, want %s", address, place.Country, want)
		}
	}
	if place, _ := l.Locate(addr("203.0.113.1")); place.RadiusKM != 0 || place.Network != riskd.NetworkUnknown || !place.Located {
		t.Errorf("what the row leaves out isn't left out: %+v", place)
	}
}

func TestBuildMistakes(t *testing.T) {
	t.Parallel()
	const header = "network,country,city,latitude,longitude,radius_km,asn,organisation,kind\n"
	tests := map[string]struct{ csv, want string }{
		"nothing":             {"", "line 1: the names of the columns: EOF"},
		"unknown column":      {"network,country,lat\n", `line 1: column "lat" is not one of network, country,`},
		"column twice":        {"network,country,country\n", `line 1: column "country" stands twice`},
		"column missing":      {"network,city\n", `line 1: column "country" is missing`},
		"no network":          {header + ",FR,,,,,,,\n", "line 2: network: is required"},
		"no country":          {header + "203.0.113.0/24,,,,,,,,\n", "line 2: country: is required"},
		"wrong network":       {header + "# a\n\n203.0.113.1/24,FR,,,,,,,\n", `line 4: network: "203.0.113.1/24" has bits set`},
		"country of 3":        {header + "203.0.113.0/24,FRA,,,,,,,\n", `line 2: country: "FRA" is not a code of two capital letters`},
		"latitude":            {header + "203.0.113.0/24,FR,,91,0,,,,\n", `line 2: latitude: "91" is not -90 to 90 degrees`},
		"not a number":        {header + "203.0.113.0/24,FR,,NaN,0,,,,\n", `line 2: latitude: "NaN" is not`},
		"half a place":        {header + "203.0.113.0/24,FR,,48,,,,,\n", "line 2: latitude and longitude: give both or none"},
		"radius":              {header + "203.0.113.0/24,FR,,48,2,-1,,,\n", `line 2: radius_km: "-1" is not 0 to 65535 kilometres`},
		"system":              {header + "203.0.113.0/24,FR,,48,2,1,AS1,,\n", `line 2: asn: "AS1" is not an autonomous system number`},
		"kind":                {header + "203.0.113.0/24,FR,,48,2,1,1,A,cable\n", `line 2: kind: "cable" is not one of unknown, residential`},
		"fields":              {header + "203.0.113.0/24,FR\n", "record on line 2: wrong number of fields"},
		"quote":               {header + "203.0.113.0/24,\"FR\n", "parse error on line 2, column 20"},
		"the same network":    {header + "203.0.113.0/24,FR,,,,,,,\n192.0.2.0/24,FR,,,,,,,\n203.0.113.0/24,GB,,,,,,,\n", "line 4: network 203.0.113.0/24 stands on line 2 already"},
		"two mistakes":        {header + "x,FR,,,,,,,\ny,FR,,,,,,,\n", "line 2: network: \"x\" is neither a network such as 198.51.100.0/24 nor an address\nline 3: network: \"y\""},
		"a name without end":  {header + "203.0.113.0/24,FR," + strings.Repeat("x", 513) + ",,,,,,\n", "line 2: city: is 513 bytes long; the limit is 512"},
		"6to4 of another net": {header + "2002:cb00:7100::/40,FR,,,,,,,\n", "line 2: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := geo.BuildCity(&out, strings.NewReader(test.csv), built)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if out.Len() > 0 {
				t.Error("something was written all the same")
			}
		})
	}
	if err := geo.BuildCity(io.Discard, strings.NewReader(header), time.Time{}); err == nil || !strings.HasPrefix(err.Error(), "build time: is required") {
		t.Errorf("without a time: %v", err)
	}
}
