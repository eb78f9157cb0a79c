package api

import (
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// tight is a brake that lets nothing pass; the real one is tried in cmd/riskd.
type tight struct{}

func (tight) Order(*riskd.Epoch) *riskd.Braked {
	return &riskd.Braked{What: "sessions", Matched: 30, Of: 40, Limit: 0.02}
}

func (tight) IdentityEvent(*riskd.IdentityEvent, time.Time) *riskd.Braked {
	return &riskd.Braked{What: "users", Matched: 30, Of: 40, Limit: 0.02, After: 41500 * time.Millisecond}
}

func TestBraked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.Brake = tight{} })
	const order = `{"target":{"tenant":"shop"},"actor":"ann"`
	w := post(h.admin, "/v1/revocations", order+`}`)
	want := `"type":"https://riskd.dev/problems/braked","title":"Braked","status":409,"detail":"30 of 40 live sessions would be met, and more than 2 % need somebody to answer for it: nothing was done; ` +
		`look at it with \"preview\": true, and give it again with \"confirm\": true and an actor","matched":30,"share":0.75}`
	if w.Code != 409 || !strings.HasSuffix(w.Body.String(), want) || w.Header().Get("Retry-After") != "" {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
	w = post(h.admin, "/v1/identity-events", telling)
	if w.Code != 429 || w.Header().Get("Retry-After") != "42" || !strings.Contains(w.Body.String(), `30 of 40 live users`) {
		t.Errorf("got %d, Retry-After %s, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	// Nobody confirms anything without a name.
	for path, body := range map[string]string{
		"/v1/revocations": `{"target":{"tenant":"shop"},"confirm":true}`, "/v1/identity-events": `{"id":"e1","type":"user_enabled","user":"u1","confirm":true}`,
	} {
		if w := post(h.admin, path, body); w.Code != 400 || !strings.Contains(w.Body.String(), "actor: is required with confirm") {
			t.Errorf("%s by nobody: %d %s", path, w.Code, w.Body)
		}
	}
	if len(h.memory.epochs) > 0 {
		t.Errorf("ordered %+v", h.memory.epochs)
	}
	if w := post(h.admin, "/v1/revocations", order+`,"preview":true}`); w.Code != 200 {
		t.Errorf("a preview is braked: %d %s", w.Code, w.Body)
	}
	if w := post(h.admin, "/v1/revocations", order+`,"confirm":true}`); w.Code != 200 || len(h.memory.epochs) != 1 {
		t.Errorf("confirmed: %d %s", w.Code, w.Body)
	}
}
