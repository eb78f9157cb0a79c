package bundle_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/policies/bundle"
)

func remote(t testing.TB, address string, wait time.Duration) *bundle.Remote {
	t.Helper()
	r, err := bundle.NewRemote(address, wait, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFetchAsksAsOPADoes(t *testing.T) {
	t.Parallel()
	var asked http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Type", "application/vnd.openpolicyagent.bundles")
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte("a bundle"))
	}))
	defer s.Close()
	r := remote(t, s.URL+"/bundles/strict.tar.gz?sig=secret", 30*time.Second)
	r.Token = func() (string, error) { return "t0ken\n", nil }
	a, err := r.Fetch(t.Context(), "")
	if err != nil || string(a.Bundle) != "a bundle" || a.ETag != `"one"` || !a.LongPoll {
		t.Fatalf("got %+v, %v", a, err)
	}
	if asked.Get("Prefer") != "modes=snapshot;wait=30" || asked.Get("Authorization") != "Bearer t0ken" || asked.Get("If-None-Match") != "" {
		t.Errorf("asked with %v", asked)
	}
	a, err = r.Fetch(t.Context(), a.ETag)
	if err != nil || a.Bundle != nil || a.ETag != `"one"` {
		t.Errorf("the same again: %+v, %v", a, err)
	}
	if text := r.String(); strings.Contains(text, "secret") || !strings.HasSuffix(text, "/bundles/strict.tar.gz") {
		t.Errorf("is shown as %s", text)
	}
}

func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host is asked: %v", r.Header)
	}))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, bundle.MaxCompressed+1)) })
	mux.HandleFunc("/unasked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, want := range map[string]string{
		"/away": "redirects are followed on the same host only", "/round": "3 at most", "/huge": "larger than",
		"/unasked": "304", "/missing": "the server answered 404 Not Found",
	} {
		_, err := remote(t, s.URL+path+"?sig=secret", 0).Fetch(t.Context(), "")
		wantError(t, err, want)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the address: %v", path, err)
		}
	}
	r := remote(t, s.URL+"/missing", 0)
	r.Token = func() (string, error) { return "", errors.New("no such file") }
	_, err := r.Fetch(t.Context(), "")
	wantError(t, err, "no such file")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := remote(t, s.URL+"/never", 0).Fetch(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

func TestAddressesOfBundles(t *testing.T) {
	t.Parallel()
	for address, c := range map[string]struct {
		verified bool
		want     string
	}{
		"https://packs.example.com/a.tar.gz":       {},
		"http://localhost:8888/a.tar.gz":           {},
		"http://[::1]:8888/a.tar.gz":               {},
		"http://packs.example.com/a.tar.gz":        {want: "anybody on the way can change the pack"},
		"http://packs.example.com/b.tar.gz":        {verified: true},
		"https://me:pw@packs.example.com/a":        {want: "must not hold a password"},
		"ftp://packs.example.com/a":                {want: "must be an http or https URL"},
		"https:///a":                               {want: "must be an http or https URL"},
		"https://packs.example.com/%zz":            {want: "is no URL"},
		"http://localhost.example.com:80/a.tar.gz": {want: "anybody on the way"},
	} {
		_, err := bundle.NewRemote(address, 0, c.verified)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", address, err)
		} else if c.want != "" {
			wantError(t, err, c.want)
		}
	}
}
