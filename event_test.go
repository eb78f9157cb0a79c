package riskd_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

func validEvent() riskd.Event {
	return riskd.Event{
		Session: riskd.EventSession{ID: riskd.SessionID{1}},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
	}
}

func TestEventValidate(t *testing.T) {
	tests := map[string]struct {
		change func(*riskd.Event)
		path   string // of the fault; "" for none
	}{
		"least":                 {func(*riskd.Event) {}, ""},
		"no session":            {func(e *riskd.Event) { e.Session.ID = riskd.SessionID{} }, "session.id"},
		"no address":            {func(e *riskd.Event) { e.Client.IP = netip.Addr{} }, "client.ip"},
		"long user":             {func(e *riskd.Event) { e.User.ID = strings.Repeat("u", riskd.MaxID+1) }, "user.id"},
		"longest user":          {func(e *riskd.Event) { e.User.ID = strings.Repeat("u", riskd.MaxID) }, ""},
		"long agent":            {func(e *riskd.Event) { e.Client.UserAgent = strings.Repeat("a", riskd.MaxText+1) }, "client.user_agent"},
		"empty role":            {func(e *riskd.Event) { e.User.Roles = []string{"admin", ""} }, "user.roles[1]"},
		"too many roles":        {func(e *riskd.Event) { e.User.Roles = make([]string, riskd.MaxList+1) }, "user.roles"},
		"negative privilege":    {func(e *riskd.Event) { e.Privilege.Level = -1 }, "privilege.level"},
		"privilege beyond":      {func(e *riskd.Event) { e.Privilege.Level = 11 }, "privilege.level"},
		"status that is none":   {func(e *riskd.Event) { e.Request.Status = 42 }, "request.status"},
		"negative bytes":        {func(e *riskd.Event) { e.Request.Bytes = -1 }, "request.bytes"},
		"unknown binding":       {func(e *riskd.Event) { e.Session.Binding.Type = "cookie" }, "session.binding.type"},
		"unknown address":       {func(e *riskd.Event) { e.Client.IP = netip.IPv6Unspecified() }, ""},
		"own attribute's name":  {func(e *riskd.Event) { e.Attributes = map[string]string{strings.Repeat("k", 65): ""} }, "attributes"},
		"own attribute's value": {func(e *riskd.Event) { e.Attributes = map[string]string{"k": strings.Repeat("v", 257)} }, "attributes"},
		"long attribute's name": {func(e *riskd.Event) { e.Device.Attributes = map[string]string{strings.Repeat("k", 65): ""} }, "device.attributes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := validEvent()
			test.change(&e)
			err := e.Validate()
			if test.path == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var fault *riskd.FieldError
			if !errors.As(err, &fault) || fault.Path != test.path {
				t.Fatalf("error is %v, want one at %s", err, test.path)
			}
		})
	}
}

func TestEventValidateReportsAllFaults(t *testing.T) {
	err := (&riskd.Event{}).Validate()
	for _, path := range []string{"session.id", "client.ip"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v doesn't name %s", err, path)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for _, c := range []riskd.Class{riskd.ClassStandard, riskd.ClassOpen, riskd.ClassSensitive, riskd.ClassAdmin} {
		if got, err := riskd.ParseClass(c.String()); err != nil || got != c {
			t.Errorf("class %s reads back as %s (%v)", c, got, err)
		}
	}
	for k := riskd.NetworkUnknown; k <= riskd.NetworkTor; k++ {
		if got, err := riskd.ParseNetworkKind(k.String()); err != nil || got != k {
			t.Errorf("network %s reads back as %s (%v)", k, got, err)
		}
	}
	for o := riskd.Allow; o <= riskd.Revoke; o++ {
		if got, err := riskd.ParseOutcome(o.String()); err != nil || got != o {
			t.Errorf("outcome %s reads back as %s (%v)", o, got, err)
		}
	}
	for _, bad := range []string{"Allow", "ALLOW", "permit", ""} {
		if _, err := riskd.ParseOutcome(bad); err == nil {
			t.Errorf("outcome %q was taken", bad)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"listen", "trusted_proxies", "forward_auth"}
	cases := map[string]string{
		"listne": "listen", "lsten": "listen", "listens": "listen", "trusted_proxy": "trusted_proxies",
		"forwardauth": "forward_auth", "colour": "", "": "", "x": "",
	}
	for word, want := range cases {
		if got := riskd.Nearest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
