package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func (s spot) kind(k riskd.NetworkKind) spot {
	s.place.Network = k
	return s
}

func TestNetworkKind(t *testing.T) {
	t.Parallel()
	for kind, value := range map[riskd.NetworkKind]float64{
		riskd.NetworkResidential: 0, riskd.NetworkMobile: 0, riskd.NetworkBusiness: 0, riskd.NetworkSatellite: 0,
		riskd.NetworkHosting: 1, riskd.NetworkVPN: 1, riskd.NetworkProxy: 1, riskd.NetworkTor: 1,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			f := newWalk(t).from(york.kind(kind)).read("network_kind")
			want(t, f, value, value*1)
			if f.texts["kind"] != kind.String() || f.numbers["known"] != 0 {
				t.Errorf("details are %v %v", f.texts, f.numbers)
			}
			want(t, newWalk(t).from(york.kind(kind)).login(time.Hour).read("network_kind"), value, value*1.5)
			want(t, newWalk(t).young().from(york.kind(kind)).login(0).read("network_kind"), value, value*1.5)
		})
	}
	wantMissing(t, newWalk(t).from(york.kind(riskd.NetworkUnknown)).read("network_kind"), "network")
}

func TestNetworkKindKnown(t *testing.T) {
	t.Parallel()
	vpn := york.kind(riskd.NetworkVPN)
	exit := vpn.ip6("203.0.200.1") // another prefix of the same VPN
	user := func() *walk {
		w := newWalk(t)
		settle(&w.Profile.Anonymous, vpn.context())
		return w
	}
	for name, f := range map[string]fact{
		"of the session":        newWalk(t).from(vpn).goOn(time.Second).read("network_kind"),
		"of the session, moved": newWalk(t).from(vpn).goOn(time.Second).from(exit).read("network_kind"),
		"of the user":           user().from(exit).read("network_kind"),
		"of the user, at login": user().from(exit).login(time.Hour).read("network_kind"),
	} {
		want(t, f, 1, 0)
		if f.numbers["known"] != 1 {
			t.Errorf("%s: not known", name)
		}
	}
	// A provider's hosting is not its customers' homes.
	want(t, newWalk(t).from(home.ip6("192.0.200.1").kind(riskd.NetworkHosting)).read("network_kind"), 1, 1)
}
