package signals_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

func TestParseAgent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want riskd.Agent
	}{
		"chrome":        {chrome145, riskd.Agent{Family: "Chrome", OS: "Windows", Major: 145}},
		"firefox":       {firefox, riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140}},
		"edge":          {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.1.2210.61", riskd.Agent{Family: "Edge", OS: "Windows", Major: 120, Minor: 1}},
		"safari":        {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6.1 Mobile/15E148 Safari/604.1", riskd.Agent{Family: "Safari", OS: "iOS", Major: 26, Minor: 6}},
		"headless":      {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.6367.78 Safari/537.36", riskd.Agent{Family: "HeadlessChrome", OS: "Linux", Major: 124}},
		"curl":          {"curl/8.5.0", riskd.Agent{Family: "curl", Major: 8, Minor: 5}},
		"requests":      {"python-requests/2.31.0", riskd.Agent{Family: "python-requests", Major: 2, Minor: 31}},
		"no version":    {"node-fetch", riskd.Agent{Family: "node-fetch"}},
		"comment":       {"Go-http-client/1.1 (x)", riskd.Agent{Family: "Go-http-client", Major: 1, Minor: 1}},
		"empty":         {"", riskd.Agent{}},
		"only slash":    {"/", riskd.Agent{}},
		"only blank":    {"   ", riskd.Agent{}},
		"endless digit": {"x/" + strings.Repeat("9", 500), riskd.Agent{Family: "x", Major: 1_000_000}},
		"endless name":  {strings.Repeat("n", 500), riskd.Agent{Family: strings.Repeat("n", 32)}},
	} {
		if got := signals.ParseAgent(c.in); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Against a weighted sample of real user agents (npm user-agents, BSD-2-Clause).
func TestParseAgentOnRealAgents(t *testing.T) {
	t.Parallel()
	data := os.Getenv("RISKD_TEST_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(data, "ua", "ua-weights.csv"))
	if err != nil {
		t.Skip("no third-party data: set RISKD_TEST_DATA to its folder")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, row := range rows[1:] {
		family, a := row[3], signals.ParseAgent(row[4])
		// The sample calls Yandex's browser Chrome, and Samsung's Samsung.
		if a.OS == "" || !strings.HasPrefix(a.Family, family) && a.Family != "Yandex Browser" {
			wrong++
		}
	}
	if limit := len(rows) / 200; wrong > limit || len(rows) < 900 {
		t.Errorf("%d of %d wrong; at most %d", wrong, len(rows)-1, limit)
	}
}

func FuzzParseAgent(f *testing.F) {
	for _, s := range []string{chrome145, firefox, "curl/8.5.0", "/", "Mozilla/5.0 (Android", " en-US"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := signals.ParseAgent(s)
		if len(a.Family) > 32 || len(a.OS) > 32 || a.Major < 0 || a.Minor < 0 || a.Major > 1_000_000 || a.Minor > 1_000_000 {
			t.Errorf("%q: %+v", s, a)
		}
	})
}
