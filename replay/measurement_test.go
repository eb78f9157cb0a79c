package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/replay"
)

// These tests measure traces in which a line is
//
//	MINUTE EVENT SESSION USER COUNTRY CLASS ANSWER STRENGTH
//
// where an answer is allow, step_up, waits (for the step-up before), demanded, revoke or
// ended; an engine answers as it is told. A session b<a goes on for session a.

type told struct{ proofs, last string }

func decodeTold(line []byte) (replay.Line, error) {
	f := strings.Fields(string(line))
	if len(f) != 8 {
		return replay.Line{}, errors.New("is none")
	}
	var minute int
	fmt.Sscan(f[0], &minute)
	e := &riskd.Event{ID: f[1], Time: monday.Add(time.Duration(minute) * time.Minute)}
	session, previous, _ := strings.Cut(f[2], "<")
	e.Session.ID, e.Session.PreviousID = key.ID("", session), key.ID("", previous)
	e.User.ID = strings.Trim(f[3], "-")
	e.Client.IP = netip.MustParseAddr("203.0.113.7")
	e.Place.Country = f[4]
	e.Client.Language = f[6] + " " + f[7]
	var err error
	e.Request.Class, err = riskd.ParseClass(f[5])
	return replay.Line{Event: e}, err
}

func (t *told) Decide(_ context.Context, number int, e *riskd.Event) replay.Answer {
	a := replay.Answer{Country: e.Place.Country}
	var how string
	fmt.Sscan(e.Client.Language, &how, &a.Strength)
	a.Outcome = riskd.StepUpNeeded
	a.Reasons = []riskd.Reason{{Code: "odd", Points: 60}, {Code: "well", Points: -5}, {Code: "strange", Points: 20}}
	switch how {
	case "allow":
		a.Outcome, a.Reasons = riskd.Allow, nil
	case "revoke":
		a.Outcome = riskd.Revoke
	case "ended":
		a.Outcome, a.ByOrder = riskd.Revoke, true
	case "waits":
		a.Held, a.StepUp = true, &riskd.StepUp{ID: t.last}
	default:
		t.last = fmt.Sprint(number)
		a.Demanded, a.StepUp = how == "demanded", &riskd.StepUp{ID: t.last}
	}
	return a
}

func (t *told) Prove(_ context.Context, number int, _ *riskd.StepUp, _ time.Time) bool {
	t.proofs += fmt.Sprint(number, " ")
	return true
}

func (t *told) Tell(context.Context, int, *riskd.IdentityEvent) error { return nil }

func measured(t *testing.T, trace, labels string, change func(*replay.Options)) (*replay.Measurement, *told) {
	t.Helper()
	engine := &told{}
	o := replay.Options{
		Traces: []replay.Trace{{Name: "t", In: strings.NewReader(trace)}}, Decode: decodeTold, MaxLine: 128,
		Engines: []replay.Engine{engine}, Packs: []replay.Pack{{Name: "told", StepUpNats: 10}}, StepUps: replay.Passed, BatchLines: 3,
		Labels: func() (*replay.Labels, error) { return replay.ReadLabels("l", strings.NewReader(labels)) },
	}
	if change != nil {
		change(&o)
	}
	m, faults, err := replay.Measure(t.Context(), o)
	if err != nil || faults != nil {
		t.Fatal(err, faults)
	}
	return m, engine
}

const stories = `
0 a1 a ann DE standard allow 1
1 a2 a ann DE standard step_up 10.5
2 a3 a ann DE standard demanded 2
3 a4 a ann DE standard waits 2
5 x0 x bob DE admin allow 0
6 x1 x bob FR admin allow 3
6 x2 x bob DE admin demanded 4
7 x3 x bob FR sensitive allow 6
8 x4 x bob DE standard allow 12
9 x5 x bob FR standard step_up 11
10 x6 x bob FR standard waits 9
12 x7 x bob FR standard revoke 15
13 x8 x bob FR standard ended 0
20 y1 y cat DE admin allow 4
21 y2 y cat DE admin allow 5
30 c1 c cat DE standard revoke 20
31 c2 c cat US standard ended 0
43200 z1 z dan DE standard allow 0
`

const storyLabels = `
{"user":"ann","archetype":"plain"}
{"user":"cat","archetype":"relay"}
{"event":"a1","cause":"vpn_on"}
{"event":"a2","cause":"flight"}
{"event":"x1","attack":"one","family":"F1","onset":true}
{"event":"x3","attack":"one"}
{"event":"x5","attack":"one"}
{"event":"x6","attack":"one"}
{"event":"x7","attack":"one"}
{"event":"y1","attack":"two","family":"F2"}
{"event":"y2","attack":"two"}
{"event":"gone","attack":"three","family":"F2"}
`

func TestMeasure(t *testing.T) {
	t.Parallel()
	m, engine := measured(t, stories, storyLabels, nil)
	r := m.Measures
	one := r.Families[0]
	for name, c := range map[string]struct{ got, want any }{
		"events":             {m.Events, 18},
		"sessions":           {m.Sessions, 5},
		"users":              {m.Users, 4},
		"unmatched":          {m.Unmatched, 1},
		"proofs":             {engine.proofs, "1 2 3 "}, // none once an attack has come
		"attacks":            {r.Attacks, 2},
		"benign sessions":    {r.Sessions, 3},
		"F1 caught":          {one.TPR.Value, 1.0},
		"F1 requests":        {*one.StepUp.Requests.Median, 3.0}, // x1, x3, x5
		"F1 seconds":         {*one.StepUp.Seconds.Median, 180.0},
		"F1 until revoke":    {*one.Revoke.Requests.Median, 5.0},
		"F1 sensitive":       {one.Sensitive.Value, 2.0}, // x1, x3
		"F2 caught":          {r.Families[1].Caught, 0},
		"F2 sensitive":       {r.Families[1].Sensitive.Value, 2.0},
		"missed":             {fmt.Sprint(r.Missed), "[{two F2 t:15 cat 2 2 5}]"},
		"false step-ups":     {r.False.StepUps, 1},
		"false revokes":      {r.False.Revokes, 1},
		"causes":             {fmt.Sprint(r.Causes[0].Name, r.Causes[0].StepUps, r.Causes[1].Name, r.Causes[1].Revokes), "flight1none1"},
		"archetypes":         {fmt.Sprint(r.Archetypes[0].Name, r.Archetypes[1].Name, r.Archetypes[2].Name), "noneplainrelay"},
		"reason":             {fmt.Sprint(r.FalseReasons), "[{odd 1 0.75} {strange 1 0.25} {well 1 0}]"},
		"demanded":           {r.False.Demanded.Value > 0, true},
		"only demanded":      {r.All.Demanded, 0},
		"new country":        {r.References[1].TPR, 0.5},
		"new country's cost": {r.References[1].FSU > 0, true},
		"a session's nats":   {*r.Budgets[0].Threshold, 20.0}, // no session may be asked
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
	if want := 3.0; r.UserMonths < want-0.01 || r.UserMonths > want {
		t.Errorf("%v user-months, want nearly %v", r.UserMonths, want)
	}
}

// A step-up that waits is asked for once; what an attack is let have after its first
// alarm is no damage before it; and it belongs to whoever signs in in the end.
func TestMeasureCountsOnce(t *testing.T) {
	t.Parallel()
	m, _ := measured(t, `
0 a1 a ann DE standard step_up 10.5
1 a2 a ann DE standard waits 10
2 a3 a ann DE standard step_up 10
3 x1 x - DE admin allow 1
4 x2 x bob DE standard step_up 12
5 x3 x bob DE admin allow 12
6 y1 y cat DE standard allow 1
`, `
{"event":"x1","attack":"one"}
{"event":"x3","attack":"one"}
{"event":"y1","attack":"two"}
`, func(o *replay.Options) { o.StepUps = replay.Recorded })
	r := m.Measures
	if r.False.StepUps != 2 || r.All.Sensitive.Value != 0.5 || m.StepUps.Waiting != 1 {
		t.Errorf("%d step-ups, %v sensitive, %+v", r.False.StepUps, r.All.Sensitive, m.StepUps)
	}
	m, _ = measured(t, "0 x1 x - DE admin allow 1\n1 x2 x bob DE admin allow 1\n", `{"event":"x1","attack":"one"}
{"event":"x2","attack":"one"}`, nil)
	if m.Measures.Missed[0].User != "bob" {
		t.Errorf("missed is %+v", m.Measures.Missed)
	}
}

// A session is one, however often its id is changed, and what an attack on one of them
// leads to is no false alarm on another.
func TestMeasureFollowsRotations(t *testing.T) {
	t.Parallel()
	m, _ := measured(t, `
0 a1 a ann DE standard allow 1
1 b1 b<a ann DE standard allow 1
2 x1 a ann FR standard revoke 20
3 b2 b ann DE standard revoke 20
4 b3 c<b ann DE standard revoke 20
`, `{"event":"x1","attack":"one"}`, nil)
	if r := m.Measures; m.Sessions != 1 || r.False.Revokes != 0 || r.Sessions != 0 || r.All.Caught != 1 {
		t.Errorf("%d sessions, %d without an attack, %d false revokes, %d caught", m.Sessions, r.Sessions, r.False.Revokes, r.All.Caught)
	}
}

// What begins outside of the span is history, whenever it ends.
func TestMeasureSpan(t *testing.T) {
	t.Parallel()
	m, _ := measured(t, stories, storyLabels, func(o *replay.Options) {
		o.From, o.Until = replay.Bound{After: 6 * time.Minute}, replay.Bound{Time: monday.Add(25 * time.Minute)}
	})
	r := m.Measures
	// x begins before the span, and its attack in it; c after it.
	if r.Attacks != 2 || r.Sessions != 0 || r.False.StepUps+r.False.Revokes != 0 || m.Events != 18 {
		t.Errorf("%d attacks, %d sessions, %+v", r.Attacks, r.Sessions, r.False)
	}
	if want := (4*19 - 14 - 19) / (30 * 24 * 60.0); r.UserMonths < want-1e-5 || r.UserMonths > want+1e-5 { // ann, bob and cat
		t.Errorf("%v user-months, want %v", r.UserMonths, want)
	}
	if !m.CountFrom.Equal(monday.Add(6*time.Minute)) || !m.CountUntil.Equal(monday.Add(25*time.Minute)) {
		t.Errorf("measured from %v until %v", m.CountFrom, m.CountUntil)
	}
}

// Sessions of weeks ago are counted and let go; one that is silent for longer than that
// is another one.
func TestMeasureLetsGoOfSessions(t *testing.T) {
	t.Parallel()
	var trace strings.Builder
	for day := range 40 {
		fmt.Fprintf(&trace, "%d d%d s%d ann DE standard allow %d\n", day*24*60, day, day, day)
	}
	fmt.Fprintf(&trace, "%d again s0 ann DE standard step_up 50\n", 40*24*60)
	m, _ := measured(t, trace.String(), "", nil)
	if m.Sessions != 41 || m.Measures.Sessions != 41 || m.Measures.False.StepUps != 1 {
		t.Errorf("%d sessions, %d measured", m.Sessions, m.Measures.Sessions)
	}
}

// One event whose clock is far ahead ends no sessions.
func TestMeasureOutlivesAWrongClock(t *testing.T) {
	t.Parallel()
	var trace strings.Builder
	for minute := range 10 {
		fmt.Fprintf(&trace, "%d a%d a ann DE standard allow 1\n", minute, minute)
		if minute == 4 {
			fmt.Fprintf(&trace, "%d b b bob DE standard allow 1\n", 90*24*60)
		}
	}
	if m, _ := measured(t, trace.String(), "", nil); m.Sessions != 2 {
		t.Errorf("%d sessions", m.Sessions)
	}
}

// Labels are asked for when the trace has begun, and once; what is wrong with them ends
// the run.
func TestLabelsComeWithTheTrace(t *testing.T) {
	t.Parallel()
	read := false
	asked := 0
	in := readerFunc(func(p []byte) (int, error) {
		if read {
			return 0, io.EOF
		}
		read = true
		return copy(p, stories), nil
	})
	_, _, err := replay.Measure(t.Context(), replay.Options{
		Traces: []replay.Trace{{Name: "t", In: in}}, Decode: decodeTold, MaxLine: 128, Engines: []replay.Engine{&told{}}, Packs: make([]replay.Pack, 1), BatchLines: 2,
		Labels: func() (*replay.Labels, error) {
			asked++
			if !read {
				t.Error("labels are read before the trace")
			}
			return nil, errors.New("labels are gone")
		},
	})
	if err == nil || asked != 1 || err.Error() != "labels are gone" {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Input that never comes doesn't keep anybody who has given up.
func TestMeasureIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	waiting, never := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(never) })
	in := readerFunc(func([]byte) (int, error) {
		close(waiting)
		<-never
		return 0, errors.New("too late")
	})
	go func() {
		<-waiting
		cancel()
	}()
	_, _, err := replay.Measure(ctx, replay.Options{
		Traces: []replay.Trace{{Name: "t", In: in}}, Decode: decodeTold, MaxLine: 128, Engines: []replay.Engine{&told{}}, Packs: make([]replay.Pack, 1),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// In every form, whatever names hold, with much and with nothing to tell.
func TestMeasurementInAllForms(t *testing.T) {
	t.Parallel()
	odd := strings.ReplaceAll(strings.ReplaceAll(storyLabels, `"F1"`, `"<script>F1"`), "flight", "<i>flight")
	for name, trace := range map[string]string{"much": stories, "nothing": "\n"} {
		m, _ := measured(t, trace, odd, func(o *replay.Options) { o.Figures.Resamples = 20 })
		var page, text bytes.Buffer
		document, err := json.Marshal(m)
		if err = errors.Join(err, m.HTML(&page), m.Text(&text)); err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"<script", "<i>", "http:", "https:", "src=", "href=", "url(", "@import", "NaN", "Inf", "ZgotmplZ", "null,null"} {
			if strings.Contains(page.String(), never) {
				t.Errorf("%s: the page has %s", name, never)
			}
		}
		for _, form := range []string{string(document), text.String()} {
			if strings.Contains(form, "NaN") || strings.Contains(form, "%!") {
				t.Errorf("%s: %s", name, form)
			}
		}
		if name == "much" && (!strings.Contains(page.String(), "polyline") || !strings.Contains(page.String(), "t:15")) {
			t.Errorf("the page lacks curves or what was missed: %s", &page)
		}
	}
}
