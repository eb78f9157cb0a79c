package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/sessions"
)

// entangled makes a trace in which sessions share users, devices and rotations, and
// identity events reach over several of them.
func entangled(seed uint64, lines int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	}
	var out strings.Builder
	for range lines {
		now = now.Add(time.Duration(r.IntN(25)) * time.Second)
		tenant, who := pick("", "shop"), r.IntN(20)
		user, device := fmt.Sprint("u", who), fmt.Sprint("d", who/6) // some share one
		session := fmt.Sprint(user, "-", r.IntN(2))
		var document map[string]any
		kind := pick("decision", "decision", "decision", "telemetry")
		if r.IntN(12) == 0 {
			kind = "identity"
			document = map[string]any{
				"id": fmt.Sprint("i", r.IntN(300)), "type": pick("password_change", "device_compromised", "logout", "role_change", "device_noncompliant", "suspicious_login"),
			}
			for _, name := range []string{"session_id", "user", "device"} {
				if r.IntN(2) == 0 {
					document[name] = map[string]string{"session_id": session, "user": user, "device": device}[name]
				}
			}
		} else {
			in := map[string]any{"id": session, "auth_time": now.Add(-time.Duration(r.IntN(90)) * time.Minute), "acr": pick("aal1", "aal1", "aal2")}
			if r.IntN(40) == 0 {
				in["previous_id"] = fmt.Sprint("u", r.IntN(20), "-", r.IntN(2))
			}
			document = map[string]any{
				"session": in, "client": map[string]any{
					"ip":         pick("203.0.113.20", "203.0.113.20", "203.0.113.20", "198.18.8.60", "198.18.96.5", "198.51.100.7"),
					"user_agent": agents[r.IntN(8)/7],
				},
				"request": map[string]any{"method": "GET", "route": "/orders", "class": pick("standard", "standard", "open", "sensitive", "admin")},
			}
			if r.IntN(6) > 0 {
				document["user"] = map[string]any{"id": user}
			}
			if who%3 == 0 {
				document["device"] = map[string]any{"id": device}
			}
		}
		document["time"], document["tenant"] = now, tenant
		line, _ := json.Marshal(map[string]any{kind: document})
		fmt.Fprintf(&out, "%s\n", line)
	}
	return out.String()
}

// transcript is how each line was answered.
type transcript struct {
	sync.Mutex
	lines   map[string]string
	engines []records.Engine
}

func (w *transcript) note(number, side int, text string) {
	w.Lock()
	defer w.Unlock()
	w.lines[fmt.Sprintf("%06d %d", number, side)] = text
}

func (w *transcript) diff(other *transcript) (faults []string) {
	for at, text := range w.lines {
		if other.lines[at] != text {
			faults = append(faults, fmt.Sprintf("line and side %s:\n  %s\n  %s", at, text, other.lines[at]))
		}
	}
	slices.Sort(faults)
	return faults
}

// noting is a side that takes down what it answers.
type noting struct {
	*sideEngine
	side int
	to   *transcript
}

func (n noting) Decide(ctx context.Context, number int, e *riskd.Event) records.Answer {
	a := n.sideEngine.Decide(ctx, number, e)
	n.to.note(number, n.side, fmt.Sprint(a.ByOrder, " ", string(api.AppendDecision(nil, &a.Decision))))
	return a
}

func (n noting) Tell(ctx context.Context, number int, e *riskd.IdentityEvent) error {
	err := n.sideEngine.Tell(ctx, number, e)
	n.to.note(number, n.side, fmt.Sprint(err))
	return err
}

// A trace that goes through in batches, decoded ahead and by both packs at once, is
// decided as by engines that see one line after the other: down to the ids, the points
// and the words.
func TestStudyDecidesLikeAnEngine(t *testing.T) {
	t.Parallel()
	strict := tunedPack(t, func(tuning map[string]any) {
		tuning["score"] = map[string]any{"step_up_nats": 5, "revoke_nats": 9, "request_bonus": 2}
	})
	var packs [2]*policies.Pack
	for side, name := range []string{"default", strict} {
		source, err := newPackSource(name)
		if err != nil {
			t.Fatal(err)
		}
		if packs[side], err = source.compile(nil); err != nil {
			t.Fatal(err)
		}
	}
	locator, err := geo.Open(madeUpWorld())
	if err != nil {
		t.Fatal(err)
	}
	defer locator.Close()
	key, err := riskd.NewSessionKey(replayKey)
	if err != nil {
		t.Fatal(err)
	}
	engines := func(to *transcript) (both []records.Engine) {
		for side, pack := range packs {
			e, err := newSideEngine(pack, locator, sessions.Options{})
			if err != nil {
				t.Fatal(err)
			}
			both = append(both, noting{e, side, to})
		}
		return both
	}
	const traceLines = 400
	outcomes := map[string]int{}
	for seed := range uint64(4) {
		trace := entangled(seed, traceLines)
		singly, batched := &transcript{lines: map[string]string{}}, &transcript{lines: map[string]string{}}
		for number, line := range bytes.Split([]byte(strings.TrimSpace(trace)), []byte("\n")) {
			if number == 0 {
				singly.engines = engines(singly)
			}
			in, err := decodeLine(line, key)
			if err != nil {
				t.Fatal(err)
			}
			for _, engine := range singly.engines {
				if in.identity != nil {
					_ = engine.Tell(t.Context(), number, in.identity)
					continue
				}
				own := *in.event
				outcomes[engine.Decide(t.Context(), number, &own).Outcome.String()]++
			}
		}
		report, faults, err := records.Compare(t.Context(), records.Options{
			Traces: []records.Trace{{Name: "t", In: strings.NewReader(trace)}}, MaxLine: maxLine, BatchLines: 1 + int(seed)*7,
			Decode: decoder(key), Engines: engines(batched), Packs: make([]records.Pack, 2),
		})
		if err != nil || faults != nil {
			t.Fatal(err, faults)
		}
		if len(batched.lines) != len(singly.lines) || report.Events+report.IdentityEvents != traceLines {
			t.Errorf("seed %d: %d lines in batches, %d one after the other", seed, len(batched.lines), len(singly.lines))
		}
		if faults := singly.diff(batched); len(faults) > 0 {
			t.Errorf("seed %d: %d lines differ; the first is %s", seed, len(faults), faults[0])
		}
	}
	if outcomes["allow"] == 0 || outcomes["step_up"] == 0 || outcomes["revoke"] == 0 {
		t.Errorf("outcomes are %v: too little to tell", outcomes)
	}
}

// A line is read alike whether its wrapping is as expected or not, and is refused for the
// same reasons.
func TestDecodeLineUnwraps(t *testing.T) {
	t.Parallel()
	key, err := riskd.NewSessionKey(replayKey)
	if err != nil {
		t.Fatal(err)
	}
	const event = `{"id":"a1","time":"2026-03-02T09:00:00Z","session":{"id":"a"},"client":{"ip":"203.0.113.7"}}`
	tight, err := decodeLine([]byte(`{"decision":`+event+`}`), key)
	if err != nil || tight.event.ID != "a1" || !tight.asked {
		t.Fatalf("got %+v, %v", tight, err)
	}
	loose, err := decodeLine([]byte(` { "decision" : `+event+` } `), key)
	if err != nil || !reflect.DeepEqual(tight, loose) {
		t.Errorf("got %+v, %v", loose, err)
	}
	for line, want := range map[string]string{
		`{"decision":` + event + `,"telemetry":` + event + `}`: "with that one member",
		`{"decision":` + event + `}}`:                          "with that one member",
		`{"decision":` + event:                                 "with that one member",
		`{"decision":}`:                                        "is no JSON document",
		`{"decision":{"id":}}`:                                 "is no JSON document",
		`{"decision":{"id":"x"}}`:                              "client",
		`{"decisions":` + event + `}`:                          "with that one member",
		`{"decision":{"session":{"id":"a"},"client":{"ip":"203.0.113.7"}}}`: "time: is required in a trace",
	} {
		if _, err := decodeLine([]byte(line), key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

// What is simulated is measured, the same to the byte each time, and from a pipe.
func TestReplayMeasuresWhatIsSimulated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trace, labels := filepath.Join(dir, "trace.ndjson"), filepath.Join(dir, "labels.ndjson")
	if _, errs, code := riskdCommand(t, "simulate", "-users", "12", "-days", "24", "-attacks", "1", "-labels", labels, "-out", trace); code != 0 {
		t.Fatal(errs)
	}
	forms := func(page string) [2]string {
		out, errs, code := riskdCommand(t, "replay", "-labels", labels, "-html", page, "-json", trace)
		if code != 0 {
			t.Fatal(errs)
		}
		html, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{out, string(html)}
	}
	want := forms(filepath.Join(dir, "a.html"))
	if got := forms(filepath.Join(dir, "b.html")); got != want {
		t.Error("another run gives another report")
	}
	var m records.Measurement
	if err := json.Unmarshal([]byte(want[0]), &m); err != nil {
		t.Fatal(err)
	}
	r := m.Measures
	if m.Unmatched != 0 || m.Unread != 0 || m.Refused != 0 || r.Attacks < 10 || r.Sessions < 50 || r.All.Caught == 0 || len(r.Archetypes) < 2 {
		t.Errorf("%d labels unmatched, %d lines unread, %d identity events refused (%s); %d attacks, %d of them caught, %d sessions, %d archetypes",
			m.Unmatched, m.Unread, m.Refused, m.FirstRefused, r.Attacks, r.All.Caught, r.Sessions, len(r.Archetypes))
	}
}
