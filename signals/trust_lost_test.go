package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// trusting is a session of ana's on a device that she trusts for an hour.
func trusting(t *testing.T) *walk {
	w := newWalk(t).trusts("cookie", time.Hour)
	want(t, w.read("trust_lost"), 0, 0)
	return w.goOn(time.Minute)
}

func TestTrustLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(w *walk)
		value, nats float64
		missing     string
	}{
		"still there":            {func(*walk) {}, 0, 0, ""},
		"fingerprint changed":    {func(w *walk) { w.device("cookie", "other") }, 0, 0, ""},
		"no device":              {func(w *walk) { w.device("", "") }, 1, 7, ""},
		"fingerprint alone":      {func(w *walk) { w.device("", "print") }, 1, 7, ""},
		"no device for an asset": {func(w *walk) { w.device("", "").Event.Request.Class = riskd.ClassOpen }, 0, 0, "device"},
		"no device, sensitive":   {func(w *walk) { w.device("", "").Event.Request.Class = riskd.ClassSensitive }, 1, 7, ""},
		"another device":         {func(w *walk) { w.device("other", "print") }, 2, 7, ""},
		"another trusted device": {func(w *walk) { w.trusts("phone", time.Hour).device("phone", "") }, 0, 0, ""},
		"trust has ended":        {func(w *walk) { w.after(time.Hour) }, 3, 0, ""},
		"trust was removed":      {func(w *walk) { w.Profile.Trust = [4]riskd.DeviceTrust{} }, 3, 0, ""},
		"removed, and missing":   {func(w *walk) { w.Profile.Trust = [4]riskd.DeviceTrust{}; w.device("", "") }, 1, 7, ""},
		"nobody":                 {func(w *walk) { w.Event.User.ID = ""; *w.Profile = riskd.Profile{} }, 0, 0, "user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := trusting(t)
			c.change(w)
			f := w.read("trust_lost")
			if c.missing != "" {
				wantMissing(t, f, c.missing)
				return
			}
			want(t, f, c.value, c.nats)
			want(t, w.goOn(time.Second).read("trust_lost"), c.value, 0) // once
		})
	}
}

func TestTrustNeverThere(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	want(t, w.read("trust_lost"), 0, 0)
	want(t, w.goOn(time.Minute).device("", "").read("trust_lost"), 0, 0)
	want(t, w.goOn(time.Minute).device("other", "").read("trust_lost"), 0, 0)
}

// Pages tell a device, calls don't: one step-up, however often they take turns
// and wherever it is proved.
func TestTrustLostOfSilentCalls(t *testing.T) {
	t.Parallel()
	for name, proof := range map[string]string{"on the page": "cookie", "on the call": ""} {
		w := trusting(t)
		want(t, w.device("", "").read("trust_lost"), 1, 7)
		w.goOn(time.Second)
		if f := w.device(proof, "").proves().read("trust_lost"); f.Nats != 0 {
			t.Errorf("%s: the proof itself is charged %v", name, f.Nats)
		}
		for range 5 {
			w.goOn(time.Second)
			want(t, w.device("cookie", "").read("trust_lost"), 0, 0)
			w.goOn(time.Second)
			want(t, w.device("", "").read("trust_lost"), 1, 0)
		}
	}
}

// Another device that is proved is trusted from then on. One whose step-up was
// proved on the trusted device isn't, and is charged when it is back.
func TestTrustLostToAnother(t *testing.T) {
	t.Parallel()
	w := trusting(t)
	want(t, w.device("phone", "").read("trust_lost"), 2, 7)
	w.goOn(time.Second)
	want(t, w.proves().read("trust_lost"), 2, 0)
	w.trusts("phone", time.Hour).goOn(time.Second)
	want(t, w.read("trust_lost"), 0, 0)
	w.goOn(time.Second)
	want(t, w.device("cookie", "").read("trust_lost"), 0, 0)

	w = trusting(t)
	want(t, w.device("thief", "").read("trust_lost"), 2, 7)
	w.goOn(time.Second)
	want(t, w.device("cookie", "").proves().read("trust_lost"), 0, 0)
	w.goOn(time.Second)
	want(t, w.device("thief", "").read("trust_lost"), 2, 7)
	w.goOn(time.Second)
	want(t, w.device("another", "").read("trust_lost"), 2, 7)
}

// Where no device is ever trusted again, one proof is enough.
func TestTrustLostForGood(t *testing.T) {
	t.Parallel()
	w := trusting(t)
	want(t, w.device("phone", "").read("trust_lost"), 2, 7)
	w.goOn(time.Second)
	want(t, w.proves().read("trust_lost"), 2, 0)
	for range 3 {
		want(t, w.goOn(time.Second).read("trust_lost"), 2, 0)
	}
}
