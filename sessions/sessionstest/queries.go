package sessionstest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func copiesShareNothing(t *testing.T, s tested) {
	s.Update(event(1, with{user: "ada"}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		fill(reflect.ValueOf(in).Elem())
		in.ID, in.Tenant, in.User, in.Status = id(1), "", "ada", riskd.StatusActive
		return riskd.Lesson{}
	})
	page, _, err := s.List(Filter{User: "ada"})
	if err != nil || len(page) != 1 {
		t.Fatalf("listed %d, %v", len(page), err)
	}
	other := see(s, noon, event(2, with{previous: 1}))
	live := find(t, s, 1)
	for name, c := range map[string]riskd.Session{"listed": page[0], "rotated": other, "again": find(t, s, 1)} {
		for _, where := range shared(reflect.ValueOf(live), reflect.ValueOf(c), "") {
			t.Errorf("%s shares %s", name, where)
		}
	}
	if !reflect.DeepEqual(find(t, s, 1).Identity, page[0].Identity) || len(live.Identity.Open) == 0 {
		t.Error("a copy differs")
	}
}

// constant are the types whose values never change, once they are in a session.
var constant = []reflect.Type{
	reflect.TypeFor[time.Time](), reflect.TypeFor[*riskd.Rule](), reflect.TypeFor[*riskd.Epoch](), reflect.TypeFor[[]riskd.Moment](),
}

// fill gives every slice an entry and every pointer a target.
func fill(v reflect.Value) {
	switch {
	case slices.Contains(constant, v.Type()):
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	}
}

// shared finds the memory that two sessions share and that may change.
func shared(a, b reflect.Value, path string) (found []string) {
	switch {
	case slices.Contains(constant, a.Type()):
		return nil
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			found = append(found, shared(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name)...)
		}
	case a.Kind() == reflect.Slice && a.Len() > 0 && b.Len() > 0:
		if a.Pointer() == b.Pointer() {
			found = []string{path}
		}
		found = append(found, shared(a.Index(0), b.Index(0), path+"[0]")...)
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		if a.Pointer() == b.Pointer() {
			found = []string{path}
		}
		found = append(found, shared(a.Elem(), b.Elem(), path)...)
	}
	return found
}

func listsAreFiltered(t *testing.T, s tested) {
	active, waiting, over := riskd.StatusActive, riskd.StatusStepUp, riskd.StatusRevoked
	for n := range 12 {
		e := event(n, with{tenant: []string{"a", "b"}[n%2], user: []string{"u", "v", "w"}[n%3], device: fmt.Sprint("d", n%4)})
		see(s, noon, e)
		if n >= 8 {
			s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.Status = waiting
				return riskd.Lesson{}
			})
		}
	}
	s.Revoke(riskd.Target{Kind: riskd.TargetUser, Tenant: "a", ID: "u"}, after(time.Hour), "", "") // 0 and 6
	// The session comes after its revocation, and is over all the same.
	s.Revoke(riskd.Target{Kind: riskd.TargetDevice, Tenant: "c", ID: "d"}, after(time.Hour), "", "")
	see(s, noon, event(12, with{tenant: "c", device: "d"}))
	for name, test := range map[string]struct {
		filter Filter
		want   []int
	}{
		"all":         {Filter{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		"a tenant":    {Filter{Tenant: "a"}, []int{0, 2, 4, 6, 8, 10}},
		"a user":      {Filter{User: "v"}, []int{1, 4, 7, 10}},
		"a device":    {Filter{Device: "d3"}, []int{3, 7, 11}},
		"active":      {Filter{Status: &active}, []int{1, 2, 3, 4, 5, 7}},
		"waiting":     {Filter{Status: &waiting}, []int{8, 9, 10, 11}},
		"revoked":     {Filter{Status: &over}, []int{0, 6, 12}},
		"all of that": {Filter{Tenant: "a", User: "w", Device: "d0", Status: &waiting}, []int{8}},
		"nothing":     {Filter{Tenant: "d"}, nil},
	} {
		page, next, err := s.List(test.filter)
		if err != nil || next != "" {
			t.Errorf("%s: next %q, %v", name, next, err)
		}
		var got []int
		for _, in := range page {
			got = append(got, int(in.ID[7])-1)
			if test.filter.Status != nil && in.Status != *test.filter.Status {
				t.Errorf("%s: session %d is %s", name, in.ID[7]-1, in.Status)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func listsComeInPages(t *testing.T, s tested) {
	const n = 2500
	for i := range n {
		see(s, noon, event(i, with{}))
	}
	for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
		if page, _, _ := s.List(Filter{Limit: limit}); len(page) != want {
			t.Errorf("limit %d: %d on the page, want %d", limit, len(page), want)
		}
	}
	for _, limit := range []int{1, 7, 500, 833, 1000} {
		var refs []string
		f := Filter{Limit: limit}
		for {
			if limit == 1 && len(refs) == 20 {
				break // that will do
			}
			page, next, err := s.List(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range page {
				refs = append(refs, in.ID.String())
			}
			if next == "" {
				break
			}
			f.Cursor = next
			// Coming and going besides doesn't move the others.
			see(s, noon, event(n+len(refs), with{}))
		}
		if !slices.IsSortedFunc(refs, strings.Compare) || len(slices.Compact(slices.Clone(refs))) != len(refs) {
			t.Errorf("limit %d: not in order, or twice", limit)
		}
		for i := range min(n, len(refs)) {
			if refs[i] != id(i).String() {
				t.Fatalf("limit %d: place %d has another session", limit, i)
			}
		}
		if limit > 1 && len(refs) < n {
			t.Errorf("limit %d: %d of %d listed", limit, len(refs), n)
		}
	}
	for _, cursor := range []string{"x", "s_", "s_0000000000000000000000000I", "1"} {
		if _, _, err := s.List(Filter{Cursor: cursor}); err == nil {
			t.Errorf("cursor %q is taken", cursor)
		}
	}
}
