package geo_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/geo"
)

func ipNet(s string) *net.IPNet {
	_, n, err := net.ParseCIDR(s)
	if err != nil {
		panic(err)
	}
	return n
}

func TestListsOfNetworks(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"asn.mmdb": &fstest.MapFile{Data: systems(t, "192.0.2.0/24,64500,Sample\n198.51.100.0/24,64501,Other")},
		"list.txt": {Data: []byte("# exits\r\n\r\n  203.0.113.0/28 ; a comment\r\n203.0.113.77\n2001:db8:9::/48\nas64500 # theirs\nAS64500\n::ffff:203.0.113.128/121\n")},
	}
	l := loaded(t, geo.Options{Files: files, Databases: []string{"asn.mmdb"}, Lists: []geo.List{{Path: "list.txt", Kind: riskd.NetworkTor}}})
	for address, want := range map[string]riskd.NetworkKind{
		"203.0.113.0": riskd.NetworkTor, "203.0.113.15": riskd.NetworkTor, "203.0.113.16": riskd.NetworkUnknown,
		"203.0.113.76": riskd.NetworkUnknown, "203.0.113.77": riskd.NetworkTor, "203.0.113.78": riskd.NetworkUnknown,
		"203.0.113.127": riskd.NetworkUnknown, "203.0.113.128": riskd.NetworkTor, "203.0.113.255": riskd.NetworkTor,
		"2001:db8:9::1": riskd.NetworkTor, "2001:db8:a::": riskd.NetworkUnknown, "2001:db8:8:ffff::": riskd.NetworkUnknown,
		"192.0.2.9": riskd.NetworkTor, "198.51.100.9": riskd.NetworkUnknown,
	} {
		if place, _ := l.Locate(addr(address)); place.Network != want {
			t.Errorf("%s is %s, want %s", address, place.Network, want)
		}
	}
}

func TestListsMistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		list string
		want []string
	}{
		"words":            {"203.0.113.0/24\nhello world\n", []string{`l.txt:2: "hello world" is neither a network such as 198.51.100.0/24 nor an address`}},
		"two mistakes":     {"x\n\n# y\nz\n", []string{`l.txt:1: "x"`, `l.txt:4: "z"`}},
		"bits set":         {"203.0.113.7/24", []string{`l.txt:1: "203.0.113.7/24" has bits set beyond its length: write 203.0.113.0/24`}},
		"everything":       {"0.0.0.0/0", []string{`l.txt:1: "0.0.0.0/0" is every address there is`}},
		"everything, IPv6": {"::/0", []string{`l.txt:1: "::/0" is every address`}},
		"length":           {"203.0.113.0/33", []string{`l.txt:1: "203.0.113.0/33"`}},
		"zone":             {"fe80::1%eth0", []string{`l.txt:1: "fe80::1%eth0"`}},
		"no system":        {"AS", []string{`l.txt:1: "AS"`}},
		"system of words":  {"ASSET", []string{`l.txt:1: "ASSET" is not an autonomous system number such as AS64500`}},
		"system zero":      {"AS0", []string{`l.txt:1: "AS0"`}},
		"too large":        {"AS4294967296", []string{`l.txt:1: "AS4294967296"`}},
		"nothing":          {"# to come\n", []string{`l.txt: names no network`}},
		"a line too long":  {strings.Repeat("1", 1<<17), []string{`l.txt: bufio.Scanner: token too long`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{"l.txt": {Data: []byte(test.list)}}
			s := open(t, geo.Options{Files: files, Lists: []geo.List{{Path: "l.txt", Kind: riskd.NetworkVPN}}}).Status()[0]
			if s.Err == nil || s.Loaded {
				t.Fatal("the list is taken")
			}
			lines := strings.Split(s.Err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %q, want %q", lines, test.want)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want %q", lines[i], want)
				}
			}
		})
	}
	files := fstest.MapFS{"l.txt": {Data: []byte(strings.Repeat("x\n", 1000))}}
	s := open(t, geo.Options{Files: files, Lists: []geo.List{{Path: "l.txt", Kind: riskd.NetworkVPN}}}).Status()[0]
	if n := strings.Count(s.Err.Error(), "\n") + 1; n != 20 {
		t.Errorf("%d mistakes reported of 1000, want 20", n)
	}
}

// The lists together answer as one would by asking every network of every list.
func TestListsAgainstPlainSearch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	any := func() netip.Addr { // few bits, so that networks meet
		return netip.AddrFrom4([4]byte{198, byte(random.IntN(2)), byte(random.IntN(4) * 64), byte(random.IntN(256))})
	}
	kinds := []riskd.NetworkKind{riskd.NetworkMobile, riskd.NetworkHosting, riskd.NetworkVPN, riskd.NetworkTor}
	type entry struct {
		network netip.Prefix
		kind    riskd.NetworkKind
	}
	for round := range 20 {
		var entries []entry
		files := fstest.MapFS{}
		var lists []geo.List
		for i, kind := range kinds {
			var text strings.Builder
			for range 40 {
				p, err := any().Prefix(10 + random.IntN(23))
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, entry{p, kind})
				fmt.Fprintln(&text, p)
			}
			name := fmt.Sprint(i)
			files[name] = &fstest.MapFile{Data: []byte(text.String())}
			lists = append(lists, geo.List{Path: name, Kind: kind})
		}
		l := loaded(t, geo.Options{Files: files, Lists: lists})
		for range 2000 {
			a := any()
			want := riskd.NetworkUnknown
			for _, e := range entries {
				if e.network.Contains(a) {
					want = max(want, e.kind)
				}
			}
			if place, _ := l.Locate(a); place.Network != want {
				t.Fatalf("round %d: %s is %s, want %s", round, a, place.Network, want)
			}
		}
	}
}
