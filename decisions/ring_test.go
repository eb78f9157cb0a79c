package decisions_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/decisions"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func ring(t testing.TB, keep int) *decisions.Ring {
	t.Helper()
	r, err := decisions.New(decisions.Options{Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// record makes the decision number i, whose id ends in something random as real
// ones do.
func record(i int, outcome riskd.Outcome) *riskd.Record {
	return &riskd.Record{
		Event: &riskd.Event{Tenant: "acme", User: riskd.User{ID: fmt.Sprint("u", i%3)}},
		Decision: &riskd.Decision{
			ID: idOf(i), At: noon.Add(time.Duration(i) * time.Second), Session: riskd.SessionID{byte(i % 5)}, Outcome: outcome,
			Reasons: []riskd.Reason{{Code: []string{"new_country", "ip_change"}[i%2]}},
		},
	}
}

func idOf(i int) string { return fmt.Sprintf("%06d%08X", i, uint32(i)*2654435761) }

func TestOldDecisionsMakeRoom(t *testing.T) {
	t.Parallel()
	r := ring(t, 64)
	for i := range 10 {
		r.Record(record(i, riskd.Revoke))
	}
	for i := 10; i < 1000; i++ { // a flood of allows
		r.Record(record(i, riskd.Allow))
	}
	allowed, others := r.Spans()
	if allowed.Kept != 32 || others.Kept != 10 || !others.Oldest.Equal(noon) || allowed.Oldest.Before(noon.Add(960*time.Second)) {
		t.Errorf("kept are %+v and %+v", allowed, others)
	}
	for i := range 10 {
		if k, ok := r.Decision(idOf(i)); !ok || k.Outcome != riskd.Revoke || k.User != fmt.Sprint("u", i%3) {
			t.Errorf("decision %d is gone, or is %+v", i, k)
		}
	}
	for i := 1000; i < 2000; i++ {
		r.Record(record(i, riskd.StepUpNeeded))
	}
	if _, ok := r.Decision(idOf(5)); ok {
		t.Error("the oldest has not made room")
	}
	if _, ok := r.Decision(idOf(1999)); !ok {
		t.Error("the newest isn't kept")
	}
	if allowed, others := r.Spans(); allowed.Kept != 32 || others.Kept != 32 {
		t.Errorf("kept are %+v and %+v", allowed, others)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	if _, err := decisions.New(decisions.Options{Keep: -1}); err == nil || err.Error() != "decisions.Options.Keep: must not be negative" {
		t.Errorf("below 0: %v", err)
	}
	for _, keep := range []int{0, 1, 2, 17, 100, 1001, 10_000} {
		r := ring(t, keep)
		for i := range 2*keep + 1000 {
			r.Record(record(2*i, riskd.Allow))
			r.Record(record(2*i+1, riskd.Revoke))
		}
		if allowed, others := r.Spans(); allowed.Kept != keep/2 || others.Kept != keep-keep/2 {
			t.Errorf("of %d: %+v and %+v", keep, allowed, others)
		}
	}
}

func TestListIsFiltered(t *testing.T) {
	t.Parallel()
	r := ring(t, 1000)
	for i := range 100 {
		r.Record(record(i, []riskd.Outcome{riskd.Allow, riskd.StepUpNeeded, riskd.Revoke, riskd.Revoke}[i%4]))
	}
	tests := map[string]struct {
		filter decisions.Filter
		want   func(i int) bool
	}{
		"all":      {decisions.Filter{}, func(int) bool { return true }},
		"session":  {decisions.Filter{Session: riskd.SessionID{3}}, func(i int) bool { return i%5 == 3 }},
		"user":     {decisions.Filter{User: "u2", Tenant: "acme"}, func(i int) bool { return i%3 == 2 }},
		"tenant":   {decisions.Filter{Tenant: "other"}, func(int) bool { return false }},
		"decision": {decisions.Filter{Outcome: riskd.Revoke}, func(i int) bool { return i%4 >= 2 }},
		"reason":   {decisions.Filter{Reason: "ip_change"}, func(i int) bool { return i%2 == 1 }},
		"since":    {decisions.Filter{Since: noon.Add(90 * time.Second)}, func(i int) bool { return i >= 90 }},
		"several":  {decisions.Filter{Outcome: riskd.Allow, User: "u1", Since: noon.Add(time.Second)}, func(i int) bool { return i%4 == 0 && i%3 == 1 }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for i := 99; i >= 0; i-- {
				if test.want(i) {
					want = append(want, idOf(i))
				}
			}
			for _, limit := range []int{1, 7, 100, 1000} {
				var got []string
				f := test.filter
				f.Limit = limit
				for more := true; more; more = f.Cursor != "" {
					page, next, err := r.List(f)
					if err != nil {
						t.Fatal(err)
					}
					if len(page) > limit {
						t.Fatalf("a page of %d has %d", limit, len(page))
					}
					for _, k := range page {
						got = append(got, k.ID)
					}
					f.Cursor = next
				}
				if !slices.Equal(got, want) {
					t.Errorf("by %d: got %v\nwant %v", limit, got, want)
				}
			}
		})
	}
	for _, cursor := range []string{"x", "1", "1.", ".a", "x.a"} {
		if _, _, err := r.List(decisions.Filter{Cursor: cursor, Limit: 1}); err == nil {
			t.Errorf("the cursor %q is taken", cursor)
		}
	}
}

// Decisions of one time are in the order of their ids, over pages too, and one that
// was told of late stands at its time.
func TestListIsInOrder(t *testing.T) {
	t.Parallel()
	r := ring(t, 100)
	for _, i := range []int{3, 1, 2} {
		in := record(i, riskd.Allow)
		in.Decision.At = noon
		r.Record(in)
	}
	r.Record(record(9, riskd.Revoke))
	late := record(10, riskd.Allow)
	late.Decision.At = noon.Add(-time.Hour)
	r.Record(late)
	var got []string
	f := decisions.Filter{Limit: 1}
	for more := true; more; more = f.Cursor != "" {
		page, next, _ := r.List(f)
		got = append(got, page[0].ID)
		f.Cursor = next
	}
	if want := []string{idOf(9), idOf(3), idOf(2), idOf(1), idOf(10)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUsersAreForgotten(t *testing.T) {
	t.Parallel()
	r := ring(t, 100)
	for i := range 30 {
		r.Record(record(i, riskd.Allow))
	}
	if n := r.Forget("other", "u1"); n != 0 {
		t.Errorf("%d of another tenant are forgotten", n)
	}
	if n := r.Forget("acme", "u1"); n != 10 {
		t.Errorf("%d are forgotten, not 10", n)
	}
	if n := r.Forget("", ""); n != 0 {
		t.Errorf("%d empty places are forgotten", n)
	}
	if page, _, _ := r.List(decisions.Filter{Limit: 100}); len(page) != 20 || slices.ContainsFunc(page, func(k riskd.KeptDecision) bool { return k.User == "u1" }) {
		t.Errorf("left are %d", len(page))
	}
	if _, ok := r.Decision(idOf(1)); ok {
		t.Error("a forgotten decision is found")
	}
	if allowed, _ := r.Spans(); allowed.Kept != 20 {
		t.Errorf("kept are %+v", allowed)
	}
}

func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	r := ring(t, 50)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				r.Record(record(4*i+w, riskd.Outcome(1+i%3)))
				r.Decision(idOf(i))
				if i%50 == 0 {
					_, _, _ = r.List(decisions.Filter{Limit: 10})
					r.Forget("acme", "u1")
				}
			}
		})
	}
	wg.Wait()
	if allowed, others := r.Spans(); allowed.Kept > 25 || others.Kept > 25 {
		t.Errorf("kept are %+v and %+v", allowed, others)
	}
}

func BenchmarkRecord(b *testing.B) {
	r := ring(b, 10_000)
	in := record(1, riskd.Allow)
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = idOf(i)
	}
	for i := range 20_000 {
		in.Decision.ID = ids[i%1024]
		r.Record(in)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in.Decision.ID = ids[i%1024]
		r.Record(in)
	}
}

// Those who decide at the same time hardly meet.
func BenchmarkRecordInParallel(b *testing.B) {
	r := ring(b, 10_000)
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = idOf(i)
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		in := record(1, riskd.Allow)
		for i := 0; p.Next(); i++ {
			in.Decision.ID = ids[i%1024]
			r.Record(in)
		}
	})
}
