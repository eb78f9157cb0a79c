package gateway

import (
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	p, err := newProxies(trusted) // 10.0.0.0/8 and 2001:db8:ffff::/48
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"peer alone":               {"203.0.113.7:1", nil, "203.0.113.7"},
		"proxy alone":              {"10.0.0.1:1", nil, "10.0.0.1"},
		"peer not trusted":         {"203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"},
		"one proxy":                {"10.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		"spoofed left":             {"10.0.0.1:1", []string{"1.1.1.1, 203.0.113.7"}, "203.0.113.7"},
		"spoofed as a proxy":       {"10.0.0.1:1", []string{"10.9.9.9, 203.0.113.7"}, "203.0.113.7"},
		"two proxies":              {"10.0.0.1:1", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		"two lines":                {"10.0.0.1:1", []string{"1.1.1.1", "203.0.113.7", "10.0.0.2"}, "203.0.113.7"},
		"spoofed line":             {"10.0.0.1:1", []string{"1.1.1.1", "203.0.113.7"}, "203.0.113.7"},
		"all trusted":              {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"garbage":                  {"10.0.0.1:1", []string{"203.0.113.7, unknown"}, "10.0.0.1"},
		"garbage further left":     {"10.0.0.1:1", []string{"1.1.1.1, junk, 10.0.0.2"}, "10.0.0.2"},
		"empty":                    {"10.0.0.1:1", []string{""}, "10.0.0.1"},
		"empty entry":              {"10.0.0.1:1", []string{"203.0.113.7,,10.0.0.2"}, "10.0.0.2"},
		"comma at the end":         {"10.0.0.1:1", []string{"203.0.113.7,"}, "10.0.0.1"},
		"tabs":                     {"10.0.0.1:1", []string{"1.1.1.1,\t203.0.113.7 ,10.0.0.2"}, "203.0.113.7"},
		"with port":                {"10.0.0.1:1", []string{"203.0.113.7:8080"}, "203.0.113.7"},
		"IPv6":                     {"10.0.0.1:1", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 in brackets":         {"10.0.0.1:1", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv6 with port":           {"10.0.0.1:1", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		"IPv4 in brackets":         {"10.0.0.1:1", []string{"[203.0.113.7]"}, "10.0.0.1"},
		"IPv6 proxy":               {"[2001:db8:ffff::1]:1", []string{"2001:db8::7, 2001:db8:ffff::2"}, "2001:db8::7"},
		"mapped peer":              {"[::ffff:10.0.0.1]:1", []string{"203.0.113.7"}, "203.0.113.7"},
		"mapped proxy":             {"10.0.0.1:1", []string{"203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7"},
		"mapped client":            {"10.0.0.1:1", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"mapped peer, not trusted": {"[::ffff:203.0.113.7]:1", []string{"1.1.1.1"}, "203.0.113.7"},
		"zone":                     {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"zone in an entry":         {"10.0.0.1:1", []string{"fe80::2%eth0"}, "fe80::2"},
		"octal":                    {"10.0.0.1:1", []string{"203.0.113.07"}, "10.0.0.1"},
		"short form":               {"10.0.0.1:1", []string{"203.7"}, "10.0.0.1"},
		"no address at all":        {"@", []string{"203.0.113.7"}, "invalid IP"},
		"a socket":                 {"@local", []string{"1.1.1.1, 203.0.113.7"}, "203.0.113.7"},
		"a socket, a proxy":        {"@local", []string{"1.1.1.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		"a socket, garbage":        {"@local", []string{"203.0.113.7, junk"}, "invalid IP"},
		"a socket alone":           {"@local", nil, "invalid IP"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := p.client(PeerAddress(c.peer), c.peer == "@local", c.forwarded); got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	nobody, err := newProxies(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := nobody.client(PeerAddress("127.0.0.1:1"), false, []string{"203.0.113.7"}); got.String() != "127.0.0.1" {
		t.Errorf("without trusted proxies the client is %s", got)
	}
}
