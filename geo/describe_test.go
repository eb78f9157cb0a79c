package geo_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/geoip2-golang/v2"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	l := world(t)
	all := l.Describe(addr("::ffff:198.19.16.7"))
	if len(all) != 3 {
		t.Fatalf("three databases know the address, got %+v", all)
	}
	for i, d := range all {
		if d.Err != nil || d.Path != fixtures.GeoDatabases[i] || !d.Network.Contains(addr("198.19.16.7")) || d.Network.Bits() < 23 {
			t.Errorf("got %+v", d)
		}
	}
	if e, ok := all[0].Record.(*geoip2.Enterprise); !ok || e.City.Names.English != "Paris" {
		t.Errorf("city: %+v", all[0].Record)
	}
	if s, ok := all[1].Record.(*geoip2.ASN); !ok || s.AutonomousSystemNumber != 64509 {
		t.Errorf("asn: %+v", all[1].Record)
	}
	if a, ok := all[2].Record.(*geoip2.AnonymousIP); !ok || !a.IsAnonymousVPN || a.IsTorExitNode {
		t.Errorf("anonymous: %+v", all[2].Record)
	}
	for _, a := range []netip.Addr{addr("10.0.0.1"), addr("2001:db8:ffff::"), {}} {
		if d := l.Describe(a); d != nil {
			t.Errorf("%s: %+v", a, d)
		}
	}
}

func TestDescribeListsAndOpenDatabases(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"asn.mmdb":  &fstest.MapFile{Data: systems(t, "203.0.113.0/24,64500,Sample")},
		"flat.mmdb": raw(t, "country ipv4", 4, map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"country_code": mmdbtype.String("FR")}}),
		"a.txt":     {Data: []byte("203.0.113.0/24\n203.0.113.0/25\n198.51.100.0/24")},
		"b.txt":     {Data: []byte("AS64500")},
	}
	l := loaded(t, geo.Options{
		Files: files, Databases: []string{"asn.mmdb", "flat.mmdb"},
		Lists: []geo.List{{Path: "a.txt", Kind: riskd.NetworkVPN}, {Path: "b.txt", Kind: riskd.NetworkHosting}},
	})
	got, err := json.Marshal(l.Describe(addr("203.0.113.7"))[1:])
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"Path":"flat.mmdb","Type":"country ipv4","Network":"203.0.113.0/24","Record":{"country_code":"FR"},"Err":null},` +
		`{"Path":"a.txt","Type":"list","Network":"203.0.113.0/25","Record":{"kind":"vpn"},"Err":null},` +
		`{"Path":"b.txt","Type":"list","Network":"","Record":{"kind":"hosting","asn":64500},"Err":null}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d := l.Describe(addr("2001:db8::1")); d != nil {
		t.Errorf("IPv6 where IPv4 only: %+v", d)
	}
}
