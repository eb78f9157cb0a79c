package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// followed gives what a follower is told who hangs up once he is up to date.
func (h *house) followed(t *testing.T, lastID string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/v1/revocations/stream", nil)
	hangUp(r)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	w := send(h.gateway, r)
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

func TestStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := noon.Add(time.Millisecond)
	one, two := riskd.SessionID{1}, riskd.SessionID{2}
	h.memory.epochs = []riskd.Epoch{{Target: riskd.Target{Kind: riskd.TargetUser, Tenant: "shop", ID: "u1"}, Number: 7, At: at, Reason: "secret", Actor: "secret"}}
	id := func(n string) string { return "id: 01JD0000000000000000000000-" + n + "\n" }
	order := `"effect":"revoke","target":"user","tenant":"shop","user":"u1","at":"2026-11-21T12:00:00.001Z"}` + "\n\n"
	current := "event: current\n" + id("88130") + `data: {"epoch":88130}` + "\n\n"
	begin := "event: reset\nid:\n" + `data: {"epoch":88130}` + "\n\nevent: order\nid:\ndata: {\"epoch\":7," + order + current
	for _, lastID := range []string{"", "01JD0000000000000000000000-88129", "01JD0000000000000000000000-88131", "01JD0000000000000000000001-88130", "88130", "x-y", "-"} {
		if got := h.followed(t, lastID); got != begin {
			t.Errorf("after %q:\n%s\nwant\n%s", lastID, got, begin)
		}
	}
	if got := h.followed(t, "01JD0000000000000000000000-88130"); got != current {
		t.Errorf("goes on:\n%s", got)
	}
	predicate := &riskd.Predicate{ASN: 64500, Role: "secret"}
	for i, n := range []riskd.Notice{
		{Order: riskd.Epoch{Effect: riskd.EffectSuspend, Target: riskd.Target{Kind: riskd.TargetSession, Session: one}, At: at}, Sessions: []riskd.SessionID{two, one}},
		{Order: riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetPredicate, Predicate: predicate}, At: at}},
		{Order: riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetDevice, ID: `d"1`}, At: at}},
		{Kind: riskd.NoticeLifted, Order: riskd.Epoch{Number: 88132}},
		{Kind: riskd.NoticeSession, Sessions: []riskd.SessionID{one}, Status: riskd.StatusStepUp},
		{Kind: riskd.NoticeAll},
	} {
		n.Number = 88131 + uint64(i)
		h.notices.Tell(n)
	}
	want := "event: order\n" + id("88131") + `data: {"epoch":88131,"effect":"suspend","target":"session","tenant":"","at":"2026-11-21T12:00:00.001Z","sessions":["` + two.String() + `","` + one.String() + `"]}` + "\n\n" +
		"event: order\n" + id("88132") + `data: {"epoch":88132,"effect":"revoke","target":"predicate","tenant":"","at":"2026-11-21T12:00:00.001Z"}` + "\n\n" +
		"event: order\n" + id("88133") + `data: {"epoch":88133,"effect":"revoke","target":"device","tenant":"","device":"d\"1","at":"2026-11-21T12:00:00.001Z"}` + "\n\n" +
		"event: lifted\n" + id("88134") + `data: {"epoch":88134,"lifted":88132}` + "\n\n" +
		"event: session\n" + id("88135") + `data: {"epoch":88135,"sessions":["` + one.String() + `"],"status":"step_up"}` + "\n\n" +
		"event: all\n" + id("88136") + `data: {"epoch":88136}` + "\n\n" +
		strings.ReplaceAll(current, "88130", "88136")
	got := h.followed(t, "01JD0000000000000000000000-88130")
	if got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(begin+got, "secret") {
		t.Error("gateways are told what isn't for them")
	}
}

// stuck takes nothing in.
type stuck struct{ *httptest.ResponseRecorder }

func (stuck) Write([]byte) (int, error)          { return 0, os.ErrDeadlineExceeded }
func (stuck) SetWriteDeadline(time.Time) error   { return nil }
func (stuck) SetReadDeadline(at time.Time) error { return nil }

func TestSlowFollowersAreCut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.gateway.ServeHTTP(stuck{httptest.NewRecorder()}, httptest.NewRequest("GET", "/v1/revocations/stream", nil))
	if s := h.notices.Stats(); s.Cut != 1 || s.Followers != 0 {
		t.Errorf("%+v", s)
	}
}

// Whoever hangs up is gone; whoever follows when riskd ends, too.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server := httptest.NewUnstartedServer(h.gateway)
	server.Config = NewServer(h.gateway)
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, ctx := range []context.Context{t.Context(), ctx} {
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/v1/revocations/stream?gateway=edge-1", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if ctx != t.Context() {
			cancel()
			continue
		}
		defer func() {
			h.notices.End()
			if _, err := io.ReadAll(answer.Body); err != nil {
				t.Errorf("the stream ends with %v", err)
			}
		}()
	}
}

// The lease of an event that comes late has begun when that happened.
func TestLateEventsHaveShorterLeases(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		d := allow(e, now)
		d.Lease = riskd.Lease{ValidFor: 5 * time.Second, Epoch: 3}
		return d
	}
	for at, want := range map[string]int64{"12:00:00": 5000, "11:59:58": 3000, "11:59:00": 0, "12:00:01": 5000} {
		body := strings.Replace(least, "{", `{"time":"2026-11-21T`+at+`Z",`, 1)
		if got := readDecision(t, post(h.gateway, "/v1/decisions", body).Body.Bytes()).Lease; got.ValidForMS != want || got.RevocationEpoch != 3 {
			t.Errorf("at %s: %+v", at, got)
		}
	}
}

// A gateway that is bound to a tenant isn't told of whom others hold, and none can
// speak for another.
func TestStreamOfOneTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	asks(&riskd.Caller{Name: "edge", Role: riskd.RoleGateway, Bound: true, Tenant: "shop"})(h)
	h.memory.epochs = []riskd.Epoch{
		{Target: riskd.Target{Kind: riskd.TargetUser, Tenant: "shop", ID: "ours"}, Number: 7, At: noon},
		{Target: riskd.Target{Kind: riskd.TargetUser, Tenant: "acme", ID: "theirs"}, Number: 8, At: noon},
		{Target: riskd.Target{Kind: riskd.TargetDevice, ID: "nobodys"}, Number: 9, At: noon},
		{Target: riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{1}}, Number: 10, At: noon},
	}
	got := h.followed(t, "")
	if strings.Contains(got, "theirs") || strings.Contains(got, "nobodys") || !strings.Contains(got, "ours") ||
		strings.Count(got, "event: order") != 2 || strings.Count(got, "event: current") != 1 {
		t.Errorf("got\n%s", got)
	}
	for said, name := range map[string]string{"eu-1": "edge/eu-1", "edge": "edge", "": "edge", "other/eu": ""} {
		w := post(h.gateway, "/v1/revocations/acks", `{"gateway":"`+said+`","epoch":1}`)
		known := slices.ContainsFunc(h.notices.Applied(1), func(a riskd.Applied) bool { return a.Gateway == name && a.Done })
		if (w.Code == 200) != (name != "") || known != (name != "") {
			t.Errorf("%q: %d %s; known as %q: %t", said, w.Code, w.Body, name, known)
		}
	}
}
