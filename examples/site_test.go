//go:build integration

package examples

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// site is a gateway that serves as its folder says, what is behind it, and riskd.
type site struct {
	gateway       *gateway
	address       string // of the gateway
	folder        string // with the rendered files
	app           *app
	link          *link
	riskd, admin  string // addresses
	authz         string // of riskd's gRPC listener
	ports         map[string]string
	ordered       uint64 // the number of the last order
	sessionNumber atomic.Int64
}

// The ports that the examples name.
const (
	gatewayPort = "8080"
	appPort     = "3000"
	riskdPort   = "8181"
	adminPort   = "8182"
	authzPort   = "8183"
)

// newSite starts all of it, and ends it with the test.
func newSite(t *testing.T, g *gateway) *site {
	t.Helper()
	s := &site{gateway: g, folder: newFolder(t), app: newApp(t)}
	s.riskd, s.admin = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s.address = "127.0.0.1:" + freePort(t)
	s.authz = "127.0.0.1:" + freePort(t)
	asked := s.riskd
	if g.grpc {
		asked = s.authz
	}
	s.link = newLink(t, asked)
	s.ports = map[string]string{
		gatewayPort: port(s.address),
		appPort:     port(s.app.Listener.Addr().String()),
		riskdPort:   port(s.link.address),
		authzPort:   port(s.link.address),
	}
	for _, own := range g.ports {
		s.ports[own] = freePort(t)
	}
	s.startRiskd(t)
	for _, name := range g.files {
		s.render(t, name)
	}
	startChild(t, g.command(s), s.address)
	s.awaitServing(t)
	return s
}

// awaitServing waits until the gateway serves: some listen before they have read
// all of their config.
func (s *site) awaitServing(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); s.ask(t, "GET", "/login", "").status != 200; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the gateway doesn't serve")
		}
	}
}

// newFolder makes a folder that gateways can read when they have given up root.
func newFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "riskd-site")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// startRiskd serves with the folder's riskd.yaml.
func (s *site) startRiskd(t *testing.T) {
	t.Helper()
	text := s.example(t, "riskd.yaml")
	s.serve(t, "admin: {listen: \""+s.admin+"\"}\n"+
		strings.Replace(strings.Replace(text, "gateway:\n", "gateway:\n  listen: "+s.riskd+"\n", 1), "127.0.0.1:"+authzPort, s.authz, 1))
}

// serve starts riskd with a config. It gets more time for a decision than users would
// give it, since a machine that is busy mustn't change one.
func (s *site) serve(t *testing.T, config string) {
	t.Helper()
	file := filepath.Join(s.folder, "riskd.yaml")
	s.write("riskd.yaml", "log: {level: warn}\ndecision: {deadline: 1s}\n"+config)
	startChild(t, exec.Command(riskdBinary, "serve", "-config", file), s.riskd)
}

// write puts a file into the site's folder.
func (s *site) write(name, text string) {
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o644); err != nil {
		panic(err)
	}
}

func (s *site) example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.gateway.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var number = regexp.MustCompile(`\b\d{4}\b`)

// render copies a file of the example. Nothing in it changes but the ports.
func (s *site) render(t *testing.T, name string) {
	t.Helper()
	s.write(name, s.rendered(t, name))
}

func (s *site) rendered(t *testing.T, name string) string {
	t.Helper()
	return number.ReplaceAllStringFunc(s.example(t, name), func(n string) string {
		if p, ok := s.ports[n]; ok {
			return p
		}
		return n
	})
}

// signedIn gives a session whose user, a new one, has just signed in. To riskd, one
// that did all that these tests do would be an attacker's.
func (s *site) signedIn(t *testing.T) string {
	t.Helper()
	session := s.newSession()
	s.signIn(t, session, 0)
	return session
}

// newSession gives the id of a session that riskd has never seen.
func (s *site) newSession() string { return fmt.Sprintf("session-%d", s.sessionNumber.Add(1)) }

// signIn tells riskd of a sign-in, as an application does.
func (s *site) signIn(t *testing.T, session string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago).UTC().Format(time.RFC3339)
	s.post(t, s.riskd, "/v1/decisions", 200, fmt.Sprintf(`{
		"session": {"id": %[1]q, "started_at": %[2]q, "auth_time": %[2]q, "acr": "aal2", "amr": ["pwd", "otp"]},
		"user": {"id": "user of %[1]s"}, "client": {"ip": %[3]q, "user_agent": %[4]q}}`, session, at, browserAddress, agent))
}

// order has riskd do something to a session.
func (s *site) order(t *testing.T, effect, session string) {
	t.Helper()
	text := s.post(t, s.admin, "/v1/revocations", 200, fmt.Sprintf(`{"target": {"session_id": %q}, "effect": %q, "reason": "test", "actor": "test"}`, session, effect))
	var order struct{ Epoch uint64 }
	if err := json.Unmarshal(text, &order); err != nil {
		t.Fatal(err)
	}
	s.ordered = order.Epoch
}

func (s *site) post(t *testing.T, address, path string, want int, body string) (answer []byte) {
	t.Helper()
	got, err := http.Post("http://"+address+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, _ := io.ReadAll(got.Body)
	if got.StatusCode != want {
		t.Fatalf("POST %s: %d %s\n%s", path, got.StatusCode, text, body)
	}
	return text
}

// decision is what riskd knows of a decision.
type decision struct {
	Decision string `json:"decision"`
	Session  string `json:"session"`
	Request  struct{ Method, Class string }
	Network  struct{ Prefix string }
	StepUp   struct{ ID string } `json:"step_up"`
	State    struct{ Degraded []string }
}

func (s *site) decision(t *testing.T, id string) *decision {
	t.Helper()
	var d decision
	s.read(t, "/v1/decisions/"+id, &d)
	return &d
}

func (s *site) read(t *testing.T, path string, into any) {
	t.Helper()
	got, err := http.Get("http://" + s.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, _ := io.ReadAll(got.Body)
	if got.StatusCode != 200 {
		t.Fatalf("GET %s: %d %s", path, got.StatusCode, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, text)
	}
}
