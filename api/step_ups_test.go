package api

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// suID is the id of the challenge that someSession waits for.
const suID = "su_1"

func TestAnswerStepUp(t *testing.T) {
	t.Parallel()
	const ref = `"session":"s_04000000000000000000000000"`
	active := func(s *riskd.Session) { s.Status, s.StepUp, s.Failures = riskd.StatusActive, nil, 0 }
	cases := map[string]struct {
		body    string
		session func(*riskd.Session) // as the answer has left it
		err     error
		status  int
		answer  string
	}{
		"passed": {`{"result":"passed"}`, active, nil, 200, `{` + ref + `,"status":"active","result":"passed"}`},
		"failed": {`{"result":"failed"}`, nil, nil, 200, `{` + ref + `,"status":"step_up","result":"failed","attempts_left":2}`},
		"failed, as not proved": {
			`{"result":"failed"}`, nil, riskd.ErrNotProved, 200, `{` + ref + `,"status":"step_up","result":"failed","attempts_left":2}`,
		},
		"failed what one action asked for": {`{"result":"failed"}`, func(s *riskd.Session) {
			s.Status, s.Asked, s.StepUp = riskd.StatusActive, s.StepUp, nil
		}, nil, 200, `{` + ref + `,"status":"active","result":"failed","attempts_left":2}`},
		"failed for the last time": {`{"result":"failed"}`, func(s *riskd.Session) { s.Status = riskd.StatusRevoked }, nil, 200, `{` + ref + `,"status":"revoked","result":"failed","attempts_left":0}`},
		"failed and suspended":     {`{"result":"failed"}`, func(s *riskd.Session) { s.Status = riskd.StatusSuspended }, nil, 200, `{` + ref + `,"status":"suspended","result":"failed","attempts_left":0}`},
		"another's": {
			`{"result":"passed"}`, nil, riskd.ErrUnknownStepUp, 404,
			`{"type":"https://riskd.dev/problems/unknown-step-up","title":"Unknown step-up","status":404,"detail":"no session waits for that step-up`,
		},
		"too late": {`{"result":"passed"}`, nil, riskd.ErrSessionOver, 409, `{"type":"https://riskd.dev/problems/session-over","title":"Session over","status":409`},
		"not proved": {
			`{"result":"passed"}`, nil, riskd.ErrNotProved, 409,
			`{"type":"https://riskd.dev/problems/not-proved","title":"Not proved","status":409,"detail":"the authentication is not what the step-up asks for, or too old: see step_up for what it has to be",` +
				`"step_up":{"id":"su_1","acr_values":["aal2"],"amr_values":[],"max_age":300,"clears":["new_country"],"issued_at":"2026-11-21T12:00:00Z","expires_at":"2026-11-21T12:10:00Z","attempts_left":2}}`,
		},
		"not proved for the last time": {
			`{"result":"passed"}`, func(s *riskd.Session) { s.Status, s.StepUp = riskd.StatusRevoked, nil }, riskd.ErrNotProved, 409,
			`"detail":"the authentication is not what the step-up asks for, or too old: there are no attempts left"}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			s := someSession(1)
			if c.session != nil {
				c.session(&s)
			}
			h.memory.sessions, h.memory.err = []riskd.Session{s}, c.err
			w := post(h.admin, "/v1/step-ups/"+suID, c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) {
				t.Errorf("got %d %s\nwant %s", w.Code, w.Body, c.answer)
			}
			if len(h.failures) != 0 {
				t.Errorf("told were %q", h.failures)
			}
		})
	}
}

func TestAnswerStepUpReads(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]riskd.StepUpAnswer{
		`{"result":"passed"}`: {ID: suID, Passed: true, AuthTime: noon},
		`{"result":"passed","auth_time":"2026-11-21T11:59:00Z","acr":"aal2","amr":["hwk","pin"],"actor":"idp"}`: {
			ID: suID, Passed: true, AuthTime: noon.Add(-time.Minute), ACR: "aal2", AMR: []string{"hwk", "pin"}, Actor: "idp",
		},
		`{"result":"passed","auth_time":"2026-11-21T12:01:00Z"}`: {ID: suID, Passed: true, AuthTime: noon.Add(time.Minute)},
		`{"result":"failed","actor":"idp"}`:                      {ID: suID, Actor: "idp"},
	} {
		h := newHouse(t)
		h.memory.sessions = []riskd.Session{someSession(1)}
		if w := post(h.admin, "/v1/step-ups/"+suID, body); w.Code != 200 || !reflect.DeepEqual(h.memory.answers, []riskd.StepUpAnswer{want}) {
			t.Errorf("%s gives %d %s, answered was %+v", body, w.Code, w.Body, h.memory.answers)
		}
	}
}

func TestAnswerStepUpRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for body, fault := range map[string]string{
		`{}`:                                   `result: must be passed or failed","pointer":"#/result"`,
		`{"result":"Passed"}`:                  "result: must be passed or failed",
		`{"result":true}`:                      "result: must be a string",
		`{"result":"passed","auth":1}`:         "auth: is not known",
		`{"result":"passed","amr":"hwk"}`:      "amr: must be an array of strings",
		`{"result":"passed","amr":["hwk",""]}`: "amr[1]: must be 1 to 256 bytes long",
		`{"result":"passed","amr":[` + strings.Repeat(`"a",`, 64) + `"a"]}`:          "amr: has 65 entries; the limit is 64",
		`{"result":"passed","acr":"` + long + `"}`:                                   "acr: is 257 bytes long",
		`{"result":"passed","actor":"` + long + `"}`:                                 "actor: is 257 bytes long",
		`{"result":"passed","auth_time":"2026-11-21T12:01:00.001Z"}`:                 "auth_time: is more than 60 s ahead of riskd's clock",
		`{"result":"failed","auth_time":"2026-11-21T13:00:00Z"}`:                     "auth_time: is more than 60 s ahead of riskd's clock",
		`{"result":"passed","auth_time":1764000000}`:                                 "auth_time: must be an RFC 3339 time",
		`{"result":"passed","result":"failed"}`:                                      "result: is given twice",
		`{"result":"raw-1","auth_time":"2027-11-21T13:00:00Z","acr":"` + long + `"}`: "result: must be passed or failed (and 2 more, see errors)",
	} {
		h := newHouse(t)
		h.memory.sessions = []riskd.Session{someSession(1)}
		w := post(h.admin, "/v1/step-ups/"+suID, body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"detail":"`+fault) || strings.Contains(w.Body.String(), "raw-1") || len(h.memory.answers) > 0 {
			t.Errorf("%s gives %d %s", body, w.Code, w.Body)
		}
	}
	h := newHouse(t)
	if w := post(h.admin, "/v1/step-ups/su_1?result=passed", `{"result":"passed"}`); w.Code != 400 {
		t.Errorf("a parameter gives %d", w.Code)
	}
	if w := post(h.admin, "/v1/step-ups/raw-1", `{"result":"passed"}`); w.Code != 404 || strings.Contains(w.Body.String(), "raw-1") {
		t.Errorf("an id that is none gives %d %s", w.Code, w.Body)
	}
}
