//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOPAHasToAgree(t *testing.T) {
	t.Parallel()
	said := seen{document: []byte(`{}`), codes: []string{"a", "b"}, decision: "step_up"}
	for name, c := range map[string]struct{ answer, want string }{
		"agrees":           {`{"result":{"decision":"step_up","reasons":[{"code":"b"},{"code":"a"}]}}`, ""},
		"another decision": {`{"result":{"decision":"allow","reasons":[{"code":"a"},{"code":"b"}]}}`, "says allow"},
		"a reason missing": {`{"result":{"decision":"step_up","reasons":[{"code":"a"}]}}`, "for a, riskd"},
		"undefined":        {`{}`, "riskd says step_up for a b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(c.answer))
			}))
			defer server.Close()
			err := agrees(t.Context(), server.URL, said)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got error %v; want one with %q", err, c.want)
			}
		})
	}
}
