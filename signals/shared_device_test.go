package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestSharedDevice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, print riskd.Popularity
		nats      float64
	}{
		"one's own, new":            {riskd.Popularity{}, riskd.Popularity{}, 0},
		"a family of four":          {riskd.Popularity{Users: 4.1, Before: 3, Count: 100}, riskd.Popularity{Users: 4}, 0},
		"a kiosk":                   {riskd.Popularity{Users: 60, Before: 55, Count: 2000}, riskd.Popularity{Users: 60, Before: 55}, 0},
		"the kiosk after a holiday": {riskd.Popularity{Users: 60, Count: 2000}, riskd.Popularity{Users: 20}, 0},
		"one jar for all accounts":  {riskd.Popularity{Users: 30}, riskd.Popularity{Users: 30}, 1.5 * (1 + 1.8971)}, // 4.346, bounded below
		"twelve accounts":           {riskd.Popularity{Users: 12}, riskd.Popularity{}, 2.9712},                      // 1.5 * (1 + ln(12/4.5))
		"a popular telephone":       {riskd.Popularity{}, riskd.Popularity{Users: 300, Before: 280, Count: 9000}, 0},
		"one print for all":         {riskd.Popularity{}, riskd.Popularity{Users: 40}, 0.8466}, // 0.5 * (1 + ln 2)
		"one print for hundreds":    {riskd.Popularity{}, riskd.Popularity{Users: 400}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).device("other", "other").login(time.Hour).among()
			w.Crowd.Device, w.Crowd.Print = c.id, c.print
			want(t, w.read("shared_device"), c.id.Users, min(c.nats, 4))
			own := newWalk(t).login(time.Hour).among()
			own.Crowd.Device, own.Crowd.Print = c.id, c.print
			want(t, own.read("shared_device"), c.id.Users, 0)
		})
	}
	wantMissing(t, newWalk(t).device("", "").login(time.Hour).among().read("shared_device"), "device")
	want(t, newWalk(t).read("shared_device"), 0, 0)
}
