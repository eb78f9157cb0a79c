package callers_test

import (
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
)

// shortDir is a folder whose name leaves room for a socket's: 108 bytes in all.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "riskd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// who answers with the caller's name, or with 401.
func who(c *callers.Callers) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask := c.HTTP
		if r.URL.Path == "/forward-auth" {
			ask = c.ForwardAuth
		}
		caller, err := ask(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(caller.Name))
	})
}

// serve serves who on a listener.
func serve(t *testing.T, l net.Listener, c *callers.Callers) {
	t.Helper()
	server := &http.Server{Handler: who(c), ConnContext: callers.ConnContext}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
}

func unixClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
}

func TestUnixSocketKnowsItsPeer(t *testing.T) {
	t.Parallel()
	own := uint32(os.Getuid())
	secret, hash := callers.NewToken()
	for name, test := range map[string]struct {
		uid    uint32
		header map[string]string
		want   string
	}{
		"its own user":              {own, nil, "200 edge"},
		"another user":              {own + 1, nil, "401"},
		"another user, but a token": {own + 1, map[string]string{"Authorization": "Bearer " + secret}, "200 edge"},
		"its own, but a bad token":  {own, map[string]string{"Authorization": "Bearer " + secret + "x"}, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(shortDir(t), "s")
			l, err := callers.ListenUnix(path, callers.ModeGroup)
			if err != nil {
				t.Fatal(err)
			}
			c, err := callers.New(callers.Options{Grants: []callers.Grant{{Caller: named("edge", riskd.RoleGateway), UIDs: []uint32{test.uid}, Tokens: []callers.Token{hash}}}})
			if err != nil {
				t.Fatal(err)
			}
			serve(t, l, c)
			if got := ask(t, unixClient(path), "http://riskd/", test.header); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// On forward-auth the client's own Authorization neither helps nor harms.
func TestForwardAuthIgnoresTheClientsToken(t *testing.T) {
	t.Parallel()
	secret, hash := callers.NewToken()
	c, err := callers.New(callers.Options{Grants: []callers.Grant{{Caller: named("edge", riskd.RoleGateway), Tokens: []callers.Token{hash}}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(who(c))
	defer server.Close()
	good, bad := "Bearer "+secret, "Bearer of-the-client"
	for name, test := range map[string]struct {
		path, header, authorization, want string
	}{
		"elsewhere, in Authorization":           {"/", "", good, "200 edge"},
		"elsewhere, in the other":               {"/", good, "", "200 edge"},
		"elsewhere, the same in both":           {"/", good, good, "200 edge"},
		"elsewhere, a bad one beside":           {"/", good, bad, "401"},
		"forward-auth, in Authorization":        {"/forward-auth", "", good, "401"},
		"forward-auth, in the other":            {"/forward-auth", good, "", "200 edge"},
		"forward-auth, beside the client's":     {"/forward-auth", good, bad, "200 edge"},
		"forward-auth, bad beside the client's": {"/forward-auth", bad, good, "401"},
	} {
		headers := map[string]string{}
		if test.header != "" {
			headers[callers.Header] = test.header
		}
		if test.authorization != "" {
			headers["Authorization"] = test.authorization
		}
		if got := ask(t, server.Client(), server.URL+test.path, headers); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// ask gives the status of an answer and, where that is 200, its body.
func ask(t *testing.T, client *http.Client, url string, headers map[string]string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w, err := client.Do(r)
	if err != nil {
		return "error"
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return w.Status[:3]
	}
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return "200 " + string(body)
}

func TestListenUnix(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	mode := func() fs.FileMode {
		in, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return in.Mode()
	}
	l, err := callers.ListenUnix(path, callers.ModeGroup)
	if err != nil {
		t.Fatal(err)
	}
	if m := mode(); m != fs.ModeSocket|0o660 {
		t.Errorf("the mode is %s", m)
	}
	if _, err := callers.ListenUnix(path, callers.ModeGroup); err == nil || !strings.Contains(err.Error(), "somebody listens on") {
		t.Errorf("a second listener: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket stays behind: %v", err)
	}

	// A process that was killed leaves its socket.
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	if l, err = callers.ListenUnix(path, callers.ModeOwner); err != nil {
		t.Fatal(err)
	}
	if m := mode(); m != fs.ModeSocket|0o600 {
		t.Errorf("the mode is %s", m)
	}

	// What has taken its place is not its own to remove.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := callers.ListenUnix(path, callers.ModeGroup); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("over a file: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if _, err := callers.ListenUnix(filepath.Join(dir, "none", "s"), callers.ModeGroup); err == nil {
		t.Error("listens in a folder that isn't there")
	}
}

func TestSocketPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:///run/riskd/gateway.sock": "/run/riskd/gateway.sock",
		"unix:/run/riskd/gateway.sock":   "/run/riskd/gateway.sock",
		"unix:s":                         "s",
		"127.0.0.1:8181":                 "",
		"/run/riskd/gateway.sock":        "",
	} {
		if got, ok := callers.SocketPath(address); ok != strings.HasPrefix(address, "unix:") || ok && got != want {
			t.Errorf("%s: got %q, %t", address, got, ok)
		}
	}
}
