package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/bundle"
)

// writeKeys makes key.pem, key.pub.pem and other.pub.pem.
func writeKeys(dir string) error {
	var faults []error
	write := func(name, kind string, der []byte, err error) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		faults = append(faults, err, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	for _, name := range []string{"key", "other"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		write(name+".pem", "PRIVATE KEY", private, err)
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		write(name+".pub.pem", "PUBLIC KEY", public, err)
	}
	return errors.Join(faults...)
}

// packWith is the default pack without its tests, and with more in its policy.
func packWith(t testing.TB, more string) bundle.Files {
	t.Helper()
	files, _, err := bundle.Snapshot(policies.Default())
	if err != nil {
		t.Fatal(err)
	}
	delete(files, "policy_test.rego")
	files["policy.rego"] = append(files["policy.rego"], more...)
	return files
}

func bundled(t testing.TB, files bundle.Files, revision string) []byte {
	t.Helper()
	tarball, err := bundle.Build(files, "strict", revision)
	if err != nil {
		t.Fatal(err)
	}
	return tarball
}

// packServer is a server of bundles: it waits, if it is told to, until it has
// another than the one that the client has.
type packServer struct {
	*httptest.Server
	t        *testing.T
	longPoll bool

	mu      sync.Mutex
	tarball []byte
	n       int
	changed chan struct{}
}

func newPackServer(t *testing.T, longPoll bool, tarball []byte) *packServer {
	s := &packServer{t: t, longPoll: longPoll, changed: make(chan struct{})}
	s.put(tarball)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *packServer) put(tarball []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tarball = tarball
	s.n++
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *packServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer t0ken" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for {
		s.mu.Lock()
		etag, tarball, changed := fmt.Sprintf(`"%d"`, s.n), s.tarball, s.changed
		s.mu.Unlock()
		w.Header().Set("ETag", etag)
		if s.longPoll {
			w.Header().Set("Content-Type", "application/vnd.openpolicyagent.bundles")
		}
		if r.Header.Get("If-None-Match") != etag {
			_, _ = w.Write(tarball)
			return
		}
		if !s.longPoll {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func (r *running) policy() api.PolicyStatus {
	r.t.Helper()
	var p api.PolicyStatus
	_, body := r.get(r.admin + "/v1/policy")
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		r.t.Fatalf("%v: %s", err, body)
	}
	return p
}

// remoteConfig makes a folder with keys, a token and a data folder.
func remoteConfig(t *testing.T, url string) (dir, config string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"token": "t0ken\n", "session.key": strings.Repeat("k", 32)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeKeys(dir); err != nil {
		t.Fatal(err)
	}
	return dir, fmt.Sprintf(`data_dir: %[1]s/data
session_key_file: %[1]s/session.key
policy:
  pack: %[2]s/strict.tar.gz?sig=secret
  watch: 100ms
  token_file: %[1]s/token
  verify: {key_file: %[1]s/key.pub.pem, key_id: ci}
drain: {wait: 0s}
`, dir, url)
}

func sign(t testing.TB, dir, key string, tarball []byte, at time.Time) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, key))
	if err != nil {
		t.Fatal(err)
	}
	if tarball, err = bundle.Sign(tarball, bundle.Key{Text: text, ID: "ci"}, at); err != nil {
		t.Fatal(err)
	}
	return tarball
}

// TestServeFollowsAServersBundle goes with a server through good and bad bundles,
// through its absence and a restart without it.
func TestServeFollowsAServersBundle(t *testing.T) {
	t.Parallel()
	for name, longPoll := range map[string]bool{"polling": false, "long polling": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newPackServer(t, longPoll, nil)
			dir, config := remoteConfig(t, s.URL)
			at := time.Now().Add(-time.Hour)
			v1, v2 := bundled(t, packWith(t, ""), "v1"), bundled(t, packWith(t, "\n# more\n"), "v2")
			s.put(sign(t, dir, "key.pem", v1, at))
			r := serving(t, config)
			first := r.policy()
			if first.Pack != "strict" || first.Source.Kind != "url" || first.Source.Bundle != "v1" || first.Source.SignedBy != "ci" ||
				first.Source.Place != s.URL+"/strict.tar.gz" || !first.Source.SignedAt.Equal(at.Truncate(time.Second)) {
				t.Errorf("in force at first: %+v", first)
			}

			s.put(sign(t, dir, "key.pem", v2, at.Add(time.Minute)))
			r.await("policy pack loaded")
			second := r.policy()
			if second.Source.Bundle != "v2" || second.Revision == first.Revision || second.Previous == nil || second.Previous.Revision != first.Revision {
				t.Errorf("in force then: %+v", second)
			}

			bad := packWith(t, "\nnonsense if {\n\tinput.clinet.ip == 1\n}\n")
			for want, tarball := range map[string][]byte{
				"isn't signed":                           v2,
				"is not signed by the configured key":    sign(t, dir, "other.pem", v2, at.Add(time.Hour)),
				"is rolled back: it was signed at":       sign(t, dir, "key.pem", v1, at),
				`did you mean "client"?`:                 sign(t, dir, "key.pem", bundled(t, bad, "v3"), at.Add(time.Hour)),
				"is no gzip tarball":                     []byte("<html>"),
				"policy_test.rego:3:1: test_nothing: fa": sign(t, dir, "key.pem", bundled(t, failing(t), "v4"), at.Add(time.Hour)),
			} {
				s.put(tarball)
				if line := r.await("policy pack not loaded; the one before stays in force"); !strings.Contains(line["error"].(string), want) {
					t.Errorf("logged %v, want %q", line["error"], want)
				}
				p := r.policy()
				if p.Revision != second.Revision || p.Fault == nil || !strings.Contains(strings.Join(p.Fault.Errors, "\n"), want) {
					t.Errorf("GET /v1/policy: %+v, want fault %q", p, want)
				}
				if status, body := r.get(r.admin + "/readyz?verbose"); status != 200 || !strings.Contains(body, `"degraded":["pack strict: `) {
					t.Errorf("readyz: %d %s", status, body)
				}
				r.wantMetric("riskd_policy_load_failed 1")
			}
			s.put(sign(t, dir, "key.pem", v2, at.Add(2*time.Minute))) // signed anew
			r.await("policy pack loaded")
			if p := r.policy(); p.Fault != nil || p.Revision != second.Revision {
				t.Errorf("good again: %+v", p)
			}
			r.wantMetric("riskd_policy_load_failed 0")

			s.CloseClientConnections()
			s.Close()
			lost := r.await("policy pack not fetched; the one before stays in force")
			if text := lost["error"].(string); strings.Contains(text, "secret") || strings.Contains(text, "t0ken") {
				t.Errorf("the log has the secret: %s", text)
			}
			if p := r.policy(); p.Source.Error == "" || p.Fault != nil || p.Revision != second.Revision {
				t.Errorf("without a server: %+v", p)
			}
			if err := r.end(); err != nil {
				t.Fatal(err)
			}

			again := serving(t, config)
			if p := again.policy(); p.Revision != second.Revision || !p.Source.Kept || p.Source.SignedBy != "ci" || p.Source.Error == "" {
				t.Errorf("after a start without the server: %+v", p)
			}
			if err := again.end(); err != nil {
				t.Fatal(err)
			}
			wantOnRecord(t, dir+"/data", "policy")

			kept := filepath.Join(dir, "data", policyFolder, keptBundle)
			rewrite(t, kept, string(sign(t, dir, "other.pem", v2, at.Add(time.Hour))))
			c, err := loadConfig(write(t, config))
			if err != nil {
				t.Fatal(err)
			}
			_, err = startService(serviceOptions{config: c, log: slog.New(slog.DiscardHandler), geo: geoOptions(c), output: newJournal(slog.New(slog.DiscardHandler))})
			if err == nil || !strings.Contains(err.Error(), "what was kept of it: pack strict: bundle is not signed by the configured key") {
				t.Errorf("with a kept bundle that was changed: %v", err)
			}
		})
	}
}

func failing(t testing.TB) bundle.Files {
	files := packWith(t, "")
	files["policy_test.rego"] = []byte("package riskd.decision_test\n\ntest_nothing if 1 == 2\n")
	return files
}

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "riskd.yaml")
	rewrite(t, file, text)
	return file
}

// wantOnRecord looks for packs in force and refused in the audit log.
func wantOnRecord(t *testing.T, data, act string) {
	t.Helper()
	var out strings.Builder
	if code := run(t.Context(), []string{"audit", "-data", data, "-act", act, "-json"}, stdio{strings.NewReader(""), &out, &out}); code != 0 {
		t.Fatalf("audit: %s", out.String())
	}
	for _, want := range []string{`"signed_by":"ci"`, `"change":"refused"`, "rolled back", `"bundle":"v2"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("audit log lacks %s:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("audit log has the address's secret")
	}
}

// newsroom collects what a keeper tells.
type newsroom struct{ changes []packChange }

func (n *newsroom) tell(news packNews) { n.changes = append(n.changes, news.change) }

func folderKeeper(t *testing.T, o packOptions) (k *packKeeper, dir string, news *newsroom) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "strict")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, dir, packWith(t, ""))
	var err error
	if o.source, err = newPackSource(dir); err != nil {
		t.Fatal(err)
	}
	news = &newsroom{}
	o.log, o.tell = slog.New(slog.DiscardHandler), news.tell
	if k, err = newPackKeeper(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return k, dir, news
}

func put(t testing.TB, dir string, files bundle.Files) {
	t.Helper()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABrakeHoldsAPackUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	held := ""
	var k *packKeeper
	var dir string
	var news *newsroom
	k, dir, news = folderKeeper(t, packOptions{admit: func(next *policies.Pack) string {
		if k != nil && next.Info().Revision == k.set.Current().Info().Revision {
			return ""
		}
		return held
	}})
	first := k.Policy().Revision
	held = "would revoke 40 % of live sessions"
	put(t, dir, packWith(t, "\n# stricter\n"))
	k.reload(t.Context(), false)
	p := k.Policy()
	if p.Revision != first || p.Held == nil || p.Held.Reason != held || p.Held.Revision == first {
		t.Fatalf("held: %+v", p)
	}
	if d := k.degraded(); len(d) != 1 || !strings.Contains(d[0], held) {
		t.Errorf("degraded: %v", d)
	}
	k.set.Swap(k.held.pack.InForceSince(k.now())) // somebody has confirmed it
	k.switched(packSwitch{})
	if now := k.Policy(); now.Revision != p.Held.Revision || now.Held != nil || k.set.Current().Info().Since.IsZero() {
		t.Errorf("confirmed: %+v", now)
	}

	// Another candidate, or what is in force, takes the place of one that is held.
	put(t, dir, packWith(t, "\n# stricter still\n"))
	k.reload(t.Context(), false)
	put(t, dir, packWith(t, "\n# stricter\n"))
	k.reload(t.Context(), false)
	if now := k.Policy(); now.Held != nil || now.Revision != p.Held.Revision {
		t.Errorf("back to what is in force: %+v", now)
	}
	if want := []packChange{packInForce, packHeld, packInForce, packHeld, packInForce}; !slices.Equal(news.changes, want) {
		t.Errorf("told %v, want %v", news.changes, want)
	}
}

func TestChecksAreBounded(t *testing.T) {
	t.Parallel()
	var check atomic.Pointer[packCheck] // a check that is given up goes on
	passes := packCheck(func(context.Context, *policies.Pack, fs.FS) error { return nil })
	check.Store(&passes)
	k, dir, news := folderKeeper(t, packOptions{
		checks: []packCheck{func(ctx context.Context, p *policies.Pack, files fs.FS) error {
			countTests(ctx, 3, 2)
			return (*check.Load())(ctx, p, files)
		}},
	})
	first := k.Policy()
	if first.Tests == nil || first.Tests.Run != 3 || first.Tests.Passed != 2 {
		t.Errorf("tests: %+v", first.Tests)
	}
	never := make(chan struct{})
	for want, bad := range map[string]packCheck{
		"took longer than 1ms":                  func(context.Context, *policies.Pack, fs.FS) error { <-never; return nil },
		"panicked while it was checked: broken": func(context.Context, *policies.Pack, fs.FS) error { panic("broken") },
		"too dear":                              func(context.Context, *policies.Pack, fs.FS) error { return errors.New("too dear") },
	} {
		check.Store(&bad)
		k.patience = defaultPatience
		if strings.HasPrefix(want, "took") {
			k.patience = time.Millisecond
		}
		put(t, dir, packWith(t, "\n# "+want+"\n"))
		k.reload(t.Context(), false)
		if p := k.Policy(); p.Revision != first.Revision || p.Fault == nil || !strings.Contains(p.Fault.Errors[0], want) {
			t.Errorf("%s: %+v", want, p)
		}
	}
	close(never)
	if want := []packChange{packInForce, packRefused, packRefused, packRefused}; !slices.Equal(news.changes, want) {
		t.Errorf("told %v, want %v", news.changes, want)
	}
}

// A reload that finds the same pack leaves alone since when it is in force.
func TestReloadingTheSamePackChangesNothing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	k, dir, _ := folderKeeper(t, packOptions{now: func() time.Time { return now }})
	k.reload(t.Context(), true)
	if since := k.set.Current().Info().Since; !since.IsZero() {
		t.Errorf("the first revision is in force since %s", since)
	}
	put(t, dir, packWith(t, "\n# more\n"))
	k.reload(t.Context(), false)
	now = now.Add(time.Hour)
	k.reload(t.Context(), true)
	if since := k.set.Current().Info().Since; !since.Equal(now.Add(-time.Hour)) {
		t.Errorf("the second revision is in force since %s", since)
	}
}

func TestServersAreLeftAloneMoreAndMore(t *testing.T) {
	t.Parallel()
	source, err := newPackSource("https://packs.example.com/strict.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	k := &packKeeper{packOptions: packOptions{source: source}}
	for failed, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		for range 100 {
			if got := k.nextLook(time.Second, failed, false); got < want/2 || got >= want*3/2 {
				t.Errorf("after %d failures: %s, want about %s", failed, got, want)
			}
		}
	}
	if got := k.nextLook(time.Second, 1000, false); got >= rarest*3/2 {
		t.Errorf("after 1000 failures: %s", got)
	}
	if got := k.nextLook(time.Second, 0, true); got != 0 {
		t.Errorf("after a long poll: %s", got)
	}
	if got := (&packKeeper{}).nextLook(time.Second, 0, false); got != time.Second {
		t.Errorf("for a folder: %s", got)
	}
}
