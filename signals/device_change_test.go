package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestDeviceChangeInASession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, fingerprint string
		agent           string
		value, nats     float64
		words           [2]string
	}{
		"same":                     {"cookie", "print", chrome145, 0, 0, [2]string{"same", "same"}},
		"id alone":                 {"cookie", "", chrome145, 0, 0, [2]string{"same", "absent"}},
		"other fingerprint":        {"cookie", "other", chrome145, 1, 4, [2]string{"same", "changed"}},
		"updated browser":          {"cookie", "other", chrome146, 1, 0, [2]string{"same", "changed"}},
		"fingerprint, no agent":    {"cookie", "other", "", 1, 4, [2]string{"same", "changed"}},
		"other id":                 {"stolen", "print", chrome145, 2, 4, [2]string{"changed", "same"}},
		"other id, updated":        {"stolen", "print", chrome146, 2, 4, [2]string{"changed", "same"}},
		"other id alone":           {"stolen", "", chrome145, 2, 4, [2]string{"changed", "absent"}},
		"both":                     {"stolen", "other", chrome145, 3, 8, [2]string{"changed", "changed"}},
		"fingerprint alone, other": {"", "other", chrome145, 1, 4, [2]string{"absent", "changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWalk(t).device(c.id, c.fingerprint).agent(c.agent).read("device_change")
			want(t, f, c.value, c.nats)
			if f.texts["id"] != c.words[0] || f.texts["fingerprint"] != c.words[1] {
				t.Errorf("details are %v, want %v", f.texts, c.words)
			}
		})
	}
	f := newWalk(t).read("device_change")
	if f.numbers["accepted"] != 1 || f.numbers["known"] != 1 {
		t.Errorf("the same device is %v", f.numbers)
	}
}

// An event without a fingerprint doesn't launder another one after it.
func TestDeviceChangeRemembersWhatWasLeftOut(t *testing.T) {
	t.Parallel()
	w := newWalk(t).device("cookie", "").goOn(time.Second)
	want(t, w.device("cookie", "other").read("device_change"), 1, 4)
}

func TestDeviceVanished(t *testing.T) {
	t.Parallel()
	w := newWalk(t).device("", "")
	want(t, w.read("device_change"), 4, 1)
	want(t, w.goOn(time.Second).read("device_change"), 4, 0) // says it once
	w = newWalk(t).device("", "")
	w.Event.Request.Class = riskd.ClassOpen
	wantMissing(t, w.read("device_change"), "device")
	w = newWalk(t).device("", "")
	w.Session.Device, w.Session.Devices = riskd.DeviceMark{}, [4]riskd.DeviceMark{}
	wantMissing(t, w.read("device_change"), "device")
	want(t, w.device("cookie", "print").read("device_change"), 0, 0) // and appeared
}

func TestDeviceBackAndForth(t *testing.T) {
	t.Parallel()
	w := newWalk(t).device("stolen", "other")
	w.read("device_change")
	w.goOn(9 * time.Minute)
	f := w.device("cookie", "print").read("device_change")
	want(t, f, 3, 3)
	if f.numbers["alternations"] != 1 {
		t.Errorf("details are %v", f.numbers)
	}
	w = newWalk(t).device("stolen", "other")
	w.read("device_change")
	w.goOn(9 * time.Minute)
	want(t, w.read("device_change"), 0, 0) // the ten minutes run from the change
	w.goOn(2 * time.Minute)
	want(t, w.device("cookie", "print").read("device_change"), 3, 0)

	sum := 0.0
	for range 20 {
		for _, d := range []string{"stolen", "cookie"} {
			sum += w.goOn(time.Second).device(d, "").read("device_change").Nats
		}
	}
	if sum != 6 {
		t.Errorf("%v nats for forty alternations, want 6", sum)
	}
}

func TestDeviceAtLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, fingerprint, agent string
		value, nats            float64
	}{
		"known":              {"cookie", "print", chrome145, 0, -2.5},
		"known id":           {"cookie", "other", chrome145, 1, -1},
		"known id alone":     {"cookie", "", chrome145, 0, -1},
		"known fingerprint":  {"fresh", "print", chrome145, 2, 0},
		"cookies cleared":    {"", "print", chrome145, 0, 0},
		"new, known browser": {"fresh", "other", chrome146, 3, 1.5},
		"new, other browser": {"fresh", "other", firefox, 3, 2.5},
		"new id, no browser": {"fresh", "", "", 2, 2.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).device(c.id, c.fingerprint).agent(c.agent).login(time.Hour)
			f := w.read("device_change")
			want(t, f, c.value, c.nats)
			if known := c.id == "cookie" || c.fingerprint == "print"; known != (f.numbers["known"] == 1) {
				t.Errorf("details are %v", f.numbers)
			}
		})
	}
	wantMissing(t, newWalk(t).young().login(time.Hour).read("device_change"), "history")
	wantMissing(t, newWalk(t).device("", "").login(time.Hour).read("device_change"), "device")
}
