package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A key file that breaks while riskd runs leaves the keys before in force, and
// shows.
func TestKeyFilesOfProfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, file := filepath.Join(dir, "jwks.json"), filepath.Join(dir, "riskd.yaml")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const set = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}` // RFC 8037 A.2
	write(file, `gateway:
  listen: 127.0.0.1:0
  forward_auth:
    - {name: app, style: caddy, session: {bearer: true}, jwt: {keys_file: jwks.json, issuer: https://idp.example}}
admin: {listen: "127.0.0.1:0"}
drain: {wait: 0s}
`)
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := readKeys(c); err == nil || !strings.HasPrefix(err.Error(), file+":4: gateway.forward_auth[0].jwt.keys_file: "+keys+": no such file") {
		t.Errorf("without the file: %v", err)
	}
	write(keys, set)
	r := &running{t: t, log: newLogLines(), signals: make(chan os.Signal, 4), done: make(chan error, 1)}
	go func() { r.done <- serve(t.Context(), c, false, newLogger(r.log, c), r.signals) }()
	started := r.await("serving")
	gateway, admin := "http://"+started["gateway"].(string), "http://"+started["admin"].(string)
	get := func(url, authorization string) (string, string) {
		t.Helper()
		q, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", authorization)
		w, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		body, _ := io.ReadAll(w.Body)
		return w.Header.Get("Www-Authenticate"), string(body)
	}
	for _, broken := range []bool{false, true} {
		if broken {
			write(keys, "{}")
			r.signals <- syscall.SIGHUP
			r.await("keys")
		}
		if challenge, _ := get(gateway+"/v1/forward-auth/app", "Bearer eyJhbGciOiJub25lIn0.e30."); challenge != `Bearer realm="riskd", error="invalid_token"` {
			t.Errorf("a bad token is challenged with %s", challenge)
		}
		if _, body := get(admin+"/readyz", ""); strings.Contains(body, "jwt.keys_file") != broken {
			t.Errorf("broken %t: /readyz says %s", broken, body)
		}
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
}
