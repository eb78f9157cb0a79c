package signals

import (
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

func unmeasured(*Input, riskd.Cell) (riskd.Reading, riskd.Cell) { return riskd.Reading{}, riskd.Cell{} }

func described(name string, memory bool) riskd.Signal {
	return riskd.Signal{Name: name, Doc: "doc", Value: "value", Memory: memory}
}

func TestCellsAreNumberedInNameOrder(t *testing.T) {
	t.Parallel()
	var c []Signal
	var err error
	for _, s := range []riskd.Signal{described("c", true), described("a", true), described("b_9", false)} {
		if c, err = insert(c, s, unmeasured); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []Signal{{Signal: described("a", true), Cell: 0}, {Signal: described("b_9", false), Cell: -1}, {Signal: described("c", true), Cell: 1}} {
		if c[i].Name != want.Name || c[i].Cell != want.Cell {
			t.Errorf("place %d: %s with cell %d; want %s with cell %d", i, c[i].Name, c[i].Cell, want.Name, want.Cell)
		}
	}
}

func TestMistakesInADescriptionPanic(t *testing.T) {
	t.Parallel()
	with := func(change func(*riskd.Signal)) riskd.Signal {
		s := described("fresh_signal", false)
		change(&s)
		return s
	}
	detail := func(names ...string) riskd.Signal {
		return with(func(s *riskd.Signal) {
			for _, n := range names {
				s.Details = append(s.Details, riskd.Detail{Name: n, Doc: "doc"})
			}
		})
	}
	for name, c := range map[string]struct {
		signal  riskd.Signal
		measure measure
		says    string
	}{
		"duplicate":        {described("new_country", false), unmeasured, `"new_country": is in the catalogue already`},
		"capital":          {described("NewCountry", false), unmeasured, "lower-case"},
		"digit first":      {described("2fa", false), unmeasured, "a letter first"},
		"empty name":       {described("", false), unmeasured, "lower-case"},
		"no function":      {described("fresh_signal", false), nil, "no function"},
		"no doc":           {with(func(s *riskd.Signal) { s.Doc = "" }), unmeasured, "needs a Doc"},
		"no value":         {with(func(s *riskd.Signal) { s.Value = "" }), unmeasured, "needs a Doc and a Value"},
		"too many details": {detail("a", "b", "c", "d", "e", "f", "g", "h", "i"), unmeasured, "has 9 details; a reading holds 8"},
		"reserved detail":  {detail("nats"), unmeasured, `detail "nats": the reading has`},
		"twice a detail":   {detail("a", "a"), unmeasured, `detail "a": the reading has`},
		"bad detail":       {detail("a-b"), unmeasured, `detail "a-b": name must`},
		"detail no doc":    {with(func(s *riskd.Signal) { s.Details = []riskd.Detail{{Name: "a"}} }), unmeasured, `detail "a": needs a Doc`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := len(catalogue)
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, c.says) {
					t.Errorf("panicked with %q; want it to say %q", said, c.says)
				}
				if len(catalogue) != before {
					t.Error("the catalogue has grown")
				}
			}()
			add(c.signal, c.measure)
		})
	}
}
