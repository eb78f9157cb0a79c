package api

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// trials answers what a test wants; the real ones are tried in cmd/riskd.
type trials struct {
	err                        error
	order                      riskd.ShadowOrder
	ended, promoted, confirmed string
	forced                     bool
	actor, reason              string
}

func (t *trials) report() riskd.ShadowReport {
	r := riskd.ShadowReport{
		Name: "next", Pack: "default", Revision: "r2", Rate: 0.5, Budget: 0.25, Added: noon, Expires: noon.Add(time.Hour),
		LivePack: "default", LiveRevision: "r1", Decisions: 4, Differing: 1, Sessions: 2, Affected: 1,
		Errors: map[string]uint64{"policy_timeout": 2}, Dropped: 3, Refused: []string{"it has judged 4 decisions"},
		Took: riskd.Quantiles{P50: 1500 * time.Nanosecond, P99: time.Millisecond, Max: time.Second},
		Examples: []riskd.Disagreement{{
			Session: riskd.SessionID{1}, Decision: "01JD", Time: noon,
			Live:   riskd.Opinion{Outcome: riskd.Allow, Score: 3},
			Shadow: riskd.Opinion{Outcome: riskd.Revoke, Score: 90, Reasons: []string{"new_country"}},
		}},
	}
	r.Matrix.Count(riskd.Allow, riskd.Revoke)
	return r
}

func (t *trials) Try(o riskd.ShadowOrder, _ time.Time) (riskd.ShadowReport, error) {
	t.order = o
	return t.report(), t.err
}

func (t *trials) Reports(time.Time) []riskd.ShadowReport {
	_ = t.err // a house that is broken has none
	return []riskd.ShadowReport{t.report()}
}

func (t *trials) Report(name string, _ time.Time) (riskd.ShadowReport, bool) {
	_ = t.err
	return t.report(), name == "next"
}

func (t *trials) End(name string) bool {
	t.ended = name
	return true
}

func (t *trials) Promote(name string, force bool, actor, reason string, _ time.Time) (riskd.ShadowReport, error) {
	t.promoted, t.forced, t.actor, t.reason = name, force, actor, reason
	return t.report(), t.err
}

func (t *trials) Confirm(revision, actor, reason string) error {
	t.confirmed, t.actor, t.reason = revision, actor, reason
	return t.err
}

func TestShadows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	w := send(h.admin, request("GET", "/v1/policy/shadows/next", ""))
	for _, want := range []string{
		`"verdict":"refuse","against":["it has judged 4 decisions"]`, `"disagreement":0.25`,
		`"matrix":{"allow":{"allow":0,"step_up":0,"revoke":1},`, `"took":{"p50_us":1.5,"p99_us":1000,"max_us":1000000}`,
		`"shadow":{"decision":"revoke","score":90,"reasons":["new_country"]}`, `"live":{"pack":"default","revision":"r1"}`,
	} {
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d %s\nlacks %s", w.Code, w.Body, want)
		}
	}
	post(h.admin, "/v1/policy/shadows", `{"name":"n","pack":"p","sample_rate":0.5,"disagreement_budget":0.1,"expires":"2026-11-28T00:00:00Z","inline":true}`)
	if o := h.trials.order; o.Name != "n" || o.Pack != "p" || o.Rate != 0.5 || o.Budget != 0.1 || o.Expires.Day() != 28 || !*o.Inline {
		t.Errorf("ordered %+v", o)
	}
	post(h.admin, "/v1/policy/shadows/n/promote", `{"force":true,"actor":"ann","reason":"why"}`)
	if h.trials.promoted != "n" || !h.trials.forced || h.trials.actor != "ann" || h.trials.reason != "why" {
		t.Errorf("promoted %+v", h.trials)
	}
	post(h.admin, "/v1/policy/confirm", `{"revision":"r2","actor":"bo","reason":"because"}`)
	if h.trials.confirmed != "r2" || h.trials.actor != "bo" || h.trials.reason != "because" {
		t.Errorf("confirmed %+v", h.trials)
	}
	// Nobody puts anything in force without saying who he is and why.
	*h.trials = trials{}
	for _, path := range []string{"/v1/policy/shadows/n/promote", "/v1/policy/confirm"} {
		if w := post(h.admin, path, `{}`); w.Code != 400 || !strings.Contains(w.Body.String(), "actor: is required") {
			t.Errorf("%s by nobody: %d %s", path, w.Code, w.Body)
		}
	}
	if h.trials.promoted+h.trials.confirmed != "" {
		t.Error("nobody has put something in force")
	}
}

// Finding out whether a pack is good enough may take longer than other answers do.
func TestTrialOutlastsTheWriteTimeout(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(newHouse(t).admin)
	server.WriteTimeout = 1 // over before any answer
	t.Cleanup(func() { server.Close() })
	go server.Serve(listener)
	r, err := http.Post("http://"+listener.Addr().String()+"/v1/policy/shadows", "application/json", strings.NewReader(trying))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(r.Body)
		t.Errorf("%s: %s", r.Status, text)
	}
}
