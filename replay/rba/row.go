package rba

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Row is one attempt to log in.
type Row struct {
	Line       int // in the file, where it begins
	Index      int64
	Time       time.Time // made coarse by the authors
	User       int64     // may be negative
	RTT        float64   // round-trip time in milliseconds; 0 is unknown, as mostly
	Address    netip.Addr
	Country    string // ISO 3166-1 alpha-2, "" when unknown
	Region     string
	City       string
	ASN        uint32 // from 500000 on made up
	UserAgent  string
	Browser    string // name and version
	System     string // name and version
	DeviceType string // mobile, desktop, tablet, bot, unknown; "" where it couldn't be told
	Successful bool
	AttackIP   bool // the address was on a list of attackers'
	Takeover   bool // an incident response team found the account taken over
}

// columns are the file's, in their order, and how a row takes each.
var columns = []struct {
	name string
	take func(r *Row, text string) error
}{
	{"index", func(r *Row, s string) (err error) { r.Index, err = whole(s); return err }},
	{"Login Timestamp", func(r *Row, s string) (err error) { r.Time, err = timestamp(s); return err }},
	{"User ID", func(r *Row, s string) (err error) { r.User, err = whole(s); return err }},
	{"Round-Trip Time [ms]", func(r *Row, s string) (err error) { r.RTT, err = milliseconds(s); return err }},
	{"IP Address", func(r *Row, s string) (err error) { r.Address, err = address(s); return err }},
	{"Country", func(r *Row, s string) (err error) { r.Country, err = country(s); return err }},
	{"Region", func(r *Row, s string) error { r.Region = known(s); return nil }},
	{"City", func(r *Row, s string) error { r.City = known(s); return nil }},
	{"ASN", func(r *Row, s string) (err error) { r.ASN, err = asn(s); return err }},
	{"User Agent String", func(r *Row, s string) error { r.UserAgent = s; return nil }},
	{"Browser Name and Version", func(r *Row, s string) error { r.Browser = s; return nil }},
	{"OS Name and Version", func(r *Row, s string) error { r.System = s; return nil }},
	{"Device Type", func(r *Row, s string) error { r.DeviceType = s; return nil }},
	{"Login Successful", func(r *Row, s string) (err error) { r.Successful, err = truth(s); return err }},
	{"Is Attack IP", func(r *Row, s string) (err error) { r.AttackIP, err = truth(s); return err }},
	{"Is Account Takeover", func(r *Row, s string) (err error) { r.Takeover, err = truth(s); return err }},
}

// known drops the file's word for what isn't known.
func known(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func whole(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("must be a whole number of 64 bits, is %q", s)
	}
	return n, nil
}

func timestamp(s string) (time.Time, error) {
	at, err := time.Parse("2006-01-02 15:04:05", s) // a fraction may follow
	if err != nil {
		return at, fmt.Errorf("must be a time such as 2020-02-03 12:43:30.772, is %q", s)
	}
	return at, nil
}

func milliseconds(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	ms, err := strconv.ParseFloat(s, 64)
	if err != nil || !(ms >= 0 && ms < 1e12) {
		return 0, fmt.Errorf("must be empty or milliseconds, is %q", s)
	}
	return ms, nil
}

func address(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("must be an IPv4 or IPv6 address, is %q", s)
	}
	return a, nil
}

func country(s string) (string, error) {
	if s = known(s); s == "" {
		return "", nil
	}
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return "", fmt.Errorf("must be two capital letters, is %q", s)
	}
	return s, nil
}

func asn(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("must be a number of 32 bits, is %q", s)
	}
	return uint32(n), nil
}

func truth(s string) (bool, error) {
	if s != "True" && s != "False" {
		return false, fmt.Errorf("must be True or False, is %q", s)
	}
	return s == "True", nil
}
