package api

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// past keeps the decisions of a test.
type past struct {
	kept   []riskd.Explanation // the newest first
	filter DecisionFilter      // of the last list
}

func (p *past) Explain(_ context.Context, id string) (riskd.Explanation, bool) {
	for _, x := range p.kept {
		if x.ID == id {
			return x, true
		}
	}
	return riskd.Explanation{}, false
}

func (p *past) List(f DecisionFilter) (page []riskd.KeptDecision, next string, err error) {
	if p.filter = f; f.Cursor == "x" {
		return nil, "", errors.New("is none of ours")
	}
	for _, x := range p.kept {
		if (f.Cursor == "" || x.ID < f.Cursor) && (f.Tenant == "" || f.Tenant == x.Tenant) {
			page = append(page, x.KeptDecision)
		}
	}
	if len(page) > f.Limit {
		return page[:f.Limit], page[f.Limit-1].ID, nil
	}
	return page, "", nil
}

func (p *past) Spans() (allowed, others DecisionSpan) {
	for _, x := range p.kept {
		s := &others
		if x.Outcome == riskd.Allow {
			s = &allowed
		}
		s.Kept++
		s.Oldest = x.At
	}
	return allowed, others
}

// someExplanation has everything in it.
func someExplanation() riskd.Explanation {
	rule := &riskd.Rule{Code: "new_country", Title: "New country", Severity: "high", File: "new_country.rego", Line: 21}
	reason := riskd.Reason{Code: "new_country", Signal: "new_country", Nats: 5.301, Points: 63, ClearsWith: []string{"mfa"}, Rule: rule}
	step := someSession(1).StepUp
	return riskd.Explanation{
		KeptDecision: riskd.KeptDecision{
			Decision: riskd.Decision{
				ID: "d2", EventID: "e1", At: noon, Session: riskd.SessionID{1}, Outcome: riskd.StepUpNeeded, Score: 63, Level: riskd.Medium,
				Reasons: []riskd.Reason{reason}, StepUp: step, Expires: riskd.Expiry{IdleAt: noon.Add(time.Hour)}, Pack: "default", Revision: "r1",
				Degraded: []string{"geo_city_missing"}, Missing: []string{"device_change"}, UserText: "Is it you?", AdminText: "country FR → US",
			},
			Weighing: riskd.Weighing{Answer: riskd.StepUpNeeded, Hold: riskd.HoldPending},
			Tenant:   "shop", User: "u1", Device: "d1", Method: "GET", Route: "/orders/{id}", Class: riskd.ClassSensitive,
			Here: riskd.Context{Prefix: riskd.PrefixOf(trusted[0].Addr()), ASN: 64500, Country: riskd.CountryOf("US")}, Network: riskd.NetworkMobile,
			Took: 1500 * time.Microsecond,
		},
		Explained: "r1",
		Reasons: []riskd.ExplainedReason{{
			Reason: reason, Fired: true, FiredAt: noon.Add(-90 * time.Second), FiredNats: 6.1, HalfLife: 4 * time.Hour, Before: 1, GroupCap: 1.8, Taken: 0.005,
			Reading: &riskd.ExplainedReading{Signal: "new_country", Value: 1, Nats: 6.104, Unit: "1 or 0", Details: []riskd.ExplainedDetail{
				{Name: "from", IsText: true, Text: "FR"}, {Name: "gap_s", Number: 60},
			}},
		}, {Reason: riskd.Reason{Code: "odd", Nats: math.NaN(), Invariant: true}}},
		Sums:   []riskd.ExplainedSum{{Channel: riskd.ChannelIdentity, Before: 1, Added: 4.3, Relief: 0.2, Capped: 0.1, Nats: 5, Cap: 25, HalfLife: 4 * time.Hour}},
		Alarms: []riskd.Alarm{{Name: "request", Nats: 6.5, StepUp: 6, Revoke: 10, Score: 63.125, Decided: true}},
		Counterfactual: &riskd.Counterfactual{
			Complete: true, None: "step_up_pending", Why: "it waits", Policy: [][]string{{"new_country"}}, Asked: 3,
		},
	}
}

func TestExplainDecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	x := someExplanation()
	h.past.kept = []riskd.Explanation{x}
	const head = `{"decision_id":"d2","event_id":"e1","at":"2026-11-21T12:00:00Z","session":"s_04000000000000000000000000","tenant":"shop","user":"u1","device":"d1",` +
		`"decision":"step_up","score":63,"level":"MEDIUM",`
	const rest = `"request":{"method":"GET","route":"/orders/{id}","class":"sensitive"},` +
		`"network":{"prefix":"10.0.0.0/24","asn":64500,"country":"US","kind":"mobile"},"policy":{"pack":"default","revision":"r1","answer":"step_up"},` +
		`"state":{"source":"fresh","hold":"step_up_pending","degraded":["geo_city_missing"],"missing_signals":["device_change"]},"took_s":0.0015,` +
		`"reason_user":{"en":"Is it you?"},"reason_admin":{"en":"country FR → US"}`
	const want = head + rest + `,"explained_with":"r1",` +
		`"reasons":[{"code":"new_country","title":"New country","severity":"high","points":63,"nats":5.3,"found_nats":0,"before_nats":1,"group_cap_nats":1.8,"taken_nats":0.01,` +
		`"fired":true,"fired_at":"2026-11-21T11:58:30Z","fired_nats":6.1,"age_s":90,"half_life_s":14400,"group":"network","channel":"identity","clears_with":["mfa"],` +
		`"rule":{"file":"new_country.rego","line":21},"reading":{"signal":"new_country","value":1,"nats":6.1,"unit":"1 or 0","details":{"from":"FR","gap_s":60}}},` +
		`{"code":"odd","title":"odd","points":0,"nats":0,"found_nats":0,"before_nats":0,"group_cap_nats":0,"taken_nats":0,"fired":false,` +
		`"group":"network","channel":"identity","invariant":true,"clears_with":[]}],` +
		`"sums":[{"channel":"identity","before_nats":1,"added_nats":4.3,"relief_nats":0.2,"capped_nats":0.1,"nats":5,"cap_nats":25,"half_life_s":14400}],` +
		`"alarms":[{"name":"request","nats":6.5,"step_up_nats":6,"revoke_nats":10,"score":63.1,"decided":true}],` +
		`"step_up":{"id":"su_1","acr_values":["aal2"],"amr_values":[],"max_age":300,"clears":["new_country"],"issued_at":"2026-11-21T12:00:00Z","expires_at":"2026-11-21T12:10:00Z","attempts_left":2},` +
		`"expires":{"idle_at":"2026-11-21T13:00:00Z"},` +
		`"counterfactual":{"sets":[],"complete":true,"none":"step_up_pending","why":"it waits","policy_sets":[["new_country"]],"asked":3}}`
	if w := send(h.admin, request("GET", "/v1/decisions/d2", "")); w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
	const list = `{"decisions":[` + head + `"reasons":[{"code":"new_country","points":63}],` + rest + `}]}`
	if w := send(h.admin, request("GET", "/v1/decisions", "")); w.Code != 200 || w.Body.String() != list {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, list)
	}
	if w := send(h.gateway, request("GET", "/v1/decisions", "")); w.Code != 405 {
		t.Errorf("a gateway is given %d %s", w.Code, w.Body)
	}
}

// What isn't kept is answered with what is, and without the id, which may be
// anything.
func TestDecisionIsNotKept(t *testing.T) {
	t.Parallel()
	x, y := someExplanation(), someExplanation()
	y.ID, y.Outcome, y.At = "d1", riskd.Allow, noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		kept []riskd.Explanation
		want string
	}{
		"nothing": {nil, "no decision of that id, nor any other"},
		"allowed": {[]riskd.Explanation{y}, "the last 1, since 2026-11-21T11:00:00Z, that let pass, and there were no others"},
		"others":  {[]riskd.Explanation{x}, "the last 1, since 2026-11-21T12:00:00Z, that let nothing pass; of older ones"},
		"both":    {[]riskd.Explanation{x, y}, "that let nothing pass, and the last 1, since 2026-11-21T11:00:00Z, that did; of older ones the audit log"},
	} {
		h := newHouse(t)
		h.past.kept = c.kept
		w := send(h.admin, request("GET", "/v1/decisions/secret", ""))
		if w.Code != 404 || !strings.Contains(w.Body.String(), c.want) || strings.Contains(w.Body.String(), "secret") ||
			!strings.Contains(w.Body.String(), "/problems/unknown-decision") {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

func TestListDecisions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, id := range []string{"d5", "d4", "d3", "d2", "d1"} {
		x := someExplanation()
		x.ID = id
		h.past.kept = append(h.past.kept, x)
	}
	list := func(query string) (ids, next string) {
		t.Helper()
		w := send(h.admin, request("GET", "/v1/decisions?"+query, ""))
		var page struct {
			Decisions []struct {
				ID string `json:"decision_id"`
			}
			Next string
		}
		if err := stdjson.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s gives %d %s", query, w.Code, w.Body)
		}
		for _, d := range page.Decisions {
			ids += d.ID + " "
		}
		return ids, page.Next
	}
	ids, next := list("limit=2")
	for next != "" {
		var more string
		more, next = list("limit=2&cursor=" + next)
		ids += ", " + more
	}
	if ids != "d5 d4 , d3 d2 , d1 " {
		t.Errorf("the pages are %q", ids)
	}
	list("session=" + riskd.SessionID{3}.String() + "&tenant=t&user=u&decision=step_up&reason=new_country&since=2026-11-21T11:00:00Z&limit=7&cursor=d9")
	if want := (DecisionFilter{riskd.SessionID{3}, "t", "u", riskd.StepUpNeeded, "new_country", noon.Add(-time.Hour), "d9", 7}); h.past.filter != want {
		t.Errorf("the filter is %+v", h.past.filter)
	}
	for query, detail := range map[string]string{
		"session=secret":   "session: must be a session's reference, s_ and 26 characters",
		"decision=refuse":  "decision: must be one of allow, step_up, revoke",
		"since=yesterday":  "since: must be a time such as 2026-11-21T14:02:00Z",
		"limit=0":          "limit: must be 1 to 1000",
		"device=d":         "known here are session, tenant, user, decision, reason, since, cursor, limit",
		"reasons=x":        "did you mean reason?",
		"user=a&user=b":    "user: is given 2 times",
		"cursor=x":         "cursor: is none of ours",
		"decision=allow%s": "",
	} {
		w := send(h.admin, request("GET", "/v1/decisions?"+query, ""))
		if w.Code != 400 || !strings.Contains(w.Body.String(), detail) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s gives %d %s", query, w.Code, w.Body)
		}
	}
}
