package geo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
)

// large makes databases and lists of a size that no processor cache holds: 56,000
// networks of /16 and 300,000 inside them, out of 40,000 places and as many
// systems, and 40,000 listed networks.
func large(b *testing.B) *Locator {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []string{"residential", "residential", "mobile", "business", "hosting", "vpn"}
	var csv, list strings.Builder
	fmt.Fprintln(&csv, "network,country,city,latitude,longitude,radius_km,asn,organisation,kind")
	add := func(p netip.Prefix) {
		n := random.IntN(40000)
		fmt.Fprintf(&csv, "%s,%c%c,City %d,%g,%g,20,%d,Operator %d,%s\n", p, 'A'+n%26, 'A'+n/26%10,
			n/4, float64(n%180)-90, float64(n%360)-180, n+1, n, kinds[random.IntN(len(kinds))])
	}
	seen := map[netip.Prefix]bool{}
	inside := func(bits int) netip.Prefix {
		for {
			p, _ := randomAddr(random).Prefix(bits)
			if !seen[p] {
				seen[p] = true
				return p
			}
		}
	}
	for n := 1 << 8; n < 224<<8; n++ {
		add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 8), byte(n)}), 16))
	}
	for range 300_000 {
		add(inside(20 + random.IntN(7)))
	}
	for range 40_000 {
		fmt.Fprintln(&list, inside(18+random.IntN(7)))
	}
	var city, asn, anonymous bytes.Buffer
	built := time.Unix(1772323200, 0)
	for _, err := range []error{
		BuildCity(&city, strings.NewReader(csv.String()), built),
		BuildASN(&asn, strings.NewReader(csv.String()), built),
		BuildAnonymous(&anonymous, strings.NewReader(csv.String()), built),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	l, err := Open(Options{
		Files: fstest.MapFS{
			"city": {Data: city.Bytes()}, "asn": {Data: asn.Bytes()}, "anonymous": {Data: anonymous.Bytes()}, "list": {Data: []byte(list.String())},
		},
		Databases: []string{"city", "asn", "anonymous"},
		Lists:     []List{{"list", riskd.NetworkHosting}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.Close)
	for _, s := range l.Status() {
		if s.Err != nil {
			b.Fatal(s.Err)
		}
	}
	return l
}

func randomAddr(random *rand.Rand) netip.Addr {
	n := random.Uint32N(223<<24) + 1<<24
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// BenchmarkLocate says whether the cache earns its place: in turns of 4096
// addresses it asks the databases and lists directly and through the cache, and
// gives the medians of both. The three loads are as many addresses as fit
// (64k, all hits), a million of which some are asked for much more often (Zipf,
// s = 1.07), and addresses that never come again.
func BenchmarkLocate(b *testing.B) {
	l := large(b)
	const turn = 4096
	random := rand.New(rand.NewPCG(3, 4))
	population := make([]netip.Addr, 1<<20)
	for i := range population {
		population[i] = randomAddr(random)
	}
	zipf := rand.NewZipf(random, 1.07, 8, uint64(len(population)-1))
	loads := []struct {
		name string
		next func() netip.Addr
	}{
		{"fits", func() netip.Addr { return population[random.IntN(cached*3/4)] }},
		{"zipf", func() netip.Addr { return population[zipf.Uint64()] }},
		{"never-again", func() netip.Addr { return randomAddr(random) }},
	}
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			l.cache.Clear()
			for i := range 1 << 20 { // fills the cache
				l.Locate(load.next())
				if i%64 == 0 {
					l.cache.Wait()
				}
			}
			var direct, through []float64
			addresses := make([]netip.Addr, turn)
			s := l.current.Load()
			for b.Loop() {
				for i := range addresses {
					addresses[i] = load.next()
				}
				direct = append(direct, took(addresses, func(a netip.Addr) { s.locate(a) }))
				through = append(through, took(addresses, func(a netip.Addr) { l.Locate(a) }))
			}
			b.ReportMetric(median(direct), "direct-ns")
			b.ReportMetric(median(through), "cached-ns")
			hits := 0
			for range turn {
				if l.remembered(load.next(), s) != nil {
					hits++
				}
			}
			b.ReportMetric(float64(hits)/turn, "hit-rate")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func took(addresses []netip.Addr, ask func(netip.Addr)) float64 {
	start := time.Now()
	for _, a := range addresses {
		ask(a)
	}
	return float64(time.Since(start).Nanoseconds()) / float64(len(addresses))
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
