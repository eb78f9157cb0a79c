package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd/api"
)

// noon is the present of the documents below.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const fullSession = `{"session":"s_04000000000000000000000000","tenant":"acme","user":"ana\u001b","user_type":"employee","roles":["admin","ops"],
"environment":"production","device":"laptop-7","status":"suspended","started_at":"2026-11-21T09:00:00Z","seen_at":"2026-11-21T11:59:50.5Z",
"active_at":"2026-11-21T11:57:00Z","expires":{"idle_at":"2026-11-21T12:12:00Z","absolute_at":"2026-11-21T17:00:00Z"},"requests":12,
"decision":"step_up","decided_at":"2026-11-21T11:59:50.5Z","score":66,"level":"MEDIUM",
"network":{"prefix":"198.51.100.0/24","asn":64509,"country":"NL","kind":"vpn"},
"agent":{"family":"Firefox","os":"Linux","version":"128.0"},"auth":{"time":"2026-11-21T08:59:00Z","acr":"aal1","amr":["pwd"]},"binding":"dpop",
"evidence":{"identity":[{"code":"new_country","nats":5.16,"group":"network","clears_with":["mfa","hwk"]}],"behaviour":[{"code":"rate_spike","nats":0.5,"group":"behaviour","clears_with":[]}]},
"step_up":{"id":"su_1","acr_values":["aal2"],"amr_values":["mfa"],"max_age":300,"clears":["new_country"],"issued_at":"2026-11-21T11:59:50Z","expires_at":"2026-11-21T12:09:50Z","attempts_left":1,"over_budget":true},
"failures":2,"suspended":{"epoch":17,"at":"2026-11-21T11:59:55Z","reason":"under inquiry","actor":"soc/bob"},
"previous":"s_08000000000000000000000000","next":"s_0c000000000000000000000000","before_login":true,
"timeline":[{"at":"2026-11-21T09:00:00Z","kind":"began","network":{"prefix":"203.0.113.0/24","asn":64496,"country":"FR"}},
{"at":"2026-11-21T11:59:50.5Z","kind":"challenged","network":{"country":"NL"},"note":"new_country"}],"later":"members that this version doesn't know"}`

const fullText = `s_04000000000000000000000000
  user       ana? (employee; admin, ops)
  tenant     acme
  where      production
  status     suspended
  score      66 (MEDIUM)
  decision   step_up, 2026-11-21T11:59:50Z (9s ago)
  started    2026-11-21T09:00:00Z (3h ago)
  signed in  2026-11-21T08:59:00Z (3h ago), aal1, pwd
  active     2026-11-21T11:57:00Z (3m ago)
  seen       2026-11-21T11:59:50Z (9s ago), 12 requests
  ends       2026-11-21T12:12:00Z if idle (in 12m), 2026-11-21T17:00:00Z in any case (in 5h)
  network    198.51.100.0/24 NL AS64509 (vpn)
  device     laptop-7 (Firefox 128.0, Linux)
  bound by   dpop
  previous   s_08000000000000000000000000
  next       s_0c000000000000000000000000
  suspended  by order 17, 2026-11-21T11:59:55Z, soc/bob, under inquiry
  step-up    su_1: aal2 or mfa, at most 5m old, 1 attempt left, expires in 9m, clears new_country, over the day's budget
  failed     2 step-ups since the last that was passed
  evidence   new_country            5.16 nats, cleared by mfa or hwk
  evidence   rate_spike             0.50 nats
  timeline   2026-11-21T09:00:00Z  began           203.0.113.0/24 FR AS64496
             2026-11-21T11:59:50Z  challenged      NL, new_country
`

const bareSession = `{"session":"s_04000000000000000000000000","tenant":"","user":"","roles":[],"device":"","status":"active",
"started_at":"2026-11-21T12:00:00.25Z","seen_at":"2026-11-21T12:00:00.25Z","requests":1,"score":0,"level":"LOW","network":{"kind":"unknown"},
"agent":{},"auth":{"amr":[]},"evidence":{"identity":[],"behaviour":[]},"failures":0,"timeline":[]}`

const bareText = `s_04000000000000000000000000
  status     active
  score      0 (LOW)
  started    2026-11-21T12:00:00Z (now)
  active     2026-11-21T12:00:00Z (now)
  seen       2026-11-21T12:00:00Z (now), 1 request
`

func TestSessionIsShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ document, text, row string }{
		"full": {fullSession, fullText, "s_04000000000000000000000000|ana\x1b in acme|suspended|66|2026-11-21T09:00:00Z|3m ago|198.51.100.0/24 NL AS64509 (vpn)|laptop-7 (Firefox 128.0, Linux)"},
		"bare": {bareSession, bareText, "s_04000000000000000000000000||active|0|2026-11-21T12:00:00Z|now||"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := readDocument[sessionDocument](jsontext.Value(c.document))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.text(noon); got != c.text {
				t.Errorf("got\n%swant\n%s", got, c.text)
			}
			row, err := sessionRow(jsontext.Value(c.document), noon)
			if got := strings.Join(row, "|"); err != nil || got != c.row {
				t.Errorf("row %s, %v\nwant %s", got, err, c.row)
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	row := func(document jsontext.Value) ([]string, error) { return sessionRow(document, noon) }
	var out strings.Builder
	if err := printTable(&out, sessionHead, []jsontext.Value{jsontext.Value(fullSession), jsontext.Value(bareSession)}, row); err != nil {
		t.Fatal(err)
	}
	const want = `SESSION                       USER          STATUS     SCORE  STARTED               LAST ACTIVE  NETWORK                           DEVICE
s_04000000000000000000000000  ana? in acme  suspended  66     2026-11-21T09:00:00Z  3m ago       198.51.100.0/24 NL AS64509 (vpn)  laptop-7 (Firefox 128.0, Linux)
s_04000000000000000000000000  -             active     0      2026-11-21T12:00:00Z  now          -                                 -
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTimesInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "now", 999 * time.Millisecond: "now", time.Second: "1s", 59 * time.Second: "59s", time.Minute: "1m",
		time.Hour - 1: "59m", time.Hour: "1h", 48*time.Hour - 1: "47h", 48 * time.Hour: "2d", 400 * 24 * time.Hour: "400d",
	} {
		past, future := want+" ago", "in "+want
		if want == "now" {
			past, future = want, want
		}
		if got := ago(noon.Add(-d), noon); got != past {
			t.Errorf("%s ago is %q", d, got)
		}
		if got := ahead(noon.Add(d), noon); got != future {
			t.Errorf("in %s is %q", d, got)
		}
	}
	if ago(noon.Add(time.Hour), noon) != "now" || ahead(noon.Add(-time.Hour), noon) != "now" || ago(time.Time{}, noon) != "" {
		t.Error("clocks that differ, or no time")
	}
}

// Lists go on over pages, up to the limit.
func TestListsFollowPages(t *testing.T) {
	t.Parallel()
	const all, atOnce = 2*api.MaxPage + 100, 100 // a batch has a time
	s := startedDev(t, &tape{})
	for first := 0; first < all; first += atOnce {
		var events []string
		for i := first; i < min(first+atOnce, all); i++ {
			events = append(events, fmt.Sprintf(`{"session":{"id":"s-%d"},"user":{"id":"u"},"client":{"ip":"203.0.113.7"}}`, i))
		}
		response, err := http.Post("http://"+s.gateway.String()+"/v1/decisions/batch", "application/json", strings.NewReader("["+strings.Join(events, ",")+"]"))
		if status, body := read(t, response, err); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	for limit, c := range map[string]struct {
		lines int
		more  bool
	}{
		"0": {all, false}, "1": {1, true}, "100": {100, true}, "1000": {api.MaxPage, true}, "1500": {1500, true}, "2100": {all, false}, "9999": {all, false},
	} {
		for _, form := range []string{"-json=true", "-json=false"} {
			code, out, said := operate(t, s.admin.String(), "", "sessions", "-limit", limit, form)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if form == "-json=false" {
				lines = lines[1:] // the head
			}
			refs := map[string]bool{}
			for _, line := range lines {
				refs[line[strings.Index(line, "s_"):][:28]] = true
			}
			if code != 0 || len(lines) != c.lines || len(refs) != c.lines || (said != "") != c.more {
				t.Errorf("-limit %s %s: ended with %d, %d lines of %d sessions, said %q", limit, form, code, len(lines), len(refs), said)
			}
		}
	}
}
