package signals_test

import (
	"math"
	"testing"
	"time"
)

func (w *walk) hour(h int) *walk {
	w.Now = time.Date(2026, 3, 2, h, 30, 0, 0, time.UTC)
	return w
}

func TestUnusualHour(t *testing.T) {
	t.Parallel()
	office := map[int]uint16{7: 20, 8: 20, 12: 8}
	for name, c := range map[string]struct {
		logins map[int]uint16
		hour   int
		share  float64
		nats   float64
	}{
		"as always":        {office, 8, (40.0/3 + 0.5) / 60, -0.5},
		"an hour early":    {office, 6, (20.0/3 + 0.5) / 60, -0.5},
		"at noon":          {office, 12, (8.0/3 + 0.5) / 60, -0.2364},
		"in the evening":   {office, 18, 0.5 / 60, 1.5},
		"at night":         {office, 2, 0.5 / 60, 1.5},
		"few logins":       {map[int]uint16{9: 3}, 2, 0.5 / 15, math.Log(1.25)},
		"a dozen":          {map[int]uint16{9: 12}, 2, 0.5 / 24, math.Log(2)},
		"around midnight":  {map[int]uint16{23: 30}, 0, (10 + 0.5) / 42, -0.5},
		"before midnight":  {map[int]uint16{0: 30}, 23, (10 + 0.5) / 42, -0.5},
		"no hours counted": {nil, 3, 0.5 / 12, 0},
	} {
		w := newWalk(t).hour(c.hour).login(time.Hour)
		for h, n := range c.logins {
			w.Profile.Hours[h] = n
		}
		f := w.read("unusual_hour")
		if !near(f.Value, c.share) || !near(f.Nats, c.nats) || f.numbers["hour"] != float64(c.hour) {
			t.Errorf("%s: share %v, nats %v; want %v, %v", name, f.Value, f.Nats, c.share, c.nats)
		}
	}
}

func TestUnusualHourWithoutHistory(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour)
	w.Profile.Sessions = 2
	wantMissing(t, w.read("unusual_hour"), "history")
}

// Only the login counts: somebody who works until late has begun in time.
func TestUnusualHourAllDay(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t).hour(8).login(14*time.Hour), 0.0
	w.Profile.Hours[8] = 50
	for range 18 {
		total += w.read("unusual_hour").Nats
		w.goOn(time.Hour)
	}
	if total != -0.5 {
		t.Errorf("a long day comes to %v nats", total)
	}
}

// A year of a person who begins at eight or nine, with daylight saving in March
// and October and a late shift once in a while: none of his days is unusual, but
// for a single call at three in the morning.
func TestUnusualHourOverAYear(t *testing.T) {
	t.Parallel()
	w, unusual := newWalk(t), 0
	for day := range 260 {
		hour := 7 + day%2
		if day > 60 && day < 200 {
			hour-- // UTC under daylight saving
		}
		if day%40 == 39 {
			hour = 13
		}
		at := w.hour(hour).login(15 * time.Hour)
		if f := at.read("unusual_hour"); f.Nats > 0.5 && day > 100 && hour < 10 {
			unusual++
		}
		at.Profile.Hours[hour]++
	}
	if unusual > 0 {
		t.Errorf("%d ordinary mornings are unusual", unusual)
	}
	if f := w.hour(3).login(6 * time.Hour).read("unusual_hour"); f.Nats != 1.5 {
		t.Errorf("three in the morning is worth %v nats", f.Nats)
	}
}
