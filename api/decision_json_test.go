package api

import (
	stdjson "encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/riskd/riskd"
)

// decisionDocument is the documented shape, as a caller would read it.
type decisionDocument struct {
	DecisionID string `json:"decision_id"`
	EventID    string `json:"event_id"`
	Decision   string `json:"decision"`
	Score      int    `json:"score"`
	Level      string `json:"level"`
	Session    string `json:"session"`
	Reasons    []struct {
		Code       string   `json:"code"`
		Nats       float64  `json:"nats"`
		Points     int      `json:"points"`
		Group      string   `json:"group"`
		Channel    string   `json:"channel"`
		ClearsWith []string `json:"clears_with"`
	} `json:"reasons"`
	StepUp *struct {
		ID        string   `json:"id"`
		ACRValues []string `json:"acr_values"`
		AMRValues []string `json:"amr_values"`
		MaxAge    int      `json:"max_age"`
		Clears    []string `json:"clears"`
		Expires   string   `json:"expires_at"`
		Attempts  int      `json:"attempts_left"`
		Over      bool     `json:"over_budget"`
	} `json:"step_up"`
	Policy struct {
		Pack     string `json:"pack"`
		Revision string `json:"revision"`
	} `json:"policy"`
	Lease struct {
		ValidForMS      int64  `json:"valid_for_ms"`
		RevocationEpoch uint64 `json:"revocation_epoch"`
	} `json:"lease"`
	State struct {
		Source         string   `json:"source"`
		Degraded       []string `json:"degraded"`
		MissingSignals []string `json:"missing_signals"`
	} `json:"state"`
	ReasonUser  map[string]string `json:"reason_user"`
	ReasonAdmin map[string]string `json:"reason_admin"`
	Shadow      []struct {
		Pack     string `json:"pack"`
		Revision string `json:"revision"`
		Decision string `json:"decision"`
		Score    int    `json:"score"`
	} `json:"shadow"`
}

func readDecision(t testing.TB, body []byte) decisionDocument {
	t.Helper()
	var d decisionDocument
	dec := stdjson.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return d
}

func TestAppendDecision(t *testing.T) {
	t.Parallel()
	e := &riskd.Event{ID: "e1", Session: riskd.EventSession{ID: riskd.SessionID{1}}}
	d := stepUp(e, noon)
	d.Degraded = []string{"geo_city_missing"}
	const want = `{"decision_id":"01JD","event_id":"e1","decision":"step_up","score":63,"level":"MEDIUM","session":"s_04000000000000000000000000",` +
		`"reasons":[{"code":"new_country","nats":6.1,"points":49,"group":"network","channel":"identity","clears_with":["mfa"]},` +
		`{"code":"request_rate","nats":1.5,"points":14,"group":"behaviour","channel":"behaviour","clears_with":[]}],` +
		`"step_up":{"id":"su_1","acr_values":["aal2","odd\"\\"],"amr_values":["hwk"],"max_age":300,"clears":["new_country"],"attempts_left":0},` +
		`"policy":{"pack":"default","revision":"432bb16"},"lease":{"valid_for_ms":0,"revocation_epoch":0},"state":{"source":"fresh","degraded":["geo_city_missing"],"missing_signals":["geo_velocity"]},` +
		`"reason_user":{"en":"Please confirm that it is you."},"reason_admin":{"en":"country FR → US"},` +
		`"shadow":[{"pack":"default","revision":"5c1d","decision":"allow","score":41}]}`
	if got := string(AppendDecision(nil, &d)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	bounded := d
	bounded.StepUp = &riskd.StepUp{ID: "su_1", ExpiresAt: noon.Add(10 * time.Minute), AttemptsLeft: 2, OverBudget: true}
	const step = `"step_up":{"id":"su_1","acr_values":[],"amr_values":[],"expires_at":"2026-11-21T12:10:00Z","clears":[],"attempts_left":2,"over_budget":true},`
	if got := string(AppendDecision(nil, &bounded)); !strings.Contains(got, step) {
		t.Errorf("with bounds %s", got)
	}
	d.At, d.Expires = noon, riskd.Expiry{IdleAt: noon.Add(30 * time.Minute), AbsoluteAt: noon.Add(12 * time.Hour), Warn: true}
	const expires = `"session_expires":{"idle_at":"2026-11-21T12:30:00Z","absolute_at":"2026-11-22T00:00:00Z","warn":true,"in_s":1800},"policy"`
	if got := string(AppendDecision(nil, &d)); got != strings.Replace(want, `"policy"`, expires, 1) {
		t.Errorf("with timeouts %s", got)
	}
	d.Expires = riskd.Expiry{AbsoluteAt: noon.Add(-time.Minute)} // it was just so
	if got := string(AppendDecision(nil, &d)); !strings.Contains(got, `"session_expires":{"absolute_at":"2026-11-21T11:59:00Z","warn":false,"in_s":0}`) {
		t.Errorf("with an absolute limit alone %s", got)
	}
	d = allow(&riskd.Event{}, noon)
	const least = `{"decision_id":"01JD","decision":"allow","score":0,"level":"LOW","session":"s_00000000000000000000000000","reasons":[],` +
		`"policy":{"pack":"default","revision":"432bb16"},"lease":{"valid_for_ms":7900,"revocation_epoch":12},"state":{"source":"fresh","degraded":[],"missing_signals":[]}}`
	if got := string(AppendDecision([]byte("x"), &d)); got != "x"+least {
		t.Errorf("got  %s\nwant x%s", got, least)
	}
}

func TestAppendDecisionRoundsNats(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{
		0: "0", 1: "1", 6.104: "6.1", 2.345: "2.35", -0.004: "0", -1.5: "-1.5", 1e20: "100000000000000000000",
		math.Inf(1): "0", math.NaN(): "0", math.MaxFloat64: "0",
	} {
		if got := string(number(nil, x)); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}

// FuzzAppendDecision holds the encoder to encoding/json: whatever the strings
// hold, the document is valid and reads back as what was written.
func FuzzAppendDecision(f *testing.F) {
	for _, s := range []string{"", "plain", `"\`, "\x00\x1f\u2028</script>", "\xff\xfe", "é→😀", strings.Repeat("x", 300)} {
		f.Add(s, 1.5, 3)
	}
	f.Fuzz(func(t *testing.T, s string, nats float64, n int) {
		d := riskd.Decision{
			ID: s, EventID: s, Score: n, Pack: s, Revision: s, Degraded: []string{s, s}, Missing: []string{s}, UserText: s, AdminText: s,
			Outcome: riskd.Outcome(n % 5), Level: riskd.Level(n % 4), Source: riskd.Source(n % 5),
			Reasons: []riskd.Reason{{Code: s, Nats: nats, Points: n, ClearsWith: []string{s}}},
			StepUp:  &riskd.StepUp{ID: s, Demand: riskd.Demand{ACR: []string{s}, AMR: []string{s}, MaxAge: time.Duration(n)}, Clears: []string{s}},
		}
		body := AppendDecision(nil, &d)
		if !utf8.Valid(body) {
			t.Fatalf("not UTF-8: %q", body)
		}
		got, want := readDecision(t, body), strings.ToValidUTF8(s, "\ufffd")
		if !utf8.ValidString(s) {
			return // how many U+FFFD stand for a run of bad bytes is the encoder's matter
		}
		for _, g := range []string{
			got.DecisionID, got.EventID, got.Policy.Pack, got.Policy.Revision, got.State.Degraded[1], got.State.MissingSignals[0],
			got.Reasons[0].Code, got.Reasons[0].ClearsWith[0], got.StepUp.ID, got.StepUp.ACRValues[0], got.StepUp.AMRValues[0], got.StepUp.Clears[0],
			got.ReasonUser["en"], got.ReasonAdmin["en"],
		} {
			if g != want {
				t.Fatalf("%q reads back as %q", want, g)
			}
		}
		if got.Score != n || got.Reasons[0].Points != n {
			t.Fatalf("%d reads back as %d", n, got.Score)
		}
	})
}

func TestDecisionDocumentIsWhole(t *testing.T) {
	t.Parallel()
	d := stepUp(&riskd.Event{ID: "e1"}, noon)
	d.Degraded = []string{"x"}
	d.Lease = riskd.Lease{ValidFor: 2*time.Second + 3*time.Microsecond, Epoch: 9}
	got := readDecision(t, AppendDecision(nil, &d))
	if got.Lease.ValidForMS != 2000 || got.Lease.RevocationEpoch != 9 {
		t.Errorf("the lease is %+v", got.Lease)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is missing", v.Type().Field(i).Tag.Get("json"))
		}
	}
}

func BenchmarkAppendDecision(b *testing.B) {
	e := &riskd.Event{ID: "e1", Session: riskd.EventSession{ID: riskd.SessionID{1}}}
	for name, d := range map[string]riskd.Decision{"allow": allow(e, noon), "step_up": stepUp(e, noon)} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendDecision(buf[:0], &d)
			}
		})
	}
}
