package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/sessions"
)

func TestParsePredicate(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cases := map[string]struct {
		text string
		want predicateDocument
		back string // if it isn't the text
	}{
		"one":       {"asn=64500", predicateDocument{ASN: 64500}, ""},
		"with AS":   {"asn=AS64500", predicateDocument{ASN: 64500}, "asn=64500"},
		"the last":  {"asn=4294967295", predicateDocument{ASN: 1<<32 - 1}, ""},
		"spaces":    {"country=FR, agent=Mobile Safari", predicateDocument{Country: "FR", Agent: "Mobile Safari"}, "country=FR,agent=Mobile Safari"},
		"any order": {"to=2026-11-21T14:20:00Z,asn=1", predicateDocument{ASN: 1, To: at("2026-11-21T14:20:00Z")}, "asn=1,to=2026-11-21T14:20:00Z"},
		"zone":      {"asn=1,from=2026-11-21T15:02:00.5+01:00", predicateDocument{ASN: 1, From: at("2026-11-21T15:02:00.5+01:00")}, "asn=1,from=2026-11-21T14:02:00.5Z"},
		"a comma":   {`asn=1,"role=a,b"`, predicateDocument{ASN: 1, Role: "a,b"}, ""},
		"a quote":   {`"role=a ""b"""`, predicateDocument{Role: `a "b"`}, ""},
		"an =":      {"role=a=b", predicateDocument{Role: "a=b"}, ""},
		"all": {
			"asn=64500,country=FR,network=203.0.112.0/20,role=admin,user_type=employee,environment=production,agent=Firefox,from=2026-11-21T14:02:00Z,to=2026-11-21T14:20:00Z",
			predicateDocument{
				64500, "FR", "203.0.112.0/20", "admin", "employee", "production", "Firefox",
				at("2026-11-21T14:02:00Z"), at("2026-11-21T14:20:00Z"),
			},
			"",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parsePredicate(c.text)
			if err != nil || !reflect.DeepEqual(*p, c.want) {
				t.Fatalf("got %+v, %v\nwant %+v", p, err, c.want)
			}
			back := c.text
			if c.back != "" {
				back = c.back
			}
			if p.String() != back {
				t.Errorf("is written %s, want %s", p, back)
			}
		})
	}
}

func TestParsePredicateFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ problem, hint string }{
		"":                     {"-predicate: quotes aren't where they belong", "a condition with a comma stands in double quotes as a whole"},
		"rol=admin":            {`-predicate: "rol" is not known`, "did you mean role?"},
		"colour=red":           {`-predicate: "colour" is not known`, "known are asn, country,"},
		"admin":                {`-predicate: "admin" is no condition`, "write name=value"},
		"role=":                {`-predicate: "role=" is no condition`, "write name=value"},
		"role=a,b":             {`-predicate: "b" is no condition`, "write name=value"},
		"asn=1,,role=a":        {`-predicate: "" is no condition`, "write name=value"},
		"role=a,role=b":        {"-predicate: role is given twice", "give an order for each"},
		"asn=x":                {`-predicate: asn "x": must be a network's number, such as 64500`, ""},
		"asn=0":                {`-predicate: asn "0": must be a network's number, such as 64500`, ""},
		"asn=4294967296":       {`-predicate: asn "4294967296": must be a network's number, such as 64500`, ""},
		"asn=1,from=yesterday": {`-predicate: from "yesterday": must be a time such as 2026-11-21T14:02:00Z`, ""},
		`role="a,b"`:           {"-predicate: quotes aren't where they belong", `"role=a,b"`},
		"role=a\nrole=b":       {"-predicate: quotes aren't where they belong", ""},
	}
	for text, c := range cases {
		_, err := parsePredicate(text)
		var wrong *usageError
		if !errors.As(err, &wrong) || wrong.problem != c.problem || !strings.Contains(wrong.hint, c.hint) {
			t.Errorf("%q: got %#v, want %#v", text, err, c)
		}
	}
}

// lossy is a store whose disk has failed: orders are in force and not on disk.
type lossy struct{ *sessions.Store }

func (l lossy) Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	done, err := l.Store.Impose(ctx, key, orders...)
	return done, errors.Join(err, fmt.Errorf("disk: %w", riskd.ErrNotDurable))
}

func (l lossy) Lift(ctx context.Context, number uint64, _ time.Time, _, _ string) (riskd.Epoch, error) {
	e, err := l.Store.Lift(ctx, number)
	return e, errors.Join(err, fmt.Errorf("disk: %w", riskd.ErrNotDurable))
}

// An order that may not last is no success, and the operator is told what to do.
func TestRevokeThatMayNotLast(t *testing.T) {
	t.Parallel()
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{1}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	unasked := struct {
		api.Decider
		api.StepUps
		api.IdentityEvents
		api.Decisions
	}{}
	a, err := api.New(api.Options{Engine: unasked, Sessions: unrecorded{store}, Orders: lossy{store}, StepUps: unasked, Identity: unasked, Decisions: unasked, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Admin())
	defer server.Close()
	for cure, args := range map[string][]string{
		"riskd: hint: give the same command again until it ends well\n":               {"revoke", "-user", "ana", "-reason", "test"},
		"riskd: hint: `riskd revoke list` shows whether it is back after a restart\n": {"revoke", "undo", "1", "-reason", "test"},
	} {
		if args[1] == "undo" {
			if _, err := store.Impose(t.Context(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "bob"}, At: time.Unix(1, 0)}); err != nil {
				t.Fatal(err)
			}
			args[2] = fmt.Sprint(store.Orders(0, 1)[0].Number)
		}
		code, out, got := operate(t, server.URL, "", args...)
		if code != exitProblem || out != "" || !strings.HasPrefix(got, "riskd: error: Not durable: it is in force, but not on disk, and would be lost") || !strings.HasSuffix(got, cure) {
			t.Errorf("%s: ended with %d, printed %q and\n%s", args, code, out, got)
		}
	}
}

// Without a data_dir the order holds, and is said to be forgotten.
func TestRevokeInMemory(t *testing.T) {
	t.Parallel()
	s := startedDev(t, &tape{})
	code, out, got := operate(t, s.admin.String(), "", "revoke", "-user", "ana", "-reason", "test")
	want := "revoke user ana\n  epoch      1\n  matched    0 known sessions, not met before\n  durable    no: riskd has no data_dir, and a restart forgets the order\n"
	if code != 0 || got != "" || out != want {
		t.Errorf("ended with %d, printed %q and\n%swant\n%s", code, got, out, want)
	}
}
