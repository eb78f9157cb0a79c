package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// speaks lets the next event come with a stack, which so many of the browser's
// sightings have.
func (w *walk) speaks(ja4 string, of float64) *walk {
	w.Event.Client.JA4 = ja4
	w.Crowd.Stack = riskd.Popularity{Count: of}
	return w
}

// relayed is ana's login through a proxy somewhere.
func relayed(t *testing.T) *walk {
	return newWalk(t).from(york).device("new", "new").login(time.Hour).among().speaks(proxyStack, 0)
}

func TestProxyLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *walk)
		value  float64
		nats   float64
		why    string
	}{
		"relayed":                       {func(*walk) {}, 1, 5, "none"},
		"relayed from a rented machine": {func(w *walk) { w.Event.Place.Network = riskd.NetworkHosting }, 1, 5.5, "none"},
		"some browser is claimed":       {func(w *walk) { w.agent(firefox) }, 1, 4, "none"},
		"the browser itself":            {func(w *walk) { w.speaks(browserStack, 890) }, 0, 0, "none"},
		"one in a hundred":              {func(w *walk) { w.speaks(proxyStack, 9) }, 0, 0, "none"},
		"fewer than one in a hundred":   {func(w *walk) { w.speaks(proxyStack, 8) }, 1, 5, "none"},
		"a virus scanner":               {func(w *walk) { w.device("cookie", "new") }, 1, 0, "device"},
		"at home":                       {func(w *walk) { w.from(home) }, 1, 0, "place"},
		"at the exit of his VPN, where others sit": {func(w *walk) {
			w.knows(york)
			w.Event.Place.Network = riskd.NetworkVPN
		}, 1, 5.5, "none"},
		"an inspecting office": {func(w *walk) { w.Crowd.Prefix = riskd.Popularity{Count: 2000, Users: 80, Before: 90} }, 1, 0, "prefix"},
		"a crowded cloud": {func(w *walk) {
			w.Event.Place.Network = riskd.NetworkHosting
			w.Crowd.Prefix = riskd.Popularity{Count: 2000, Before: 90}
		}, 1, 5.5, "none"},
		"the week of a release":   {func(w *walk) { w.Crowd.Stack = riskd.Popularity{Count: 4, Users: 4} }, 1, 0, "release"},
		"a campaign among many":   {func(w *walk) { w.Crowd.Stack.Users, w.Crowd.Browser.Users = 4, 400 }, 1, 5, "none"},
		"two of the browser only": {func(w *walk) { w.Crowd.Stack.Users = 2 }, 1, 5, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := relayed(t)
			c.change(w)
			f := w.read("proxy_login")
			want(t, f, c.value, c.nats)
			if f.texts["explained"] != c.why {
				t.Errorf("explained by %q, want %q", f.texts["explained"], c.why)
			}
		})
	}
}

// What the user's own browser spoke tells more than what others' do.
func TestProxyLoginAgainstOnesOwn(t *testing.T) {
	t.Parallel()
	w := relayed(t)
	w.Profile.Devices[0].Stack = riskd.StackMark(browserStack)
	want(t, w.read("proxy_login"), 3, 5)
	w = relayed(t)
	w.Profile.Devices[0].Stack = riskd.StackMark(browserStack)
	w.Crowd.Browser.Count = 20
	want(t, w.read("proxy_login"), 2, 3.5)
	w.login(time.Hour).agent(chrome146) // an update may bring another
	wantMissing(t, w.read("proxy_login"), "crowd")
	w = relayed(t)
	w.Profile.Devices[0].Stack = riskd.StackMark(proxyStack) // behind the same virus scanner as ever
	want(t, w.read("proxy_login"), 0, 0)
	w = relayed(t).speaks(proxyStack, 450) // another usual stack, such as behind an inspecting proxy of everybody's
	w.Profile.Devices[0].Stack = riskd.StackMark(browserStack)
	want(t, w.read("proxy_login"), 2, 0)
}

func TestProxyLoginOnceASession(t *testing.T) {
	t.Parallel()
	w := relayed(t)
	want(t, w.read("proxy_login"), 1, 5)
	w.goOn(time.Minute)
	want(t, w.read("proxy_login"), 1, 0)
	w.Event.Session.AuthTime = w.Now
	f := w.read("proxy_login")
	want(t, f, 1, 0)
	if f.texts["explained"] != "weighed" {
		t.Errorf("explained by %q", f.texts["explained"])
	}
	w = newWalk(t).from(york).device("new", "new").among().speaks(proxyStack, 0)
	w.Event.Session.AuthTime = w.Now // the first that the session sees of it
	want(t, w.read("proxy_login"), 1, 5)
}

func TestProxyLoginCannotTell(t *testing.T) {
	t.Parallel()
	wantMissing(t, relayed(t).speaks("", 0).read("proxy_login"), "ja4")
	wantMissing(t, relayed(t).agent("").read("proxy_login"), "user_agent")
	w := relayed(t)
	w.Crowd.Browser.Count = 49
	wantMissing(t, w.read("proxy_login"), "crowd")
}
