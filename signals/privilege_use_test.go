package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestPrivilegeUse(t *testing.T) {
	t.Parallel()
	type user struct {
		sessions, requests, privileged uint32
		usual                          int
	}
	for name, c := range map[string]struct {
		user   user
		level  int
		class  riskd.Class
		status int
		nats   float64
	}{
		"ordinary":             {user{10, 400, 0, 0}, 0, riskd.ClassStandard, 200, 0},
		"with a history":       {user{10, 400, 0, 0}, 5, riskd.ClassAdmin, 0, 0}, // privilege_burst and privilege_novelty say it
		"nobody known":         {user{}, 5, riskd.ClassAdmin, 0, 1.6},            // ln(0.16/0.0143) = 2.415, bounded
		"young, and all day":   {user{2, 400, 200, 5}, 5, riskd.ClassAdmin, 0, -0.35},
		"young, and at times":  {user{2, 400, 40, 5}, 5, riskd.ClassAdmin, 0, 0.5511}, // ln(0.16/0.092209)
		"denied":               {user{10, 400, 0, 0}, 0, riskd.ClassStandard, 403, 1.5},
		"denied, and power":    {user{10, 400, 0, 0}, 5, riskd.ClassAdmin, 403, 1.5},
		"denied, and young":    {user{}, 5, riskd.ClassAdmin, 403, 3.1},
		"denied a public page": {user{10, 400, 0, 0}, 0, riskd.ClassOpen, 403, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			p := w.Profile
			p.Sessions, p.Requests, p.Privileged, p.PrivilegeMax = c.user.sessions, c.user.requests, c.user.privileged, c.user.usual
			w.Event.Privilege = riskd.Privilege{Level: c.level, Action: "refund"}
			w.Event.Request.Class, w.Event.Request.Status = c.class, c.status
			f := w.read("privilege_use")
			want(t, f, float64(c.level), c.nats)
			if f.texts["class"] != c.class.String() || f.texts["action"] != "refund" || f.numbers["status"] != float64(c.status) || f.numbers["usual"] != float64(c.user.usual) {
				t.Errorf("details are %v %v", f.texts, f.numbers)
			}
		})
	}
}

func TestShareOfPrivilege(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Profile.Privileged = 100
	if got := w.read("privilege_use").numbers["share"]; got != 0.25 {
		t.Errorf("share %v, want 0.25", got)
	}
	w.Profile = &riskd.Profile{}
	if got := w.read("privilege_use").numbers["share"]; got != 0 {
		t.Errorf("share %v of nothing, want 0", got)
	}
}

func TestProofAge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session, event time.Time
		want           float64
	}{
		"unknown":        {time.Time{}, time.Time{}, -1},
		"of the session": {noon.Add(-time.Hour), time.Time{}, 3600},
		"of the event":   {noon.Add(-time.Hour), noon.Add(-time.Minute), 60},
		"older event":    {noon.Add(-time.Minute), noon.Add(-time.Hour), 60},
		"clock ahead":    {time.Time{}, noon.Add(time.Minute), 0},
	} {
		w := newWalk(t)
		w.Session.AuthTime, w.Event.Session.AuthTime = c.session, c.event
		if got := w.read("privilege_use").numbers["proof_age_s"]; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
