package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/callers/callerstest"
)

// guardedRiskd serves gateways through a socket and operators over TLS; it knows the
// user that runs the test as the gateway edge, a certificate as the operator ada, and
// a token as the admin console.
type guardedRiskd struct {
	*running
	dir       string
	socket    string
	authority *callerstest.Authority
	files     callerstest.Files
	token     string
}

const adaID = "spiffe://example.com/ada"

// shortDir is a folder whose name leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "riskd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func servingCallers(t *testing.T, uid int) *guardedRiskd {
	t.Helper()
	g := &guardedRiskd{dir: shortDir(t), authority: callerstest.NewAuthority(t)}
	g.socket, g.files = filepath.Join(g.dir, "gateway.sock"), g.authority.WriteServer(g.dir)
	secret, hash := callers.NewToken()
	g.token = filepath.Join(g.dir, "console.token")
	key := filepath.Join(g.dir, "session.key")
	for file, text := range map[string]string{g.token: secret + "\n", key: strings.Repeat("k", 32)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.running = servingAt(t, fmt.Sprintf(`
gateway:
  listen: unix://%s
  forward_auth: [{name: web, style: nginx, session: {cookie: sid}}]
admin:
  listen: 127.0.0.1:0
  tls: {cert: %s, key: %s, client_ca: %s}
data_dir: %s
session_key_file: %s
drain: {wait: 0s, limit: 1m}
callers:
  - {name: edge, role: gateway, uids: [%d]}
  - {name: ada, role: operator, certificates: [%q]}
  - {name: console, role: admin, tokens: [{sha256: %q}]}
`, g.socket, g.files.Cert, g.files.Key, g.files.CA, filepath.Join(g.dir, "data"), key, uid, adaID, hash.SHA256))
	g.admin = strings.Replace(g.admin, "http://", "https://", 1)
	return g
}

// over is a client that comes through the socket.
func over(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

// with is a client that trusts the authority and shows certificates.
func (g *guardedRiskd) with(keep bool, show ...tls.Certificate) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: !keep, TLSClientConfig: &tls.Config{RootCAs: g.authority.Pool(), Certificates: show},
	}}
}

// send gives the status and the body of an answer.
func send(t *testing.T, client *http.Client, method, url, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	status, text := read(t, answer, nil)
	return status, text, answer.Header
}

func TestServeKnowsItsCallers(t *testing.T) {
	t.Parallel()
	g := servingCallers(t, os.Getuid())
	if in, err := os.Lstat(g.socket); err != nil || in.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v", in, err)
	}
	gateway := over(g.socket)
	if status, body, _ := send(t, gateway, "POST", "http://riskd/v1/decisions", quietEvent); status != 200 {
		t.Errorf("a decision: %d %s", status, body)
	}
	// A gateway on the socket has no address; what it says of the client's is believed.
	status, _, h := send(t, gateway, "GET", "http://riskd/v1/forward-auth/web", "", "Cookie", "sid=s-2", "X-Forwarded-For", "1.1.1.1, 198.51.100.7")
	if status != 200 || strings.Contains(h.Get("X-Risk-Degraded"), "forwarded_for_untrusted") {
		t.Errorf("forward-auth: %d %v", status, h)
	}
	ada, nobody := g.with(true, g.authority.Client(adaID)), g.with(true)
	if status, body, _ := send(t, ada, "GET", g.admin+"/v1/sessions/"+h.Get("X-Risk-Session"), ""); status != 200 || !strings.Contains(body, "198.51.100.0/24") {
		t.Errorf("its session: %d %s", status, body)
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/v1/sessions": 401, "/metrics": 401, "/openapi.json": 401} {
		if status, body, _ := send(t, nobody, "GET", g.admin+path, ""); status != want {
			t.Errorf("%s for nobody: %d %s", path, status, body)
		}
	}
	if status, body, _ := send(t, ada, "DELETE", g.admin+"/v1/users/ana?actor=ada", ""); status != 403 {
		t.Errorf("an operator erases: %d %s", status, body)
	}
	_, body, _ := send(t, ada, "GET", g.admin+"/metrics", "")
	for _, line := range []string{`riskd_callers_refused_total{why="no_credentials"} 3`, `riskd_tls_certificate_expiry_timestamp_seconds{listener="admin.tls"} 1.`} {
		if !strings.Contains(body, line) {
			t.Errorf("metrics have no %s", line)
		}
	}
	if status, _ := g.get(strings.Replace(g.admin, "https", "http", 1) + "/livez"); status != 400 {
		t.Errorf("in the clear: %d", status)
	}
	if err := g.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(g.socket); !os.IsNotExist(err) {
		t.Errorf("the socket stays behind: %v", err)
	}
}

// Another user at the socket is nobody, and a gateway that isn't known isn't a user
// who could sign in.
func TestServeRefusesOtherUsers(t *testing.T) {
	t.Parallel()
	g := servingCallers(t, os.Getuid()+1)
	if status, body, h := send(t, over(g.socket), "POST", "http://riskd/v1/decisions", quietEvent); status != 401 || h.Get("WWW-Authenticate") != `Bearer realm="riskd"` {
		t.Errorf("a decision: %d %s", status, body)
	}
	status, _, h := send(t, over(g.socket), "GET", "http://riskd/v1/forward-auth/web", "", "Cookie", "sid=s-2")
	if status != 403 || h.Get("X-Risk-Reasons") != "unknown_caller" || h.Get("X-Risk-Decision") != "none" {
		t.Errorf("forward-auth: %d %v", status, h)
	}
}

func TestSocketWithoutCallersIsItsOwners(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "s")
	servingAt(t, "gateway: {listen: unix://"+socket+"}\nadmin: {listen: \"127.0.0.1:0\"}\n")
	if in, err := os.Lstat(socket); err != nil || in.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", in, err)
	}
	if status, body, _ := send(t, over(socket), "POST", "http://riskd/v1/decisions", quietEvent); status != 200 {
		t.Errorf("a decision: %d %s", status, body)
	}
}

// The commands show who they are, and that is put on record.
func TestCommandsAreCallers(t *testing.T) {
	t.Parallel()
	g := servingCallers(t, os.Getuid())
	cert, key := g.authority.Issue(nil, adaID)
	pair := [2]string{filepath.Join(g.dir, "ada.pem"), filepath.Join(g.dir, "ada.key")}
	for i, text := range [][]byte{cert, key} {
		if err := os.WriteFile(pair[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := run(t.Context(), append(args, "-admin", g.admin, "-ca", g.files.CA), stdio{out: &out, err: &out})
		return out.String(), code
	}
	if out, code := command("sessions"); code != exitProblem || !strings.Contains(out, "Unauthorized") || !strings.Contains(out, "hint: show who you are: -token-file") {
		t.Errorf("as nobody: %d %s", code, out)
	}
	if out, code := command("revoke", "-user", "ana", "-reason", "lost", "-actor", "grace", "-token-file", g.token); code != 0 {
		t.Errorf("with a token: %d %s", code, out)
	}
	if out, code := command("revoke", "-user", "bob", "-reason", "lost", "-actor", "grace", "-cert", pair[0], "-key", pair[1]); code != 0 {
		t.Errorf("with a certificate: %d %s", code, out)
	}
	if out, code := command("policy", "confirm", "r1", "-reason", "r", "-cert", pair[0], "-key", pair[1]); code != exitProblem || !strings.Contains(out, "role is one of admin") {
		t.Errorf("an operator lets a revision in: %d %s", code, out)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"audit", "-data", filepath.Join(g.dir, "data"), "-act", "revoke", "-json"}, stdio{out: &out, err: &out}); code != 0 {
		t.Fatalf("audit: %s", &out)
	}
	for _, want := range []string{`"grace (via console)"`, `"grace (via ada)"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nobody is on record as %s:\n%s", want, &out)
		}
	}
}

// What can't be read keeps riskd from starting: it never goes on without.
func TestServeNeedsItsTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := callerstest.NewAuthority(t).WriteServer(dir)
	for field, config := range map[string]string{
		"admin.tls.client_ca": fmt.Sprintf("{cert: %s, key: %s, client_ca: %s/none}", f.Cert, f.Key, dir),
		"admin.tls.cert":      fmt.Sprintf("{cert: %s/none, key: %s, client_ca: %s}", dir, f.Key, f.CA),
		"admin.tls.key":       fmt.Sprintf("{cert: %s, key: %s/none, client_ca: %s}", f.Cert, dir, f.CA),
	} {
		text := "gateway: {listen: \"127.0.0.1:0\"}\nadmin:\n  listen: 127.0.0.1:0\n  tls: " + config +
			"\ncallers: [{name: ada, role: operator, certificates: [ada.example.com], tokens: [{sha256: " + strings.Repeat("ab", 32) + "}]}]\n"
		file := filepath.Join(t.TempDir(), "riskd.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		ended := serve(t.Context(), c, false, newLogger(io.Discard, c), nil)
		report(&out, ended)
		if ended == nil || !strings.Contains(out.String(), "riskd.yaml:4: "+field+": ") {
			t.Errorf("without %s: %s", field, &out)
		}
		out.Reset()
		if code := run(t.Context(), []string{"check", "-config", file}, stdio{out: &out, err: &out}); code != exitProblem || !strings.Contains(out.String(), field) {
			t.Errorf("check finds %s", &out)
		}
	}
}

// SIGHUP takes new files in while requests are answered; what is no good is told,
// and what was before stays.
func TestServeReloadsTLS(t *testing.T) {
	t.Parallel()
	g := servingCallers(t, os.Getuid())
	ada := g.authority.Client(adaID)
	var stop atomic.Bool
	var asked, lost atomic.Int64
	var all sync.WaitGroup
	warm := make(chan struct{}, 4)
	for range cap(warm) {
		all.Go(func() {
			fleeting, kept := g.with(false, ada), g.with(true, ada)
			for n := 0; n < 10 || !stop.Load(); n++ {
				for _, client := range []*http.Client{fleeting, kept} {
					asked.Add(1)
					if status, body, _ := send(t, client, "GET", g.admin+"/v1/sessions", ""); status != 200 {
						lost.Add(1)
						t.Errorf("a request gets %d %s", status, body)
					}
				}
				if n == 0 {
					warm <- struct{}{}
				}
			}
		})
	}
	for range cap(warm) {
		<-warm
	}
	degraded := func() string {
		_, body, _ := send(t, g.with(false), "GET", g.admin+"/readyz", "")
		var ready struct{ Degraded []string }
		if err := json.Unmarshal([]byte(body), &ready); err != nil {
			t.Errorf("readyz: %s", body)
		}
		return strings.Join(ready.Degraded, "\n")
	}
	for range 5 {
		g.authority.WriteServer(g.dir)
		g.signals <- syscall.SIGHUP
		g.await("certificate loaded")
	}
	if err := os.WriteFile(g.files.CA, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.signals <- syscall.SIGHUP
	g.await("certificate not loaded; the one before stays in force")
	if told := degraded(); !strings.Contains(told, "admin.tls.client_ca: ") {
		t.Errorf("readyz tells of %q", told)
	}
	if status, _, _ := send(t, g.with(false), "GET", g.admin+"/v1/sessions", ""); status != 401 {
		t.Errorf("nobody gets %d", status)
	}
	g.authority.WriteServer(g.dir)
	g.signals <- syscall.SIGHUP
	g.await("certificate loaded")
	if told := degraded(); strings.Contains(told, "tls") {
		t.Errorf("readyz still tells of %q", told)
	}
	stop.Store(true)
	all.Wait()
	t.Logf("%d requests, %d lost", asked.Load(), lost.Load())
}
