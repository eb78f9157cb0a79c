package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/riskd/riskd/policies"
)

// running is a riskd that serves in this process, on ports of its own.
type running struct {
	t              *testing.T
	log            *logLines
	signals        chan os.Signal
	done           chan error
	gateway, admin string
	extauthz       string // "" where Envoy can't ask over gRPC
}

// serving starts riskd with a config and waits until it listens.
func serving(t *testing.T, config string) *running {
	t.Helper()
	if !strings.Contains(config, "gateway:") {
		config = "gateway: {listen: \"127.0.0.1:0\"}\n" + config
	}
	return servingAt(t, "admin: {listen: \"127.0.0.1:0\"}\n"+config)
}

// servingAt is serving where the config says.
func servingAt(t *testing.T, config string) *running {
	t.Helper()
	file := filepath.Join(t.TempDir(), "riskd.yaml")
	// A machine under load, with the race detector on, mustn't change an answer.
	config = "decision: {deadline: 1s}\n" + config
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, log: newLogLines(), signals: make(chan os.Signal, 4), done: make(chan error, 1)}
	go func() { r.done <- serve(t.Context(), c, false, newLogger(r.log, c), r.signals) }()
	started := r.await("serving")
	r.gateway, r.admin = "http://"+started["gateway"].(string), "http://"+started["admin"].(string)
	r.extauthz, _ = started["extauthz"].(string)
	return r
}

// await waits for a line of the log.
func (r *running) await(message string) map[string]any {
	r.t.Helper()
	for {
		select {
		case line := <-r.log.lines:
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				r.t.Fatalf("log line is no JSON: %s", line)
			}
			if fields["msg"] == message {
				return fields
			}
		case err := <-r.done:
			r.t.Fatalf("ended with %v while waiting for %q; log:\n%s", err, message, r.log.text())
		case <-time.After(time.Minute): // rather than hang
			r.t.Fatalf("no %q in the log:\n%s", message, r.log.text())
		}
	}
}

// end sends SIGTERM and waits for serve to return.
func (r *running) end() error {
	r.signals <- syscall.SIGTERM
	return <-r.done
}

func (r *running) get(url string) (int, string) {
	r.t.Helper()
	answer, err := http.Get(url)
	return read(r.t, answer, err)
}

func (r *running) post(url, body string) (int, string) {
	r.t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	return read(r.t, answer, err)
}

func read(t *testing.T, answer *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// logLines is a log that can be waited on.
type logLines struct {
	mu    sync.Mutex
	all   bytes.Buffer
	lines chan []byte
}

func newLogLines() *logLines { return &logLines{lines: make(chan []byte, 10_000)} }

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.all.Write(line)
	l.mu.Unlock()
	l.lines <- bytes.Clone(line)
	return len(line), nil
}

func (l *logLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

const quietEvent = `{"session":{"id":"s-1"},"user":{"id":"ana"},"client":{"ip":"203.0.113.7"}}`

func TestServeAnswersAndDrains(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 1h, limit: 2h}\n")
	if !strings.Contains(r.log.text(), "geo.databases is not set") {
		t.Errorf("the start says nothing of missing geo data:\n%s", r.log.text())
	}
	if status, body := r.post(r.gateway+"/v1/decisions", quietEvent); status != 200 || !strings.Contains(body, `"decision":"allow"`) {
		t.Errorf("decision: %d %s", status, body)
	}
	if status, body := r.get(r.admin + "/readyz"); status != 200 {
		t.Errorf("readyz before: %d %s", status, body)
	}
	r.signals <- syscall.SIGTERM
	r.await("draining")
	if status, body := r.get(r.admin + "/readyz"); status != 503 || !strings.Contains(body, "draining") {
		t.Errorf("readyz while draining: %d %s", status, body)
	}
	if status, _ := r.get(r.admin + "/livez"); status != 200 {
		t.Errorf("livez while draining: %d", status)
	}
	status, answer := r.post(r.gateway+"/v1/decisions", quietEvent)
	if status != 200 {
		t.Errorf("decision while draining: %d %s", status, answer)
	}
	r.signals <- syscall.SIGHUP // doesn't end it
	r.signals <- os.Interrupt
	if err := <-r.done; !errors.Is(err, errSecondSignal) {
		t.Errorf("second signal: got %v", err)
	}
	// Somebody else may have got the port; references are this riskd's own.
	response, err := http.Post(r.gateway+"/v1/decisions", "application/json", strings.NewReader(quietEvent))
	if err != nil {
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if session := regexp.MustCompile(`s_\w{26}`).FindString(answer); session == "" || bytes.Contains(body, []byte(session)) {
		t.Errorf("still answers after its end: %s", body)
	}
}

// A request that has begun is answered, although riskd was told to end meanwhile.
func TestServeFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s, limit: 1m}\n")
	c, err := net.Dial("tcp", strings.TrimPrefix(r.gateway, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(quietEvent))
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("handler doesn't read: %q %v", line, err)
	}
	r.signals <- syscall.SIGTERM
	r.await("draining")
	fmt.Fprint(c, quietEvent)
	if _, err := in.ReadString('\n'); err != nil { // the empty line after 100
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(in, nil)
	if status, body := read(t, answer, err); status != 200 || !strings.Contains(body, `"decision":"allow"`) {
		t.Errorf("in flight: %d %s", status, body)
	}
	if err := <-r.done; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestServeEndsAtTheDrainLimit(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s, limit: 50ms}\n")
	c, err := net.Dial("tcp", strings.TrimPrefix(r.gateway, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /v1/decisions HTTP/1.1\r\nHost: riskd\r\nContent-Type: application/json\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatalf("handler doesn't read: %q %v", line, err)
	}
	if err := r.end(); !errors.Is(err, errDrainLimit) {
		t.Errorf("got %v, want the drain limit", err)
	}
}

func TestServeReloadsThePack(t *testing.T) {
	t.Parallel()
	pack := copyDefaultPack(t)
	if err := os.Remove(filepath.Join(pack, "policy_test.rego")); err != nil { // it is about another policy
		t.Fatal(err)
	}
	r := serving(t, "policy: {pack: "+pack+", watch: 0s}\ndrain: {wait: 0s}\n")
	first := r.revision()
	policy := filepath.Join(pack, "policy.rego")
	good, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}

	rewrite(t, policy, string(good)+"\nnonsense if {\n\tinput.clinet.ip == 1\n}\n")
	r.signals <- syscall.SIGHUP
	fault := r.await("policy pack not loaded; the one before stays in force")
	if text := fault["error"].(string); !regexp.MustCompile(`^pack strict: policy\.rego:\d+:\d+: .*clinet`).MatchString(text) {
		t.Errorf("logged fault: %s", text)
	}
	if fault["in_force"] != first || r.revision() != first {
		t.Errorf("in force is %s after a bad pack, was %s", r.revision(), first)
	}
	r.wantMetric("riskd_policy_load_failed 1")
	if status, body := r.get(r.admin + "/readyz"); status != 200 || !strings.Contains(body, `"degraded":["pack strict: policy.rego:`) {
		t.Errorf("a bad pack on disk must not take riskd out of service: %d %s", status, body)
	}

	rewrite(t, policy, strings.ReplaceAll(string(good), `"allow"`, `"step_up"`))
	r.signals <- syscall.SIGHUP
	loaded := r.await("policy pack loaded")
	if second := r.revision(); second == first || loaded["revision"] != second {
		t.Errorf("revision %s after %s, logged %v", second, first, loaded["revision"])
	}
	if _, body := r.post(r.gateway+"/v1/decisions", quietEvent); !strings.Contains(body, `"decision":"step_up"`) {
		t.Errorf("the new pack doesn't decide: %s", body)
	}
	r.wantMetric("riskd_policy_load_failed 0")
	if _, body := r.get(r.admin + "/readyz"); body != `{"status":"ok"}` {
		t.Errorf("readyz after the pack is good again: %s", body)
	}
	r.wantMetric(`riskd_policy_info{pack="strict",revision="` + r.revision() + `"} 1`)
	if _, text := r.get(r.admin + "/metrics"); strings.Contains(text, first) {
		t.Errorf("metrics still name revision %s", first)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

func TestServeWatchesThePack(t *testing.T) {
	t.Parallel()
	pack := copyDefaultPack(t)
	r := serving(t, "policy: {pack: "+pack+", watch: 100ms}\ndrain: {wait: 0s}\n")
	if err := os.Remove(filepath.Join(pack, "policy.rego")); err != nil {
		t.Fatal(err)
	}
	r.await("policy pack not loaded; the one before stays in force")
	if status, body := r.post(r.gateway+"/v1/decisions", quietEvent); status != 200 || !strings.Contains(body, `"decision":"allow"`) {
		t.Errorf("without a pack on disk: %d %s", status, body)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

func TestServeWithoutGeoDataSaysSo(t *testing.T) {
	t.Parallel()
	r := serving(t, "geo: {databases: [none.mmdb]}\ndrain: {wait: 0s}\n")
	if !strings.Contains(r.log.text(), "geo file not loaded") {
		t.Errorf("not logged:\n%s", r.log.text())
	}
	if _, body := r.post(r.gateway+"/v1/decisions", quietEvent); !strings.Contains(body, `"geo_missing"`) {
		t.Errorf("not in the decision: %s", body)
	}
	if status, body := r.get(r.admin + "/readyz"); status != 200 || !strings.Contains(body, "none.mmdb") {
		t.Errorf("not in readyz: %d %s", status, body)
	}
	r.wantMetric(`riskd_degraded_decisions_total{code="geo_missing"} 1`)
	r.wantMetric(`riskd_geo_file_failed{file=".*none.mmdb"} 1`)
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

// What a caller sends and what could be used against somebody stays out of logs,
// metrics and problems.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	r := serving(t, "log: {level: debug}\ndrain: {wait: 0s}\n")
	const event = `{"session":{"id":"canary-session","previous_id":"canary-previous"},"user":{"id":"canary-user"},` +
		`"device":{"id":"canary-device"},"client":{"ip":"203.0.113.99","user_agent":"canary-agent"},` +
		`"request":{"route":"/canary-route","class":"sensitive"},"privilege":{"level":9,"action":"canary-action"}}`
	var seen strings.Builder
	for _, body := range []string{event, strings.Replace(event, "203.0.113.99", "canary-address", 1), event + "canary-tail", strings.Replace(event, `"class"`, `"canary-member":"canary-value","class"`, 1)} {
		if status, answer := r.post(r.gateway+"/v1/decisions", body); status != http.StatusOK {
			seen.WriteString(answer)
		}
	}
	_, answer := r.post(r.admin+"/v1/revocations", `{"target":{"session_id":"canary-session"}}`)
	seen.WriteString(answer)
	_, answer = r.post(r.gateway+"/v1/decisions", event)
	if !strings.Contains(answer, `"decision":"revoke"`) {
		t.Errorf("not revoked: %s", answer)
	}
	r.await("decision")
	_, answer = r.get(r.admin + "/metrics")
	seen.WriteString(answer)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	seen.WriteString(r.log.text())
	if !strings.Contains(seen.String(), `"decision":"revoke"`) || !strings.Contains(seen.String(), "riskd_decisions_total") {
		t.Fatal("the test looks at nothing")
	}
	for _, canary := range regexp.MustCompile(`canary-[a-z]*|203\.0\.113\.99`).FindAllString(seen.String(), -1) {
		if canary != "canary-member" { // the name of a member that doesn't exist is what its problem is about
			t.Errorf("%s got out", canary)
		}
	}
}

// Not parallel: it looks at every goroutine there is.
func TestServeLeavesNothingBehind(t *testing.T) {
	pack := copyDefaultPack(t)
	r := serving(t, "policy: {pack: "+pack+"}\ngeo: {databases: [none.mmdb]}\ndrain: {wait: 0s}\n")
	r.post(r.gateway+"/v1/decisions", quietEvent)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if left := ownGoroutines(); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := defaults()
	c.Gateway.Listen, c.Admin.Listen, c.Policy.Pack = "127.0.0.1:0", taken.Addr().String(), pack
	if err := serve(t.Context(), c, false, newLogger(newLogLines(), c), nil); err == nil || !strings.Contains(err.Error(), "admin.listen: listen tcp "+taken.Addr().String()) {
		t.Errorf("a port that is taken: %v", err)
	}
	if left := ownGoroutines(); left != "" {
		t.Errorf("left behind by a start that failed:\n%s", left)
	}
}

// ownGoroutines gives the stacks of goroutines that run this package's code, and
// no test's.
func ownGoroutines() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var own []string
	for _, g := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(g, "riskd/cmd/riskd.") && !strings.Contains(g, "_test.go") {
			own = append(own, g)
		}
	}
	return strings.Join(own, "\n\n")
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s}\n")
	r.post(r.gateway+"/v1/decisions", quietEvent)
	r.post(r.admin+"/v1/revocations", `{"target":{"user":"ana"},"reason":"test","actor":"test"}`)
	r.post(r.gateway+"/v1/decisions", quietEvent)
	r.post(r.gateway+"/v1/decisions", "{")
	for _, line := range []string{
		`riskd_decisions_total{effect="allow",pack="default"} 1`,
		`riskd_decisions_total{effect="revoke",pack="default"} 1`,
		`riskd_decisions_total{effect="step_up",pack="default"} 0`,
		`riskd_decision_duration_seconds_bucket{le="5e-05"} [0-2]`,
		`riskd_decision_duration_seconds_bucket{le="0.1024"} 2`,
		`riskd_decision_duration_seconds_count 2`,
		`riskd_fallback_decisions_total 0`,
		`riskd_http_requests_total{code="200",surface="decision"} 2`,
		`riskd_http_requests_total{code="400",surface="decision"} 1`,
		`riskd_policy_info{pack="default",revision="[0-9a-f]+"} 1`,
		`riskd_policy_load_failed 0`,
		`riskd_orders_total{effect="revoke",scope="user"} 1`,
		`riskd_revocations [1-9]`,
		`riskd_sessions 1`,
		`riskd_profiles 1`,
		`riskd_session_evictions_total 0`,
		`riskd_build_info{goversion="go.*",opaversion=".*",revision=".*",version=".*"} 1`,
		`go_goroutines \d+`,
		`process_open_fds \d+`,
	} {
		r.wantMetric(line)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

// wantMetric compares a line of /metrics, whose value and labels may be patterns.
func (r *running) wantMetric(line string) {
	r.t.Helper()
	_, text := r.get(r.admin + "/metrics")
	pattern := "(?m)^" + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line) + "$"
	if !regexp.MustCompile(pattern).MatchString(text) {
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		r.t.Errorf("no %s in\n%s", line, strings.Join(regexp.MustCompile("(?m)^"+name+".*$").FindAllString(text, -1), "\n"))
	}
}

// revision asks which pack decides.
func (r *running) revision() string {
	r.t.Helper()
	_, body := r.post(r.gateway+"/v1/decisions", quietEvent)
	var d struct{ Policy struct{ Revision string } }
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		r.t.Fatalf("%v: %s", err, body)
	}
	return d.Policy.Revision
}

func copyDefaultPack(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "strict")
	if err := os.CopyFS(dir, policies.Default()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rewrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSignalsAreHeard(t *testing.T) {
	signals, stop := listenForSignals()
	defer stop()
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT} {
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		if got := <-signals; got != sig {
			t.Errorf("got %v, want %v", got, sig)
		}
	}
}

func TestPanicMeter(t *testing.T) {
	t.Parallel()
	log := newLogLines()
	p := &panicMeter{log: newLogger(log, defaults()), count: newMetrics().panics}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range panicLimit {
		if now := start.Add(time.Duration(i) * time.Second); p.tooMany(now) {
			t.Errorf("too many after %d", i)
		}
		p.note("decision", "canary", nil, start.Add(time.Duration(i)*time.Second))
	}
	if !p.tooMany(start.Add(panicWindow - 1)) {
		t.Errorf("%d panics within the window aren't too many", panicLimit)
	}
	if p.tooMany(start.Add(panicWindow)) {
		t.Error("old panics count for ever")
	}
	if strings.Contains(log.text(), "canary") {
		t.Errorf("the panic's value is logged: %s", log.text())
	}
}

// untested takes a pack's tests away, which a test's changes would fail.
func untested(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "policy_test.rego")); err != nil {
		t.Fatal(err)
	}
}
