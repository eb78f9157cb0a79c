package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/replay"
)

// These tests run traces in a notation of their own under engines that do as they are
// told: a line is
//
//	MINUTE EVENT SESSION USER ANSWER-OF-A ANSWER-OF-B
//
// where an answer is allow, step_up, revoke or ended, and "i USER" an identity event.

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var key, _ = riskd.NewSessionKey(bytes.Repeat([]byte{7}, riskd.MinSessionKey))

func decode(line []byte) (replay.Line, error) {
	f := strings.Fields(string(line))
	if len(f) == 2 && f[0] == "i" {
		return replay.Line{Identity: &riskd.IdentityEvent{ID: f[1], User: f[1], Time: monday}}, nil
	}
	if len(f) != 6 {
		return replay.Line{}, errors.Join(errors.New("a: is wrong"), errors.New("b: is wrong"))
	}
	var minute int
	fmt.Sscan(f[0], &minute)
	e := &riskd.Event{ID: strings.Trim(f[1], "-"), Time: monday.Add(time.Duration(minute) * time.Minute)}
	e.Session.ID, e.User.ID = key.ID("", f[2]), strings.Trim(f[3], "-")
	e.Client.IP = netip.MustParseAddr("203.0.113.7")
	e.Client.Language = f[4] + " " + f[5]
	return replay.Line{Event: e}, nil
}

// obedient answers as its events say.
type obedient struct {
	side   int
	proofs *[]string
}

func (o obedient) Decide(_ context.Context, number int, e *riskd.Event) replay.Answer {
	a := replay.Answer{Decision: riskd.Decision{ID: fmt.Sprint(number), Score: 50}}
	switch strings.Fields(e.Client.Language)[o.side] {
	case "allow":
		a.Outcome = riskd.Allow
	case "step_up":
		a.Outcome, a.StepUp = riskd.StepUpNeeded, &riskd.StepUp{ID: e.ID}
		a.Reasons = []riskd.Reason{{Code: "odd", Points: 60}, {Code: "odd", Points: 1}}
	case "revoke":
		a.Outcome = riskd.Revoke
	case "ended":
		a.Outcome, a.ByOrder, a.Source = riskd.Revoke, true, riskd.SourceExpiry
	}
	return a
}

func (o obedient) Prove(_ context.Context, _ int, u *riskd.StepUp, _ time.Time) bool {
	*o.proofs = append(*o.proofs, fmt.Sprint(u.ID, " ", o.side))
	return true
}

func (o obedient) Tell(_ context.Context, _ int, e *riskd.IdentityEvent) error {
	if o.side == 1 {
		return fmt.Errorf("user: %s is nobody", e.User)
	}
	return nil
}

// comparison is what a test compares, and what came of it.
type comparison struct {
	labels  string
	stepUps replay.StepUps
	proofs  [2][]string
	faults  []error
}

func (c *comparison) run(t *testing.T, trace string) (*replay.Report, error) {
	t.Helper()
	o := replay.Options{
		Traces: []replay.Trace{{Name: "t", In: strings.NewReader(trace)}}, Decode: decode, MaxLine: 64,
		Engines: []replay.Engine{obedient{0, &c.proofs[0]}, obedient{1, &c.proofs[1]}}, Packs: make([]replay.Pack, 2),
		StepUps: c.stepUps, BatchLines: 2,
	}
	if c.labels != "" {
		o.Labels = func() (*replay.Labels, error) { return replay.ReadLabels("l", strings.NewReader(c.labels)) }
	}
	r, faults, err := replay.Compare(t.Context(), o)
	c.faults = faults
	return r, err
}

func compare(t *testing.T, trace string) *replay.Report {
	t.Helper()
	var c comparison
	return c.must(t, trace)
}

func (c *comparison) must(t *testing.T, trace string) *replay.Report {
	t.Helper()
	r, err := c.run(t, trace)
	if err != nil || c.faults != nil {
		t.Fatal(err, c.faults)
	}
	return r
}

func TestCompareCounts(t *testing.T) {
	t.Parallel()
	r := compare(t, `
0 e0 s ann allow allow
1 e1 s ann step_up allow
2 e2 s ann step_up revoke
i ann
3 e3 r bob ended allow
4 -  q -   allow allow
`)
	want := replay.Matrix{}
	want[replay.Allow][replay.Allow] = 1 // q
	want[replay.StepUp][replay.Revoke] = 1
	want[replay.Ended][replay.Allow] = 1
	if r.BySession != want {
		t.Errorf("sessions: %v, want %v", r.BySession, want)
	}
	want = replay.Matrix{}
	want[replay.Allow][replay.Allow], want[replay.StepUp][replay.Allow] = 2, 1
	want[replay.StepUp][replay.Revoke], want[replay.Ended][replay.Allow] = 1, 1
	if r.ByEvent != want {
		t.Errorf("events: %v, want %v", r.ByEvent, want)
	}
	if r.Events != 5 || r.IdentityEvents != 1 || r.Sessions != 3 || r.Users != 2 {
		t.Errorf("%d events, %d identity events, %d sessions, %d users", r.Events, r.IdentityEvents, r.Sessions, r.Users)
	}
	if r.Count(replay.NewlyRevoked) != 1 || r.Count(replay.NoLongerEnded) != 1 || r.Diverging.Count != 2 {
		t.Errorf("changes: %+v", r.Changes)
	}
	if len(r.Reasons) != 1 || r.Reasons[0] != (replay.ReasonCount{Code: "odd", EventsA: 2, SessionsA: 1}) {
		t.Errorf("reasons: %+v", r.Reasons)
	}
	if r.Identity.A != 0 || r.Identity.B != 1 || r.Identity.FirstB != "t:5: user: ann is nobody" {
		t.Errorf("identity events: %+v", r.Identity)
	}
	d := r.Divergences[0]
	if d.First.Line != 3 || d.First.Event != "e1" || d.DivergingEvents != 2 || d.Events != 3 || d.User != "ann" || d.First.OnlyA[0] != "odd" {
		t.Errorf("first divergence: %+v", d)
	}
	if r.Divergences[1].First.Line != 6 {
		t.Errorf("second divergence: %+v", r.Divergences[1])
	}
	if s := r.StepUps; s.A != (replay.StepUpCount{Asked: 1, Waiting: 1}) || s.B != (replay.StepUpCount{}) {
		t.Errorf("step-ups: %+v", s)
	}
}

// Attacks are met from their onset on, by alarms of the policy, whoever's request it
// was that raised it.
func TestDetection(t *testing.T) {
	t.Parallel()
	c := comparison{labels: `
{"event":"x1","attack":"early","family":"f","onset":false}
{"event":"x2","attack":"early","onset":true}
{"event":"x3","attack":"early"}
{"event":"y1","attack":"victim","family":"f"}
{"event":"z1","attack":"order","family":"g"}
{"event":"w1","attack":"two","family":"g"}
{"event":"w2","attack":"two","family":"g"}
{"event":"gone","attack":"elsewhere","family":"g"}
`}
	r := c.must(t, `
0 x1 x xu step_up allow
1 x2 x xu allow allow
2 x3 x xu step_up revoke
3 y1 y yu allow allow
4 y2 y yu step_up allow
5 z1 z zu ended ended
6 w2 v wu allow allow
7 w1 w wu allow revoke
8 h1 h hu step_up allow
9 h2 h hu ended revoke
1500 h3 h hu allow step_up
1501 k1 k hu ended allow
`)
	d := r.Detection
	if d.Unmatched != 1 {
		t.Errorf("unmatched: %d", d.Unmatched)
	}
	for name, c := range map[string]struct{ got, want string }{
		"A caught":         {d.A.Attacks.Caught.Text(), "2/4 50 % [15, 85]"},
		"B caught":         {d.B.Attacks.Caught.Text(), "2/4 50 % [15, 85]"},
		"A revoked":        {d.A.Attacks.Revoked.Text(), "0/4 0 % [0, 48.99]"},
		"A until alarm":    {d.A.Attacks.Alarm.Text(), "median 2, p90 never; 2 never"}, // 2 of x, 1 of y
		"B until alarm":    {d.B.Attacks.Alarm.Text(), "median 2, p90 never; 2 never"}, // 2 of x, 2 of w
		"B until revoke":   {d.B.Attacks.Revoke.Text(), "median 2, p90 never; 2 never"},
		"A sessions":       {d.A.Sessions.Text(), "2/5 40 % [11.76, 76.93]"},
		"A false alarms":   {d.A.FalseAlarms.Text(), "1/2 50 % [9.45, 90.55]"},
		"B false alarms":   {d.B.FalseAlarms.Text(), "1/2 50 % [9.45, 90.55]"},
		"A false revokes":  {d.A.FalseRevokes.Text(), "0/2 0 % [0, 65.76]"},
		"B false revokes":  {d.B.FalseRevokes.Text(), "1/2 50 % [9.45, 90.55]"},
		"A user-days":      {d.A.UserDays.Text(), "1/2 50 % [9.45, 90.55]"},
		"B user-days":      {d.B.UserDays.Text(), "2/2 100 % [34.24, 100]"},
		"missed":           {fmt.Sprint(d.Missed), "[{victim f t:6}]"},
		"found":            {fmt.Sprint(d.Found), "[{two g t:9}]"},
		"caught by either": {fmt.Sprint(d.Caught.OnlyA, d.Caught.OnlyB, d.Caught.Both, d.Caught.None), "1 1 1 1"},
		"families":         {fmt.Sprint(len(d.Families), " ", d.Families[0].Name, d.Families[1].B.Caught.Count), "2 f1"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
	if text := fmt.Sprint(r.Divergences[0].Attacks); text != "[early]" {
		t.Errorf("attacks of the first session that diverges: %s", text)
	}
}

// An honest user passes at once; nobody does once an attack has come.
func TestStepUpsPassed(t *testing.T) {
	t.Parallel()
	trace := `
0 a1 a u step_up allow
1 b1 b u step_up step_up
2 b2 b u step_up allow
3 b3 b u step_up allow
`
	c := comparison{stepUps: replay.Passed, labels: `{"event":"b2","attack":"x"}`}
	r := c.must(t, trace)
	if got := fmt.Sprint(c.proofs); got != "[[a1 0 b1 0] [b1 1]]" {
		t.Errorf("proofs: %s", got)
	}
	if s := r.StepUps; s.A != (replay.StepUpCount{Asked: 2, Waiting: 1, Proved: 2}) || s.B != (replay.StepUpCount{Asked: 1, Proved: 1}) {
		t.Errorf("step-ups: %+v", s)
	}
	c = comparison{}
	if r = c.must(t, trace); c.proofs[0] != nil || r.StepUps.A.Waiting != 2 {
		t.Errorf("with what is recorded: %v, %+v", c.proofs, r.StepUps)
	}
}

// Lines that are none are told with their places, and the rest goes on; too many of
// them are no trace.
func TestCompareFaults(t *testing.T) {
	t.Parallel()
	var c comparison
	r, err := c.run(t, "0 e s u allow allow\n\nnonsense\n"+strings.Repeat("x", 200)+"\r\n1 e s u allow allow")
	if err != nil || r.Events != 2 || r.Unread != 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	if got, want := errors.Join(c.faults...).Error(), "t:3: a: is wrong\nt:3: b: is wrong\nt:4: is longer than 64 bytes"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if r, err := c.run(t, strings.Repeat("nonsense\n", 12)); r != nil || err == nil || err.Error() != "t: is given up after 20 lines with faults" {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestReadLabelsFaults(t *testing.T) {
	t.Parallel()
	_, err := replay.ReadLabels("l", strings.NewReader(`{"event":"a","attack":"x","family":"f"}
{"event":"a","attack":"y"}
{"event":"b","attack":"x","family":"g"}
{"event":"c"}
{"attack":"x"}
{"event":"d","attack":"x","onst":true}
{"event":"e","attack":"x"} 1

not JSON
`))
	want := []string{
		"l:2: event: a was labelled before", "l:3: family: attack x is of family f above", "l:4: attack: is required", "l:5: event: is required",
		`l:6: must be {"event":id`, "l:7: must be one JSON document", "l:9: must be",
	}
	got := strings.Split(fmt.Sprint(err), "\n")
	if len(got) != len(want) {
		t.Fatalf("got %v", err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

// Whatever a trace's names hold, a page stays one, and loads nothing.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	r := compare(t, "0 <b>& s <script>alert(1)</script> allow step_up\n9 e r u step_up allow\n")
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", "http:", "https:", "src=", "href=", "url(", "@import", "NaN", "ZgotmplZ"} {
		if strings.Contains(page.String(), never) {
			t.Errorf("page has %s", never)
		}
	}
	for _, must := range []string{"2 of 2 sessions diverge", `class="more"`, `class="less"`, "&lt;script&gt;"} {
		if !strings.Contains(page.String(), must) {
			t.Errorf("page is without %s", must)
		}
	}
}

// A trace that holds nothing has a report, in every form.
func TestEmptyTrace(t *testing.T) {
	t.Parallel()
	c := comparison{labels: `{"event":"e","attack":"x"}`}
	r := c.must(t, "\n")
	var out bytes.Buffer
	document, err := json.Marshal(r)
	if err = errors.Join(err, r.Text(&out), r.HTML(&out)); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"traces", "reasons", "divergences", "families", "missed_by_b", "found_by_b", "users"} {
		if strings.Contains(string(document), `"`+list+`":null`) {
			t.Errorf("%s is no list: %s", list, document)
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("%s", &out)
	}
}
