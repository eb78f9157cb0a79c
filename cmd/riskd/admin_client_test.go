package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the real main against a riskd that keeps its state on disk, one
// for each script. Its key is known, so that references are; places are those of
// the made-up world.
func TestOperatorScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/operator",
		UpdateScripts: os.Getenv("RISKD_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			s, err := startKept(e.WorkDir)
			if err != nil {
				return err
			}
			e.Defer(s.stops.run)
			e.Setenv("GATEWAY", s.gateway.String())
			e.Setenv(adminVariable, "http://"+s.admin.String())
			e.Setenv("ANA", s.key.ID("", "canary-ana").String())
			e.Setenv("BOB", s.key.ID("acme", "canary-bob").String())
			e.Setenv("EVE", s.key.ID("acme", "canary-eve").String())
			e.Setenv("NOBODY", riskd.SessionID{}.String())
			e.Setenv("TOMORROW", time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"decide": decide, "tamper": tamper},
	})
}

// tamper changes a text in the files of a folder.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[0]) + "/*.log")
	ts.Check(err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		ts.Check(err)
		ts.Check(os.WriteFile(file, bytes.ReplaceAll(b, []byte(args[1]), []byte(args[2])), 0o600))
	}
}

func startKept(dir string) (*service, error) {
	c := defaults()
	c.Gateway.Listen, c.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Decision.Deadline = time.Second // a machine under load mustn't change an answer
	c.DataDir, c.SessionKeyFile = filepath.Join(dir, ".data"), filepath.Join(dir, ".key")
	if err := os.WriteFile(c.SessionKeyFile, bytes.Repeat([]byte{1}, riskd.MinSessionKey), 0o600); err != nil {
		return nil, err
	}
	return startDev(c, newLogger(io.Discard, c), &tape{})
}

// decide asks the gateway listener about each line of a file, and compares the
// decisions with those named: decide events.ndjson allow step_up.
func decide(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for i, line := range lines {
		response, err := http.Post("http://"+ts.Getenv("GATEWAY")+"/v1/decisions", "application/json", strings.NewReader(line))
		ts.Check(err)
		var d struct{ Decision string }
		err = json.NewDecoder(response.Body).Decode(&d)
		response.Body.Close()
		ts.Check(err)
		if want := args[min(i+1, len(args)-1)]; d.Decision != want {
			ts.Fatalf("%s:%d: got %s, want %s", args[0], i+1, d.Decision, want)
		}
	}
}

// operate runs riskd in this process, asking at an admin listener.
func operate(t *testing.T, admin, stdin string, args ...string) (code int, out, errors string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	std := stdio{in: strings.NewReader(stdin), out: &stdout, err: &stderr}
	code = run(t.Context(), append(args, "-admin", admin), std)
	return code, stdout.String(), stderr.String()
}

func TestWhatIsNoAdminListener(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string // ADDRESS is the server's
	}{
		"a page":     {answer(200, "text/html", "<html>"), "ADDRESS answers \"200 OK\", and not as riskd does\nriskd: hint: name another with -admin URL or RISKD_ADMIN\n"},
		"an error":   {answer(502, "text/html", "<html>"), "ADDRESS answers \"502 Bad Gateway\", and not as riskd does\nriskd: hint: name another with -admin URL or RISKD_ADMIN\n"},
		"elsewhere":  {answer(307, "text/html", ""), "ADDRESS answers \"307 Temporary Redirect\", and not as riskd does\nriskd: hint: name another with -admin URL or RISKD_ADMIN\n"},
		"other JSON": {answer(403, "application/json", "{}"), "ADDRESS answers \"403 Forbidden\", and not as riskd does\nriskd: hint: name another with -admin URL or RISKD_ADMIN\n"},
		"hangs up": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"no answer from ADDRESS: EOF\nriskd: hint: it may have been done all the same: give the command again, which does no harm\n",
		},
		"an order for the terminal": {
			answer(400, "application/problem+json", `{"title":"Invalid request","detail":"\u001b[2J"}`),
			"Invalid request: ?[2J\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.handler)
			defer server.Close()
			code, out, got := operate(t, server.URL, "", "revoke", "-user", "ana", "-reason", "test")
			want := "riskd: error: " + strings.ReplaceAll(c.want, "ADDRESS", server.URL)
			if code != exitProblem || out != "" || got != want {
				t.Errorf("ended with %d, printed %q and\n%swant\n%s", code, out, got, want)
			}
		})
	}
}

// What was asked wrongly ends with 2, what didn't work out with 1.
func TestOperatorExitCodes(t *testing.T) {
	t.Parallel()
	const nobody = "127.0.0.1:1"
	for line, want := range map[string]int{
		"sessions":                           exitProblem,
		"sessions -status actve":             exitUsage,
		"sessions -user=":                    exitUsage,
		"sessions -limit -1":                 exitUsage,
		"sessions show":                      exitUsage,
		"sessions extend canary":             exitUsage,
		"revoke -user ana":                   exitUsage,
		"revoke -user ana -reason x":         exitProblem,
		"revoke -tenant acme -reason x":      exitUsage,
		"revoke -tenant acme -reason x -yes": exitProblem,
		"revoke -tenant acme -preview":       exitProblem,
		"revoke -predicate rol=x -preview":   exitUsage,
		"revoke -session canary -reason x":   exitUsage,
		"revoke -session-id - -reason x":     exitUsage,
		"revoke list canary":                 exitUsage,
		"revoke undo canary -reason x":       exitUsage,
		"revoke undo 1 -reason x":            exitProblem,
	} {
		code, out, said := operate(t, nobody, "", strings.Fields(line)...)
		if code != want || out != "" || strings.Contains(said, "canary") || !strings.Contains(said, "\nriskd: hint: ") {
			t.Errorf("%s: ended with %d, want %d; printed %q and\n%s", line, code, want, out, said)
		}
	}
}

func TestAdminAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:8182":       "http://127.0.0.1:8182/v1/sessions",
		"127.0.0.1:8182":              "http://127.0.0.1:8182/v1/sessions",
		"localhost:8182":              "http://localhost:8182/v1/sessions",
		"https://ops.example/riskd/":  "https://ops.example/riskd/v1/sessions",
		"http://[::1]:8182":           "http://[::1]:8182/v1/sessions",
		"unix:///run/riskd/a.sock":    "http://localhost/v1/sessions",
		"ftp://127.0.0.1":             "",
		"http://":                     "",
		"http://127.0.0.1:8182?x=y":   "",
		"http://127.0.0.1:8182#x":     "",
		"http://user:pass word@there": "",
	} {
		c, err := newAdminClient(adminPlace{address: address})
		var wrong *usageError
		switch {
		case want == "" && !errors.As(err, &wrong):
			t.Errorf("%s is taken, or refused with %v", address, err)
		case want != "" && err != nil:
			t.Errorf("%s: %v", address, err)
		case want != "" && c.address.JoinPath("/v1/sessions").String() != want:
			t.Errorf("%s: asks %s", address, c.address.JoinPath("/v1/sessions"))
		}
	}
}

// What commands read and write are members that the API has: one that was
// misspelt would be empty for ever.
func TestDocumentsAreTheAPIs(t *testing.T) {
	t.Parallel()
	var document struct {
		Components struct{ Schemas map[string]*schema }
	}
	if err := json.Unmarshal(api.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"Session": sessionDocument{}, "Revocation": revocationDocument{}, "RevocationRequest": orderDocument{},
		"LiftRequest": liftDocument{}, "Problem": refusal{},
	} {
		document.Components.Schemas[name].holds(t, name, document.Components.Schemas, reflect.TypeOf(v))
	}
}

// schema is as much of a JSON Schema as this needs.
type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]*schema
	Items      *schema
	OneOf      []*schema
}

// holds compares the members of a type with those described.
func (s *schema) holds(t *testing.T, path string, all map[string]*schema, of reflect.Type) {
	if s.Ref != "" {
		s = all[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of.Kind() == reflect.Slice:
		s.Items.holds(t, path+"[]", all, of.Elem())
		return
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]():
		return
	}
	properties := map[string]*schema{}
	for _, one := range append(s.OneOf, s) {
		for name, p := range one.Properties {
			properties[name] = p
		}
	}
	for i := range of.NumField() {
		if of.Field(i).Anonymous {
			s.holds(t, path, all, of.Field(i).Type)
			continue
		}
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if p := properties[name]; p != nil {
			p.holds(t, path+"."+name, all, of.Field(i).Type)
		} else if name != "session_id" { // which answers never have
			t.Errorf("%s has no %s", path, name)
		}
	}
}
