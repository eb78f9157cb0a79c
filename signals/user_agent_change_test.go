package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd/signals"
)

func TestUserAgentChange(t *testing.T) {
	t.Parallel()
	const (
		mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
		safari6 = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 Safari/605.1.15"
		safari4 = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15"
	)
	for name, c := range map[string]struct {
		from, to    string
		value, nats float64
		majors      float64
	}{
		"same":            {chrome145, chrome145, 0, 0, 0},
		"updated":         {chrome145, chrome146, 1, 2, 1},
		"updated a minor": {safari4, safari6, 1, 2, 0},
		"gone back":       {chrome146, chrome145, 2, 4, -1},
		"back a minor":    {safari6, safari4, 2, 4, 0},
		"other system":    {chrome145, mac, 3, 7, 0},
		"other browser":   {chrome145, firefox, 3, 7, 0},
		"a script":        {chrome145, "python-requests/2.31.0", 3, 7, 0},
		"first version":   {"app/1.0", "app/2.0", 1, 2, 1},
		"no version":      {"node-fetch/3.1", "node-fetch", 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			w.Session.Agent = signals.ParseAgent(c.from)
			f := w.agent(c.to).read("user_agent_change")
			want(t, f, c.value, c.nats)
			if f.numbers["major_delta"] != c.majors || f.texts["to_family"] != w.Agent.Family || f.texts["from_os"] != w.Session.Agent.OS {
				t.Errorf("details are %v %v", f.numbers, f.texts)
			}
		})
	}
	wantMissing(t, newWalk(t).agent("").read("user_agent_change"), "user_agent")
	wantMissing(t, newWalk(t).login(time.Hour).read("user_agent_change"), "history")
}
