package signals_test

import (
	"testing"

	"github.com/riskd/riskd"
)

func TestBindingFailure(t *testing.T) {
	t.Parallel()
	key := riskd.Binding{Type: "dpop", Thumbprint: "ana's", Verified: true}
	for name, c := range map[string]struct {
		bound, now riskd.Binding
		class      riskd.Class
		value      float64
		missing    string
	}{
		"same key":             {key, key, riskd.ClassStandard, 0, ""},
		"key not told":         {key, riskd.Binding{Type: "dpop", Verified: true}, riskd.ClassStandard, 0, ""},
		"no proof":             {key, riskd.Binding{}, riskd.ClassStandard, 1, ""},
		"proof not valid":      {key, riskd.Binding{Type: "dpop", Thumbprint: "ana's"}, riskd.ClassStandard, 1, ""},
		"other key":            {key, riskd.Binding{Type: "dpop", Thumbprint: "other", Verified: true}, riskd.ClassStandard, 2, ""},
		"other key, other way": {key, riskd.Binding{Type: "mtls", Thumbprint: "other", Verified: true}, riskd.ClassStandard, 2, ""},
		"other key, not valid": {key, riskd.Binding{Type: "dpop", Thumbprint: "other"}, riskd.ClassOpen, 1, ""},
		"no proof for assets":  {key, riskd.Binding{}, riskd.ClassOpen, 0, "binding"},
		"never bound":          {riskd.Binding{}, riskd.Binding{}, riskd.ClassStandard, 0, "binding"},
		"not bound yet":        {riskd.Binding{}, key, riskd.ClassStandard, 0, "binding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			w.Session.Binding, w.Event.Session.Binding, w.Event.Request.Class = c.bound, c.now, c.class
			f := w.read("binding_failure")
			if c.missing != "" {
				wantMissing(t, f, c.missing)
				return
			}
			want(t, f, c.value, 0)
			if f.texts["bound"] != c.bound.Type || f.texts["presented"] != c.now.Type {
				t.Errorf("details are %v", f.texts)
			}
		})
	}
}
