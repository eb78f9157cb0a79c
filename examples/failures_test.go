//go:build integration

package examples

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// failures are what may be wrong with riskd, as the rows of the tables in
// docs/gateways.md.
var failures = []struct {
	what  string
	fault fault
	// prepare gives a session; without it one that may pass everything.
	prepare func(t *testing.T, s *site, session string)
	cookies int // bytes of others that come along
}{
	{what: "allows, 200", fault: pass},
	{what: "wants a step-up, 401", fault: pass, prepare: func(t *testing.T, s *site, session string) { s.order(t, "step_up", session) }},
	{what: "has revoked, 403", fault: pass, prepare: func(t *testing.T, s *site, session string) { s.order(t, "revoke", session) }},
	{what: "answers 500", fault: fault{"500", 500}},
	{what: "answers 503", fault: fault{"503", 503}},
	{what: "answers 404", fault: fault{"404", 404}},
	{what: "answers too late", fault: slow},
	{what: "says nothing", fault: hang},
	{what: "is cut off", fault: cut},
	{what: "is down", fault: down},
	{what: "is well, and gets 20 KiB of cookies", fault: pass, cookies: 20 << 10},
}

// failsAsDocumented looks what becomes of requests when riskd fails, and holds
// the documentation to it. That a request came through at all shows that the
// gateway has a deadline: riskd's is never over.
func failsAsDocumented(t *testing.T, s *site) {
	defer s.link.set(t, pass)
	var table strings.Builder
	table.WriteString("| riskd | `/` standard | `/pay` sensitive | `/static/` open |\n|---|---|---|---|\n")
	for _, f := range failures {
		session := s.signedIn(t)
		s.link.set(t, pass)
		if a := s.get(t, "/", session); a.status != 200 {
			t.Fatalf("%s: before it, got %v", f.what, a)
		}
		if f.prepare != nil {
			f.prepare(t, s, session)
		}
		fmt.Fprintf(&table, "| %s |", f.what)
		for _, c := range classes {
			s.link.set(t, f.fault)
			a := s.failing(t, c.path, session+"; other="+strings.Repeat("x", f.cookies))
			if c.class != "open" && a.app != nil && (f.fault != pass || a.app.header.Get("X-Risk-Decision") != "allow") {
				t.Errorf("riskd %s: %s is open: %v", f.what, c.path, a)
			}
			if a.app != nil && strings.Contains(fmt.Sprint(a.app.risk()), "spoofed") {
				t.Errorf("riskd %s: %s: the application believes the client: %v", f.what, c.path, a.app.risk())
			}
			fmt.Fprintf(&table, " %s |", a)
		}
		table.WriteString("\n")
	}
	t.Logf("observed:\n%s", &table)
	s.checkDocs(t, table.String())
}

// failing asks until the fault was felt: a request that found a connection from
// before says nothing of it.
func (s *site) failing(t *testing.T, path, session string) *answer {
	t.Helper()
	for range 20 {
		a := s.get(t, path, session, "X-Risk-Decision: spoofed", "X_Risk_Level: spoofed")
		if s.link.struck() || a.status/100 == 4 { // or the gateway itself refuses
			return a
		}
	}
	t.Fatalf("%s: the gateway never asked", path)
	return nil
}

const docs = "../docs/gateways.md"

// checkDocs wants the table in the documentation, between its markers.
func (s *site) checkDocs(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- observed: "+s.gateway.name+" -->\n", "<!-- end -->"
	before, rest, ok1 := strings.Cut(string(text), begin)
	written, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok1 || !ok2:
		t.Errorf("%s has no place for it: %s…%s", docs, begin, end)
	case *update:
		if err := os.WriteFile(docs, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case written != table:
		t.Errorf("%s says otherwise (-update writes what was observed):\n%s", docs, written)
	}
}
