package identity_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// ledger is the Orders of tests: it remembers keys as a store does.
type ledger struct {
	calls []call
	keys  map[string]bool
	err   error
}

type call struct {
	key    string
	orders []riskd.Epoch
}

func (l *ledger) Impose(_ context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	if l.keys[key] {
		return riskd.Imposed{Repeated: true}, nil
	}
	for i := range orders {
		if err := orders[i].Validate(); err != nil {
			return riskd.Imposed{}, err
		}
	}
	l.calls = append(l.calls, call{key, append([]riskd.Epoch(nil), orders...)})
	if l.err == nil {
		l.keys[key] = true
	}
	for i := range orders {
		orders[i].Number = uint64(i + 1)
	}
	return riskd.Imposed{Epochs: orders, Matched: 4}, l.err
}

// table is one that has every action in it.
var table = map[string][]riskd.Action{
	"password_reset":        {riskd.ActionRevokeUser, riskd.ActionDropTrust},
	"password_change":       {riskd.ActionDropTrust, riskd.ActionStepUp},
	"mfa_added":             {riskd.ActionDropTrust},
	"mfa_removed":           {riskd.ActionDropTrust, riskd.ActionStepUp},
	"mfa_reset":             {riskd.ActionRevokeUser, riskd.ActionDropTrust},
	"account_recovery":      {riskd.ActionRevokeUser, riskd.ActionDropTrust, riskd.ActionResetProfile},
	"role_change":           {riskd.ActionStepUp},
	"user_disabled":         {riskd.ActionRevokeUser, riskd.ActionSuspend},
	"user_enabled":          {riskd.ActionResume},
	"device_compromised":    {riskd.ActionRevokeDevice, riskd.ActionDropTrust, riskd.ActionSuspend},
	"device_noncompliant":   {riskd.ActionStepUp},
	"device_compliant":      {},
	"suspicious_login":      {riskd.ActionStepUp},
	"credential_compromise": {riskd.ActionRevokeUser, riskd.ActionDropTrust, riskd.ActionStepUp},
	"logout":                {riskd.ActionRevokeSession},
	"global_logout":         {riskd.ActionRevokeUser},
}

func newHandler(t *testing.T, table map[string][]riskd.Action) (*identity.Handler, *ledger) {
	t.Helper()
	l := &ledger{keys: map[string]bool{}}
	h, err := identity.New(identity.Options{Orders: l, Table: func() map[string][]riskd.Action { return table }})
	if err != nil {
		t.Fatal(err)
	}
	return h, l
}

// event names everything.
func event(kind string) riskd.IdentityEvent {
	return riskd.IdentityEvent{
		ID: "e1", Type: kind, Time: noon.Add(-time.Minute), Tenant: "shop", User: "u1", Device: "d1",
		Session: riskd.SessionID{1}, Reason: "phished", Actor: "idp",
	}
}

// words writes orders in short.
func words(orders []riskd.Epoch) string {
	var out []string
	for _, o := range orders {
		id := o.Target.ID
		if o.Target.Kind == riskd.TargetSession {
			id = o.Target.Session.String()
		}
		out = append(out, fmt.Sprintf("%s %s %s/%s", o.Effect, o.Target.Kind, o.Target.Tenant, id))
	}
	return strings.Join(out, ", ")
}

func TestEveryTypeLeadsToItsOrders(t *testing.T) {
	t.Parallel()
	const user, device = " user shop/u1", " device shop/d1"
	want := map[string]string{
		"password_reset":        "revoke" + user + ", distrust" + user,
		"password_change":       "distrust" + user + ", step_up" + user,
		"mfa_added":             "distrust" + user,
		"mfa_removed":           "distrust" + user + ", step_up" + user,
		"mfa_reset":             "revoke" + user + ", distrust" + user,
		"account_recovery":      "revoke" + user + ", distrust" + user + ", forget" + user,
		"role_change":           "step_up" + user,
		"user_disabled":         "revoke" + user + ", suspend" + user,
		"user_enabled":          "resume" + user + ", resume" + device,
		"device_compromised":    "revoke" + device + ", distrust" + user + ", suspend" + user,
		"device_noncompliant":   "step_up" + user,
		"device_compliant":      "",
		"suspicious_login":      "step_up" + user,
		"credential_compromise": "revoke" + user + ", distrust" + user + ", step_up" + user,
		"logout":                "revoke session shop/s_04000000000000000000000000",
		"global_logout":         "revoke" + user,
	}
	for _, kind := range riskd.IdentityTypes() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h, l := newHandler(t, table)
			done, err := h.Apply(context.Background(), event(kind), noon)
			if err != nil {
				t.Fatal(err)
			}
			if want[kind] == "" {
				if len(l.calls) != 0 || !reflect.DeepEqual(done, identity.Result{}) {
					t.Errorf("gave %v, told %+v", l.calls, done)
				}
				return
			}
			if len(l.calls) != 1 {
				t.Fatalf("orders were given in %d calls", len(l.calls))
			}
			c := l.calls[0]
			if got := words(c.orders); got != want[kind] {
				t.Errorf("ordered %s\nwant %s", got, want[kind])
			}
			if c.key != "identity:4:shope1" || done.Matched != 4 || done.Repeated || len(done.Actions) != len(c.orders) {
				t.Errorf("under %q, told %+v", c.key, done)
			}
			for i, o := range c.orders {
				if !o.At.Equal(noon.Add(-time.Minute)) || o.Reason != kind+": phished" || o.Actor != "idp" {
					t.Errorf("order %d is %+v", i, o)
				}
				if d := done.Actions[i]; d.Epoch.Number != uint64(i+1) || d.Epoch.Target != o.Target || d.Epoch.Effect != o.Effect {
					t.Errorf("told %+v of order %+v", d, o)
				}
			}
		})
	}
}

// With everything named, every type does what the default pack has it do, and
// something is said of each.
func TestDefaultPackHasEveryType(t *testing.T) {
	t.Parallel()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	rows := pack.Info().Tuning.Identity
	for _, kind := range riskd.IdentityTypes() {
		if _, ok := rows[kind]; !ok {
			t.Errorf("the default pack doesn't say what %s leads to", kind)
		}
		h, l := newHandler(t, rows)
		done, err := h.Apply(context.Background(), event(kind), noon)
		if err != nil || len(done.Actions) < len(rows[kind]) || len(l.calls) != min(len(rows[kind]), 1) {
			t.Errorf("%s: told %+v, %v", kind, done, err)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	user := func(e *riskd.IdentityEvent) { e.Device, e.Session = "", riskd.SessionID{} }
	device := func(e *riskd.IdentityEvent) { e.User, e.Session = "", riskd.SessionID{} }
	session := func(e *riskd.IdentityEvent) { e.User, e.Device = "", "" }
	cases := map[string]struct {
		action riskd.Action
		change func(*riskd.IdentityEvent)
		orders string
		fault  string
	}{
		"revoke_session of user":   {riskd.ActionRevokeSession, user, "", "session: is required: logout leads to revoke_session"},
		"revoke_device of user":    {riskd.ActionRevokeDevice, user, "", "device: is required: logout leads to revoke_device"},
		"revoke_user of device":    {riskd.ActionRevokeUser, device, "", "user: is required: logout leads to revoke_user"},
		"revoke_user of session":   {riskd.ActionRevokeUser, session, "", "user: is required: logout leads to revoke_user"},
		"revoke_device of device":  {riskd.ActionRevokeDevice, device, "revoke device shop/d1", ""},
		"step_up of device":        {riskd.ActionStepUp, device, "step_up device shop/d1", ""},
		"step_up of session":       {riskd.ActionStepUp, session, "", "user: is required, or device: logout leads to step_up"},
		"suspend of device":        {riskd.ActionSuspend, device, "suspend device shop/d1", ""},
		"suspend of session":       {riskd.ActionSuspend, session, "", "user: is required, or device: logout leads to suspend"},
		"drop_trust of device":     {riskd.ActionDropTrust, device, "distrust device shop/d1", ""},
		"drop_trust of session":    {riskd.ActionDropTrust, session, "", "user: is required, or device: logout leads to drop_trust"},
		"reset_profile of user":    {riskd.ActionResetProfile, user, "forget user shop/u1", ""},
		"reset_profile of device":  {riskd.ActionResetProfile, device, "", "user: is required: logout leads to reset_profile"},
		"resume of user":           {riskd.ActionResume, user, "resume user shop/u1", ""},
		"resume of device":         {riskd.ActionResume, device, "resume device shop/d1", ""},
		"resume of session":        {riskd.ActionResume, session, "", "user: is required, or device: logout leads to resume"},
		"revoke_session of itself": {riskd.ActionRevokeSession, session, "revoke session shop/s_04000000000000000000000000", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, l := newHandler(t, map[string][]riskd.Action{"logout": {c.action}})
			e := event("logout")
			c.change(&e)
			_, err := h.Apply(context.Background(), e, noon)
			if c.fault != "" {
				var f *riskd.FieldError
				if !errors.As(err, &f) || f.Error() != c.fault || len(l.calls) != 0 {
					t.Errorf("got %v after %v", err, l.calls)
				}
				return
			}
			if err != nil || words(l.calls[0].orders) != c.orders {
				t.Errorf("got %v, %v", l.calls, err)
			}
		})
	}
}

func TestEveryActionHasItsOrders(t *testing.T) {
	t.Parallel()
	for _, name := range riskd.ActionNames() {
		action, err := riskd.ParseAction(name)
		if err != nil {
			t.Fatal(err)
		}
		h, _ := newHandler(t, map[string][]riskd.Action{"logout": {action}})
		if done, err := h.Apply(context.Background(), event("logout"), noon); err != nil || len(done.Actions) == 0 || done.Actions[0].Action != action {
			t.Errorf("%s gives %+v, %v", name, done, err)
		}
	}
}

// One action that can't be taken keeps the others from being taken, and what is
// missing is told at once.
func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, map[string][]riskd.Action{"logout": {riskd.ActionRevokeUser, riskd.ActionRevokeDevice, riskd.ActionRevokeSession}})
	e := event("logout")
	e.Device, e.Session = "", riskd.SessionID{}
	done, err := h.Apply(context.Background(), e, noon)
	const want = "device: is required: logout leads to revoke_device\nsession: is required: logout leads to revoke_session"
	if err == nil || err.Error() != want || len(l.calls) != 0 || len(done.Actions) != 0 {
		t.Errorf("got %v after %v", err, l.calls)
	}
}

func TestTimeIsClamped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ at, want time.Time }{
		"before":    {noon.Add(-48 * time.Hour), noon.Add(-48 * time.Hour)},
		"now":       {noon, noon},
		"ahead":     {noon.Add(time.Nanosecond), noon},
		"far ahead": {noon.AddDate(80, 0, 0), noon},
		"none":      {time.Time{}, noon},
	} {
		h, l := newHandler(t, table)
		e := event("password_reset")
		e.Time = c.at
		if _, err := h.Apply(context.Background(), e, noon); err != nil {
			t.Fatal(err)
		}
		for _, o := range l.calls[0].orders {
			if !o.At.Equal(c.want) {
				t.Errorf("%s: an order is at %s, want %s", name, o.At, c.want)
			}
		}
	}
}

func TestToldTwice(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, table)
	e := event("logout")
	for i, want := range []bool{false, true, true} {
		done, err := h.Apply(context.Background(), e, noon.Add(time.Duration(i)*time.Hour))
		if err != nil || done.Repeated != want || want != (len(done.Actions) == 0) {
			t.Errorf("telling %d gives %+v, %v", i, done, err)
		}
	}
	if len(l.calls) != 1 {
		t.Errorf("%d orders were given", len(l.calls))
	}
}

// Neither another tenant's id nor one that only looks the same when the two are
// written in a row is the same event.
func TestKeysAreTheTenants(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, table)
	for _, names := range [][2]string{{"", "ab"}, {"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"", "1:ab"}, {"1:a", "b"}} {
		e := event("logout")
		e.Tenant, e.ID = names[0], names[1]
		if done, err := h.Apply(context.Background(), e, noon); err != nil || done.Repeated {
			t.Errorf("%v is taken for another: %+v, %v", names, done, err)
		}
	}
	if len(l.keys) != 6 {
		t.Errorf("the keys are %v", l.keys)
	}
}

func TestReasonWithoutOne(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, table)
	e := event("logout")
	e.Reason = ""
	if _, err := h.Apply(context.Background(), e, noon); err != nil || l.calls[0].orders[0].Reason != "logout" {
		t.Errorf("got %v, %v", l.calls, err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", riskd.MaxID+1)
	for fault, change := range map[string]func(*riskd.IdentityEvent){
		"id: is required: an event that is told twice is known by it":                      func(e *riskd.IdentityEvent) { e.ID = "" },
		"type: is not a known type of identity event; did you mean logout?":                func(e *riskd.IdentityEvent) { e.Type = "log-out" },
		"type: is not a known type of identity event; known are password_reset, password_": func(e *riskd.IdentityEvent) { e.Type = "" },
		"id: is 257 bytes long; the limit is 256":                                          func(e *riskd.IdentityEvent) { e.ID = long },
		"tenant: is 257 bytes long":                                                        func(e *riskd.IdentityEvent) { e.Tenant = long },
		"user: is 257 bytes long":                                                          func(e *riskd.IdentityEvent) { e.User = long },
		"device: is 257 bytes long":                                                        func(e *riskd.IdentityEvent) { e.Device = long },
		"reason: is 257 bytes long":                                                        func(e *riskd.IdentityEvent) { e.Reason = long },
		"actor: is 257 bytes long":                                                         func(e *riskd.IdentityEvent) { e.Actor = long },
		"id: is required: an event that is told twice is known by it\ntype: is not a known": func(e *riskd.IdentityEvent) {
			e.ID, e.Type = "", "ann@example.org"
		},
	} {
		h, l := newHandler(t, table)
		e := event("logout")
		change(&e)
		_, err := h.Apply(context.Background(), e, noon)
		var f *riskd.FieldError
		if !errors.As(err, &f) || !strings.HasPrefix(err.Error(), fault) || strings.Contains(err.Error(), "example") || len(l.calls) != 0 {
			t.Errorf("got %v\nwant %s", err, fault)
		}
	}
}

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, table)
	l.err = fmt.Errorf("disk full: %w", riskd.ErrNotDurable)
	for range 2 { // and telling it again tries again
		done, err := h.Apply(context.Background(), event("logout"), noon)
		if !errors.Is(err, riskd.ErrNotDurable) || len(done.Actions) != 1 || done.Repeated {
			t.Errorf("in force but not on disk: %+v, %v", done, err)
		}
	}
	if len(l.calls) != 2 {
		t.Errorf("orders were given %d times", len(l.calls))
	}
	l.err = errors.New("closed")
	done, err := h.Apply(context.Background(), event("logout"), noon)
	if err == nil || err.Error() != "identity event logout: closed" || len(done.Actions) != 0 {
		t.Errorf("not in force: %+v, %v", done, err)
	}
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	rows := func() map[string][]riskd.Action { return nil }
	for want, o := range map[string]identity.Options{
		"identity.Options.Orders: is required": {Table: rows},
		"identity.Options.Table: is required":  {Orders: &ledger{}},
	} {
		if _, err := identity.New(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
