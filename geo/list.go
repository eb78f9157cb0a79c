package geo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// List is a plain text file of networks that are all of one kind. A line holds
// 198.51.100.0/24, 2001:db8::/32, a single address, or AS64500; what follows #
// or ; is a comment.
type List struct {
	Path string
	Kind riskd.NetworkKind
}

// networks is what a list says: its prefixes and its autonomous systems.
type networks struct {
	prefixes []netip.Prefix
	systems  []uint32
}

// parseNetworks reads a list. Every mistake is reported with its line, up to a
// few: a list with a mistake isn't used at all, because half of a list looks
// like a whole one.
func parseNetworks(path string, data []byte) (networks, error) {
	var n networks
	var found faults
	lines := bufio.NewScanner(bytes.NewReader(data))
	for i := 1; lines.Scan() && !found.enough(); i++ {
		if err := n.add(lines.Text()); err != nil {
			found.add(fmt.Errorf("%s:%d: %w", path, i, err))
		}
	}
	if err := lines.Err(); err != nil {
		found.add(fmt.Errorf("%s: %w", path, err))
	}
	if len(found) == 0 && len(n.prefixes)+len(n.systems) == 0 {
		found.add(fmt.Errorf("%s: names no network", path))
	}
	return n, found.err()
}

func (n *networks) add(line string) error {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSpace(line)
	if line == "" {
		return nil
	}
	if len(line) > 2 && strings.EqualFold(line[:2], "AS") {
		asn, err := strconv.ParseUint(line[2:], 10, 32)
		if err != nil || asn == 0 {
			return fmt.Errorf("%q is not an autonomous system number such as AS64500", line)
		}
		n.systems = append(n.systems, uint32(asn))
		return nil
	}
	p, err := parseNetwork(line)
	if err != nil {
		return err
	}
	n.prefixes = append(n.prefixes, p)
	return nil
}

// parseNetwork reads a prefix or a single address, as IPv4 where it is mapped
// into IPv6.
func parseNetwork(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, notAddress := netip.ParseAddr(s)
		if notAddress != nil || a.Zone() != "" {
			return p, fmt.Errorf("%q is neither a network such as 198.51.100.0/24 nor an address", s)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%q has bits set beyond its length: write %s", s, p.Masked())
	}
	if p.Bits() == 0 {
		return p, fmt.Errorf("%q is every address there is", s)
	}
	return p, nil
}

// maxFaults is how many mistakes of one file are reported.
const maxFaults = 20

// faults gathers the mistakes of one file.
type faults []error

func (f *faults) add(err error) { *f = append(*f, err) }

func (f *faults) enough() bool { return len(*f) >= maxFaults }

func (f *faults) err() error { return errors.Join(*f...) }
