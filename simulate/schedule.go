package simulate

import "time"

// schedule says when a user sits down to use the application. It depends on nothing
// that happens in a sitting, so that it can be walked without living through any.
type schedule struct {
	dice    dice
	day     int // the next to be planned
	rate    float64
	middle  float64 // hour of the day
	freeAt  [2]int64
	waiting []sitting // in the order of their start
	count   uint32
}

// sitting is one stretch of time at one machine: mostly one session.
type sitting struct {
	number uint32 // of the user's, from 0
	start  int64
	length int64
	device uint8
	odd    bool // at an hour that isn't the user's
}

// The habits of time (detection.md §4.2; the spread of the middles is assumed).
const (
	middleHour, middleSigma = 13.5, 1.0
	hourSigma               = 4.0
	anyHour                 = 0.06
	weekendShare            = 0.4
	medianLength            = 15 * 60.0 // seconds
	lengthSigma             = 1.2
	longest                 = 10 * hour
	shortest                = 20 * second
	secondDevice            = 0.45 // share of sittings at it, assumed
)

func newSchedule(w *world, u *user) schedule {
	s := schedule{dice: roll(w.Seed, uint64(u.number), forSchedule)}
	s.rate = s.dice.lognormal(w.shares.rate, w.shares.rateSigma)
	s.middle = middleHour + middleSigma*s.dice.normal()
	s.day = int((u.joins - w.begin) / day)
	return s
}

// next gives the next sitting, or false after the last day. One that would begin
// while the machine is busy isn't begun: its user sits there already.
func (s *schedule) next(w *world, u *user) (sitting, bool) {
	for {
		for len(s.waiting) == 0 && s.day < w.Days {
			s.plan(w, u)
		}
		if len(s.waiting) == 0 {
			return sitting{}, false
		}
		out := s.waiting[0]
		s.waiting = append(s.waiting[:0], s.waiting[1:]...)
		if out.start < max(u.joins, s.freeAt[out.device]) {
			continue
		}
		s.freeAt[out.device] = out.start + out.length + minute
		out.number = s.count
		s.count++
		return out, true
	}
}

// plan draws the sittings of a day, by the user's clock.
func (s *schedule) plan(w *world, u *user) {
	c := &countries[u.country]
	midnight := w.begin + int64(s.day)*day - int64(c.offset)*minute
	date := w.From.AddDate(0, 0, s.day)
	s.day++
	rate := s.rate
	if wd := date.Weekday(); wd == time.Saturday || wd == time.Sunday || c.holiday(int(date.Month()), date.Day()) {
		rate *= weekendShare
	}
	for range s.dice.poisson(rate) {
		s.draw(u, midnight)
	}
}

func (s *schedule) draw(u *user, midnight int64) {
	d := &s.dice
	var next sitting
	h := s.middle + hourSigma*d.normal()
	for h < 0 || h >= 24 {
		h = s.middle + hourSigma*d.normal()
	}
	if d.chance(anyHour) {
		h = 24 * d.float()
		next.odd = h < s.middle-2*hourSigma || h > s.middle+2*hourSigma
	}
	next.start = midnight + span(3600*h)
	next.length = max(shortest, min(longest, span(d.lognormal(medianLength, lengthSigma))))
	if u.count > 1 && d.chance(secondDevice) {
		next.device = 1
	}
	i := len(s.waiting)
	for i > 0 && s.waiting[i-1].start > next.start {
		i--
	}
	s.waiting = append(s.waiting, sitting{})
	copy(s.waiting[i+1:], s.waiting[i:])
	s.waiting[i] = next
}
