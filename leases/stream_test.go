package leases_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/leases"
)

type clock struct{ now time.Time }

func newStream(t *testing.T, change func(*leases.Options)) (*leases.Stream, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	o := leases.Options{Instance: "i", Number: 10, Keep: 4, InForce: func() []riskd.Notice { return nil }, Now: func() time.Time { return c.now }}
	if change != nil {
		change(&o)
	}
	s, err := leases.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func tell(s *leases.Stream, numbers ...uint64) {
	for _, n := range numbers {
		s.Tell(riskd.Notice{Number: n})
	}
}

func since(s *leases.Stream, number uint64) (numbers []uint64, ok bool) {
	notices, _, ok := s.Since(number)
	for _, n := range notices {
		numbers = append(numbers, n.Number)
	}
	return numbers, ok
}

// Whoever comes back is told all that he missed, in order, or that this can't be
// told any more; never a part.
func TestSince(t *testing.T) {
	t.Parallel()
	s, _ := newStream(t, nil)
	if got, ok := since(s, 10); !ok || got != nil {
		t.Errorf("at the start: %v %t", got, ok)
	}
	for _, foreign := range []uint64{9, 11} {
		if _, ok := since(s, foreign); ok {
			t.Errorf("%d is a number of this stream", foreign)
		}
	}
	_, more, _ := s.Since(10)
	tell(s, 11, 13, 14)
	select {
	case <-more:
	default:
		t.Error("nobody was woken")
	}
	for number, want := range map[uint64][]uint64{10: {11, 13, 14}, 11: {13, 14}, 12: {13, 14}, 14: nil} {
		if got, ok := since(s, number); !ok || !slices.Equal(got, want) {
			t.Errorf("since %d: %v %t, want %v", number, got, ok, want)
		}
	}
	tell(s, 15, 16, 17) // of 11 to 17 four are kept
	for number, want := range map[uint64]bool{10: false, 12: false, 13: true, 16: true, 17: true, 18: false} {
		if got, ok := since(s, number); ok != want || ok && len(got) != max(0, 17-int(number)) {
			t.Errorf("since %d: %v %t", number, got, ok)
		}
	}
}

// Those who begin share what they begin with until what follows it isn't kept.
func TestBegin(t *testing.T) {
	t.Parallel()
	asked := 0
	s, _ := newStream(t, func(o *leases.Options) {
		o.Keep = 8
		o.InForce = func() []riskd.Notice { asked++; return []riskd.Notice{{Number: uint64(asked)}} }
	})
	for number := uint64(10); number < 40; number++ {
		inForce, at := s.Begin()
		if at > number || len(inForce) != 1 {
			t.Fatalf("at %d: %v from %d", number, inForce, at)
		}
		if got, ok := since(s, at); !ok || len(got) != int(number-at) {
			t.Fatalf("at %d nobody can go on from %d: %v", number, at, got)
		}
		tell(s, number+1)
	}
	if asked > 10 {
		t.Errorf("the store was asked %d times", asked)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := newStream(t, func(o *leases.Options) { o.Followers = 2 })
	leave, _ := s.Join("a")
	if _, err := s.Join(""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join("c"); !errors.Is(err, leases.ErrFull) {
		t.Errorf("a third: %v", err)
	}
	leave(true)
	if _, err := s.Join("c"); err != nil {
		t.Error(err)
	}
	if got := s.Stats(); got.Followers != 2 || got.Cut != 1 || got.Gateways != 2 {
		t.Errorf("%+v", got)
	}
	s.End()
	s.End()
	<-s.Ended()
	if _, err := s.Join("d"); !errors.Is(err, leases.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAcks(t *testing.T) {
	t.Parallel()
	var lags []time.Duration
	s, c := newStream(t, func(o *leases.Options) { o.Keep = 100; o.Lag = func(d time.Duration) { lags = append(lags, d) } })
	ack := func(name string, number uint64) {
		t.Helper()
		if newest, err := s.Ack(name, "i", number); err != nil || newest != s.Stats().Newest {
			t.Fatal(newest, err)
		}
	}
	ack("a", 10)
	tell(s, 11)
	c.now = c.now.Add(2 * time.Millisecond)
	tell(s, 12)
	c.now = c.now.Add(3 * time.Millisecond)
	ack("a", 12)
	ack("a", 11) // late
	ack("b", 11)
	if _, err := s.Ack("a", "j", 11); !errors.Is(err, leases.ErrOtherInstance) {
		t.Errorf("of another instance: %v", err)
	}
	if _, err := s.Ack("a", "", 13); !errors.Is(err, leases.ErrAhead) {
		t.Errorf("ahead: %v", err)
	}
	if !slices.Equal(lags, []time.Duration{5 * time.Millisecond}) {
		t.Errorf("lags are %v", lags)
	}
	got := s.Applied(12)
	want := []riskd.Applied{
		{Gateway: "a", Number: 12, At: c.now, Done: true, Since: c.now, Lag: 3 * time.Millisecond},
		{Gateway: "b", Number: 11, At: c.now},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	first := c.now
	for n := uint64(13); n < 90; n++ { // more than are remembered
		c.now = c.now.Add(time.Second)
		tell(s, n)
		ack("a", n)
	}
	if got := s.Applied(12)[0]; !got.Done || !got.Since.IsZero() {
		t.Errorf("what isn't remembered any more is told: %+v, of %s", got, first)
	}
}

// Names don't fill the memory: those not heard of for long go, and then those heard
// of longest ago, but never one that follows.
func TestGatewaysAreBounded(t *testing.T) {
	t.Parallel()
	s, c := newStream(t, func(o *leases.Options) { o.Gateways = 3 })
	leave, _ := s.Join("follows")
	for i := range 10 {
		c.now = c.now.Add(time.Second)
		if _, err := s.Ack(fmt.Sprint("g", i), "", 10); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, a := range s.Applied(10) {
		names = append(names, a.Gateway)
	}
	if !slices.Equal(names, []string{"follows", "g8", "g9"}) {
		t.Errorf("known are %v", names)
	}
	c.now = c.now.Add(2 * time.Hour)
	if got := s.Applied(10); len(got) != 1 || !got[0].Following {
		t.Errorf("after two hours: %+v", got)
	}
	leave(false)
	c.now = c.now.Add(2 * time.Hour)
	if got := s.Applied(10); len(got) != 0 {
		t.Errorf("after two more: %+v", got)
	}
}
