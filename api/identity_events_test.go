package api

import (
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// These go through the real identity.Handler: the two rooms know each other only
// by the shape of what they say.
func TestIdentityEvent(t *testing.T) {
	t.Parallel()
	const ref = "s_04000000000000000000000000"
	raw := testKey(t).ID("shop", "raw-1")
	cases := map[string]struct {
		body    string
		actions string
		at      time.Time
	}{
		"user": {
			`{"id":"e1","type":"password_reset","time":"2026-11-21T11:00:00Z","user":"u1","reason":"phished","actor":"idp"}`,
			`[{"action":"revoke_user","target":{"user":"u1"},"epoch":1},{"action":"drop_trust","target":{"user":"u1"},"epoch":2}]`, noon.Add(-time.Hour),
		},
		"user and device": {
			`{"id":"e1","type":"user_enabled","user":"u1","device":"d1"}`,
			`[{"action":"resume","target":{"user":"u1"},"epoch":1},{"action":"resume","target":{"device":"d1"},"epoch":2}]`, noon,
		},
		"session": {
			`{"id":"e1","type":"logout","session":"` + ref + `","time":"2026-11-21T13:00:00Z"}`,
			`[{"action":"revoke_session","target":{"session":"` + ref + `"},"epoch":1}]`, noon,
		},
		"raw session": {
			`{"id":"e1","type":"logout","session_id":"raw-1","tenant":"shop"}`,
			`[{"action":"revoke_session","target":{"session":"` + raw.String() + `"},"epoch":1}]`, noon,
		},
		"nothing follows": {`{"id":"e1","type":"device_compliant","device":"d1"}`, `[]`, noon},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.memory.sessions = make([]riskd.Session, 3)
			kind := strings.Split(strings.Split(c.body, `"type":"`)[1], `"`)[0]
			want := `{"id":"e1","type":"` + kind + `","actions":` + c.actions + `,"matched":3,"repeated":false,"durable":true}`
			if c.actions == "[]" {
				want = strings.Replace(want, `"matched":3`, `"matched":0`, 1)
			}
			w := post(h.admin, "/v1/identity-events", c.body)
			if w.Code != 200 || w.Body.String() != want {
				t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
			}
			for _, e := range h.memory.epochs {
				if !e.At.Equal(c.at) || !strings.HasPrefix(e.Reason, kind) {
					t.Errorf("ordered %+v", e)
				}
			}
		})
	}
}

func TestIdentityEventToldTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const body = `{"id":"e1","type":"password_reset","user":"u1"}`
	post(h.admin, "/v1/identity-events", body)
	w := post(h.admin, "/v1/identity-events", body)
	if want := `{"id":"e1","type":"password_reset","actions":[],"matched":0,"repeated":true,"durable":true}`; w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if len(h.memory.epochs) != 2 {
		t.Errorf("%d orders were given", len(h.memory.epochs))
	}
}

func TestIdentityEventRefuses(t *testing.T) {
	t.Parallel()
	for body, fault := range map[string]string{
		`{}`:                                  "id: is required: an event that is told twice is known by it (and 1 more, see errors)",
		`{"id":"e1"}`:                         "type: is not a known type of identity event; known are password_reset,",
		`{"id":"e1","type":"password-reset"}`: `type: is not a known type of identity event; did you mean password_reset?","pointer":"#/type"`,
		`{"id":"e1","type":"raw-1"}`:          "type: is not a known type of identity event; known are",
		`{"id":"e1","type":"logout","user":"u1"}`:                                                          `session: is required: logout leads to revoke_session","pointer":"#/session"`,
		`{"id":"e1","type":"password_reset","device":"d1"}`:                                                "user: is required: password_reset leads to revoke_user",
		`{"id":"e1","type":"logout","session":"raw-1"}`:                                                    "session: must be a session's reference, s_ and 26 characters; the id that the gateway uses goes into session_id",
		`{"id":"e1","type":"logout","session_id":"raw-1","session":"` + riskd.SessionID{1}.String() + `"}`: "session: must be left out where there is a session_id",
		`{"id":"` + strings.Repeat("x", 257) + `","type":"logout"}`:                                        "id: is 257 bytes long",
		`{"id":1}`: "id: must be a string",
		`{"id":"e1","type":"logout","time":"raw-1"}`:   "time: must be an RFC 3339 time",
		`{"id":"e1","type":"logout","sesion":"raw"}`:   "sesion: is not known; did you mean session?",
		`{"id":"e1","type":"logout","subject":{}}`:     "subject: is not known",
		`{"id":"e1","type":"logout","id":"e2"}`:        "id: is given twice",
		`[{"id":"e1","type":"logout","user":"raw-1"}]`: "document: must be an object",
	} {
		h := newHouse(t)
		w := post(h.admin, "/v1/identity-events", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"detail":"`+fault) || strings.Contains(w.Body.String(), "raw-1") || len(h.memory.epochs) > 0 {
			t.Errorf("%s gives %d %s\nwant %s", body, w.Code, w.Body, fault)
		}
	}
}
