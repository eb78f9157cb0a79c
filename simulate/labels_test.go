package simulate_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/simulate"
)

// label is any line of a labels file.
type label struct {
	Event, Attack, Family string
	Onset                 bool
	User, Archetype       string
	Cause                 string
}

func readLabels(t *testing.T, data []byte) (labels []label) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var l label
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
		labels = append(labels, l)
	}
	return labels
}

func TestLabelsFitTheTrace(t *testing.T) {
	t.Parallel()
	o := small(simulate.Noise)
	trace, data, sum := run(t, o)
	events := map[string]*riskd.Event{}
	users := map[string]bool{}
	for _, e := range decode(t, trace) {
		if e.event != nil {
			events[e.event.ID] = e.event
			users[e.event.User.ID] = true
		}
	}
	onsets, archetypes := map[string]int{}, map[string]int{}
	families := map[string]simulate.Family{}
	for _, l := range readLabels(t, data) {
		e := events[l.Event]
		switch {
		case l.User != "":
			if archetypes[l.User]++; !slices.Contains(simulate.Archetypes(), l.Archetype) {
				t.Errorf("user %s is %q", l.User, l.Archetype)
			}
		case e == nil:
			t.Errorf("event %s of a label isn't in the trace", l.Event)
		case l.Cause != "":
			if !slices.Contains(simulate.Causes(), l.Cause) {
				t.Errorf("event %s has the cause %q", l.Event, l.Cause)
			}
		default:
			families[l.Attack] = simulate.Family(l.Family)
			if l.Onset {
				onsets[l.Attack]++
				if day := int(e.Time.Sub(simulate.DefaultFrom).Hours()) / 24; day < o.Warmup {
					t.Errorf("attack %s begins on day %d", l.Attack, day)
				}
			}
		}
	}
	if len(archetypes) != o.Users {
		t.Errorf("%d users have an archetype, of %d", len(archetypes), o.Users)
	}
	for user := range users {
		if user != "" && archetypes[user] != 1 {
			t.Errorf("user %s has %d archetypes", user, archetypes[user])
		}
	}
	count := map[simulate.Family]int{}
	for attack, family := range families {
		if count[family]++; onsets[attack] != 1 {
			t.Errorf("attack %s of %s begins %d times", attack, family, onsets[attack])
		}
	}
	for _, f := range simulate.Families() {
		if count[f] != o.Attacks || sum.Attacks[f] != o.Attacks {
			t.Errorf("%s: %d attacks labelled, %d in the summary, %d asked for", f, count[f], sum.Attacks[f], o.Attacks)
		}
	}
}

// Every id but the first of a session comes with the one before.
func TestSessionsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	o := small(simulate.Noise)
	o.Attacks = 0
	trace, _, _ := run(t, o)
	owner, turns := map[riskd.SessionID]string{}, 0
	for _, e := range decode(t, trace) {
		if e.event == nil || e.event.User.ID == "" {
			continue
		}
		user, id := e.event.User.ID, e.event.Session.ID
		if previous := e.event.Session.PreviousID; !previous.IsZero() {
			if turns++; owner[previous] != user {
				t.Errorf("event %s rotates an id that wasn't its user's", e.event.ID)
			}
		}
		if was, known := owner[id]; known && was != user {
			t.Errorf("event %s has the session of %s", e.event.ID, was)
		}
		owner[id] = user
		if s := e.event.Session; s.AuthTime.Before(s.StartedAt) || s.AuthTime.After(e.event.Time) || s.ACR == "" || len(s.AMR) == 0 {
			t.Errorf("event %s of %s says %v, %v, %s, %v", e.event.ID, e.event.Time, s.StartedAt, s.AuthTime, s.ACR, s.AMR)
		}
	}
	if turns == 0 {
		t.Error("no id was changed")
	}
}

// In the variant late the same lines come in another order, some of them twice.
func TestLateIsTheSameTrace(t *testing.T) {
	t.Parallel()
	o := small(simulate.Late)
	late, lateLabels, _ := run(t, o)
	o.Variant = simulate.Noise
	inTime, labels, _ := run(t, o)
	if !bytes.Equal(labels, lateLabels) {
		t.Error("the labels differ")
	}
	a, b := strings.SplitAfter(string(inTime), "\n"), strings.SplitAfter(string(late), "\n")
	if doubled := float64(len(b)-len(a)) / float64(len(a)); doubled < 0.007 || doubled > 0.013 {
		t.Errorf("%.4f of the lines come twice", doubled)
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
		t.Error("the lines differ")
	}
}

func TestGeoOffKnowsNoCity(t *testing.T) {
	t.Parallel()
	trace, _, _ := run(t, small(simulate.GeoOff))
	for _, e := range decode(t, trace[:1+bytes.LastIndexByte(trace[:100_000], '\n')]) {
		if e.event == nil {
			continue
		}
		if p := e.event.Place; p.Located || p.City != "" || p.Country == "" || p.ASN == 0 {
			t.Errorf("event %s is at %+v", e.event.ID, p)
		}
	}
}

// Whoever changes what a seed gives changes every figure that was measured with it:
// say so in the commit.
func TestGolden(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("logarithms and exponentials differ in the last bit between architectures")
	}
	const want = "7b6c7313ba971228c8413e4d4aa47aa7747014f92693f9146cde07b74c6ef0b2"
	trace, labels, _ := run(t, small(simulate.Noise))
	h := sha256.New()
	h.Write(labels)
	h.Write(trace)
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("SHA-256 of labels and trace is %s, want %s", got, want)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(o *simulate.Options)
		want   string
	}{
		"preset":  {func(o *simulate.Options) { o.Preset = "people" }, `preset: "people" is none; there are workforce, consumer`},
		"variant": {func(o *simulate.Options) { o.Variant = "loud" }, `variant: "loud" is none;`},
		"users":   {func(o *simulate.Options) { o.Users = 0 }, "users: must be 1 to 1000000, not 0"},
		"days":    {func(o *simulate.Options) { o.Days = 2000 }, "days: must be 1 to 1000, not 2000"},
		"attacks": {func(o *simulate.Options) { o.Attacks = -1 }, "attacks: must be 0 to"},
		"warmup":  {func(o *simulate.Options) { o.Warmup = 20 }, "warmup: must be 0 to 19, a day on which attacks can begin, not 20"},
		"victims": {func(o *simulate.Options) { o.Attacks = 500 }, "take more users or days, or fewer attacks"},
	} {
		o := small(simulate.Noise)
		c.change(&o)
		if _, err := simulate.New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

func TestUsersFor(t *testing.T) {
	t.Parallel()
	for _, p := range simulate.Presets() {
		const days, want = 70, 200_000
		s, err := simulate.New(simulate.Options{Preset: p, Seed: 5, Users: simulate.UsersFor(p, want, days), Days: days})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := s.Labels(&bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if sum.Requests < want*7/10 || sum.Requests > want*13/10 {
			t.Errorf("%s: %d users make %d requests; want about %d", p, sum.Users, sum.Requests, want)
		}
	}
}
