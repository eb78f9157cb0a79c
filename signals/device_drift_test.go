package signals_test

import (
	"maps"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

var laptop = map[string]string{
	"screen": "1920x1080", "timezone": "Europe/Paris", "language": "fr", "gpu": "iris", "fonts": "a1", "platform": "Win32", "hardware": "8", "other": "x",
}

// has gives the next event the laptop's attributes, but for those named.
func (w *walk) has(changed ...string) *walk {
	a := maps.Clone(laptop)
	for _, name := range changed {
		a[name] += " other"
	}
	w.Event.Device.Attributes = a
	return w
}

// atLaptop is a session that has been on the laptop.
func atLaptop(t *testing.T) *walk {
	w := newWalk(t).has()
	w.read("device_drift")
	return w.goOn(10 * time.Second)
}

func TestDeviceDriftInASession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changed  []string
		nats     float64
		heaviest string
	}{
		"nothing":                 {nil, 0, "none"},
		"a screen is plugged in":  {[]string{"screen"}, 1.5, "screen"},
		"screen and fonts":        {[]string{"screen", "fonts"}, 3, "screen"},
		"summer time":             {[]string{"timezone"}, 0.3, "timezone"},
		"another graphics chip":   {[]string{"gpu"}, 4, "gpu"},
		"another machine":         {[]string{"gpu", "hardware", "screen", "fonts"}, 7, "gpu"},
		"settings":                {[]string{"language", "other"}, 1, "language"},
		"all that is light":       {[]string{"language", "other", "screen", "fonts"}, 3, "screen"},
		"another platform's name": {[]string{"platform"}, 4, "platform"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := atLaptop(t).device("cookie", "other").has(c.changed...).read("device_drift")
			want(t, f, float64(len(c.changed)), c.nats)
			if f.texts["heaviest"] != c.heaviest || f.numbers["compared"] != 8 {
				t.Errorf("%v %v", f.texts, f.numbers)
			}
		})
	}
}

// Where attributes tell, the fingerprint that they are in isn't weighed again.
func TestDeviceDriftAndTheFingerprint(t *testing.T) {
	t.Parallel()
	want(t, atLaptop(t).device("cookie", "other").has("screen").read("device_change"), 1, 0)
	want(t, atLaptop(t).device("cookie", "other").has().read("device_change"), 1, 0)
	want(t, atLaptop(t).device("other", "other").has("screen").read("device_change"), 3, 4)
	want(t, atLaptop(t).device("cookie", "other").read("device_change"), 1, 4)      // the event tells none
	want(t, newWalk(t).device("cookie", "other").has().read("device_change"), 1, 4) // the session had none
	wantMissing(t, atLaptop(t).device("cookie", "other").read("device_drift"), "attributes")
	wantMissing(t, newWalk(t).has().read("device_drift"), "history")
}

func TestDeviceDriftExplained(t *testing.T) {
	t.Parallel()
	f := atLaptop(t).agent(chrome146).device("cookie", "other").has("fonts", "other").read("device_drift")
	want(t, f, 2, 0)
	if f.texts["explained"] != "update" {
		t.Errorf("an update explains %q", f.texts["explained"])
	}
	f = atLaptop(t).from(york).has("timezone").read("device_drift")
	want(t, f, 1, 0)
	if f.texts["explained"] != "travel" {
		t.Errorf("a journey explains %q", f.texts["explained"])
	}
	want(t, atLaptop(t).agent(chrome146).has("gpu").read("device_drift"), 1, 4)
}

// Plugged in, out and in again: three times the 1.5 nats are the bound, and what
// the session has accepted before is device_change's.
func TestDeviceDriftIsBounded(t *testing.T) {
	t.Parallel()
	w, sum := atLaptop(t), 0.0
	for i := range 10 {
		screens := [][]string{{"screen"}, nil}[i%2]
		sum += w.has(screens...).read("device_drift").Nats
		w.goOn(time.Minute)
	}
	if sum != 3 {
		t.Errorf("%v nats", sum)
	}
	w = atLaptop(t).device("cookie", "other").has("gpu")
	want(t, w.read("device_drift"), 1, 4)
	w.goOn(time.Minute)
	f := w.device("cookie", "print").has().read("device_drift")
	want(t, f, 1, 0)
	if f.texts["explained"] != "accepted" {
		t.Errorf("explained by %q", f.texts["explained"])
	}
}

// An event that tells less takes nothing away from what is known.
func TestDeviceDriftRemembers(t *testing.T) {
	t.Parallel()
	w := atLaptop(t)
	w.Event.Device.Attributes = map[string]string{"screen": "1920x1080"}
	want(t, w.read("device_drift"), 0, 0)
	want(t, w.goOn(time.Minute).has("gpu").read("device_drift"), 1, 4)
}

func (w *walk) ownsLaptop() *walk {
	w.Profile.Devices[0].Attributes = riskd.AttributesOf(&riskd.Device{Attributes: laptop})
	return w
}

func TestDeviceDriftAtLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, print string
		changed   []string
		drift     float64 // nats
		drifted   float64
		change    float64 // nats of device_change
	}{
		"the laptop":                       {"cookie", "print", nil, 0, 0, -2.5},
		"a screen plugged in":              {"cookie", "new", []string{"screen"}, 0, 0, -1},
		"cookies cleared, fonts installed": {"new", "new", []string{"fonts"}, 0, 1, 0},
		"the cookie on another machine":    {"cookie", "new", []string{"gpu", "screen"}, 4, 0, -1},
		"another machine":                  {"new", "new", []string{"gpu", "hardware"}, 0, 0, 1.5},
		"another machine, nearly alike":    {"new", "new", []string{"hardware"}, 0, 0, 1.5},
		"two have changed":                 {"new", "new", []string{"fonts", "screen"}, 0, 0, 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).ownsLaptop().device(c.id, c.print).has(c.changed...).login(time.Hour)
			f := w.read("device_drift")
			want(t, f, float64(len(c.changed)), c.drift)
			if f.numbers["drifted"] != c.drifted && c.id == "new" {
				t.Errorf("drifted %v", f.numbers["drifted"])
			}
			if f := w.read("device_change"); !near(f.Nats, c.change) {
				t.Errorf("device_change: %v nats, want %v", f.Nats, c.change)
			}
		})
	}
	two := newWalk(t).ownsLaptop().has("gpu").login(time.Hour)
	two.Profile.Devices[1] = two.Profile.Devices[0] // another of the same browser, with such a chip
	two.Profile.Devices[1].DeviceMark, two.Profile.Devices[1].Attributes = riskd.DeviceMark{ID: 7}, riskd.AttributesOf(&two.Event.Device)
	want(t, two.read("device_drift"), 1, 4)
	w := newWalk(t).ownsLaptop().device("new", "new").agent(firefox).has().login(time.Hour)
	wantMissing(t, w.read("device_drift"), "history") // a browser that isn't known
	want(t, w.read("device_change"), 3, 2.5)
}
