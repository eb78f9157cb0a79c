package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestDeviceTrust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(w *walk)
		value, nats float64
	}{
		"trusted, at home":       {func(*walk) {}, 1, 0},
		"new network":            {func(w *walk) { w.from(lyon) }, 1, -2},
		"new country":            {func(w *walk) { w.from(york) }, 1, -2},
		"for an asset":           {func(w *walk) { w.from(york).Event.Request.Class = riskd.ClassOpen }, 1, -2},
		"a sensitive request":    {func(w *walk) { w.from(york).Event.Request.Class = riskd.ClassSensitive }, 1, 0},
		"an admin's request":     {func(w *walk) { w.from(york).Event.Request.Class = riskd.ClassAdmin }, 1, 0},
		"same network":           {func(w *walk) { w.from(home.ip6("192.0.200.1")) }, 1, 0},
		"network of the user":    {func(w *walk) { w.knows(lyon); w.from(lyon) }, 1, 0},
		"network of the session": {func(w *walk) { w.Session.Known.See(lyon.context(), noon); w.from(lyon) }, 1, 0},
		"network unknown":        {func(w *walk) { w.from(dark) }, 1, 0},
		"after a night":          {func(w *walk) { w.from(lyon).after(10 * time.Hour) }, 1, -0.3006},
		"at a login":             {func(w *walk) { w.login(time.Hour).from(york) }, 1, 0},
		"another browser":        {func(w *walk) { w.from(york).agent(firefox) }, 1, 0},
		"browser updated":        {func(w *walk) { w.from(york).agent(chrome146) }, 1, -2},
		"and its fingerprint":    {func(w *walk) { w.from(york).agent(chrome146).device("cookie", "other") }, 1, -2},
		"prefix renamed":         {func(w *walk) { w.from(home.moved("US")) }, 1, 0},
		"another fingerprint":    {func(w *walk) { w.from(york).device("cookie", "other") }, 1, 0},
		"no fingerprint":         {func(w *walk) { w.from(york).device("cookie", "") }, 1, -2},
		"fingerprint alone":      {func(w *walk) { w.from(york).device("", "print") }, 0, 0},
		"another id":             {func(w *walk) { w.from(york).device("other", "print") }, 0, 0},
		"another trusted device": {func(w *walk) { w.trusts("phone", time.Hour).from(york).device("phone", "print") }, 1, 0},
		"trust has ended":        {func(w *walk) { w.from(york).after(time.Hour) }, 0, 0},
		"nobody":                 {func(w *walk) { w.Event.User.ID = ""; *w.Profile = riskd.Profile{} }, 0, 0},
		"cloned":                 {func(w *walk) { clonedAt(w, home, york) }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lasts := time.Hour - 10*time.Second
			if name == "after a night" {
				lasts = 24 * time.Hour
			}
			w := newWalk(t).trusts("cookie", lasts)
			c.change(w)
			f := w.read("device_trust")
			want(t, f, c.value, c.nats)
			if moved := f.numbers["excused"] == 1; moved != (c.nats < 0) {
				t.Errorf("excused is %v", f.numbers["excused"])
			}
		})
	}
}

// clonedAt lets the next event come from a network that the device was in before
// it was seen in another, a minute ago; neither is known.
func clonedAt(w *walk, there, here spot) {
	t := w.Profile.Trusted(riskd.MarkOf(&w.Event.Device).ID, w.Now)
	t.Here, t.There, t.LeftAt, t.SeenAt = there.context(), here.context(), w.Now.Add(-time.Minute), w.Now.Add(-time.Second)
	w.from(here)
}

// A high-risk action has to know that trust, not proof, brought the session here.
func TestDeviceTrustRemembersWhatItExcused(t *testing.T) {
	t.Parallel()
	w := newWalk(t).trusts("cookie", time.Hour)
	w.Session.AuthTime = noon.Add(-time.Minute)
	excused := func(want float64) {
		t.Helper()
		if got := w.read("device_trust").numbers["excused"]; got != want {
			t.Errorf("excused is %v, want %v", got, want)
		}
		w.goOn(time.Minute)
	}
	excused(0)
	w.from(york)
	excused(1)
	excused(1)
	w.Event.Request.Class = riskd.ClassSensitive
	excused(1)
	w.device("other", "") // whatever comes next
	excused(1)
	w.device("cookie", "print").proves()
	excused(0)
	excused(0)
	w.Event.Request.Class = riskd.ClassStandard
	w.from(lyon)
	excused(1)
	w.Session.AuthTime = w.Now // an identity provider answered for it
	excused(0)
}
