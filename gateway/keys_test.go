package gateway

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	r, file := tokenReader(t, nil)
	k := testKeys()
	old := sign(t, k.rsa, `{"alg":"RS256","kid":"r1"}`, goodClaims)
	next := sign(t, k.other, `{"alg":"RS256","kid":"r2"}`, goodClaims)
	check := func(what, token string, want Refusal) {
		t.Helper()
		if _, code := r.Event("web", askToken(token)); code != want {
			t.Errorf("%s: %q", what, code)
		}
	}
	check("before", old, "")
	check("before it is there", next, InvalidToken)
	kept := r.profiles["web"].keys.Load()
	if err := r.Reload(); err != nil || r.profiles["web"].keys.Load() != kept {
		t.Errorf("an unchanged file was read again: %v", err)
	}

	for name, content := range map[string]string{"empty": "", "no keys": `{"keys":[]}`, "half": `{"keys":[{"kty":"RS`} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(); err == nil || len(r.Faults()) != 1 || !strings.Contains(r.Faults()[0], "profile web: jwt.keys_file: "+file) {
			t.Errorf("%s: %v, %q", name, err, r.Faults())
		}
		check("with a file that is "+name, old, "")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil {
		t.Error("a file that is gone is no fault")
	}
	check("without a file", old, "")

	writeKeys(t, file, jwkRSA("r2", &k.other.PublicKey, ""))
	if err := r.Reload(); err != nil || r.Faults() != nil {
		t.Errorf("%v, %q", err, r.Faults())
	}
	check("after", next, "")
	check("under the key that is gone", old, InvalidToken)
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	k := testKeys()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	one := jwkRSA("r1", &k.rsa.PublicKey, "")
	for name, c := range map[string]struct{ content, err string }{
		"none":        {"-", "no such file"},
		"empty":       {"", "is no JWK Set"},
		"one key":     {one, "is no JWK Set"},
		"no keys":     {`{"keys":[]}`, "has 0 keys"},
		"too many":    {`{"keys":[` + strings.Repeat(one+",", 64) + one + `]}`, "has 65 keys"},
		"too long":    {strings.Repeat(" ", maxKeysFile+1), "the limit is"},
		"a secret":    {`{"keys":[` + one + `,{"kty":"oct","k":"AAAA"}]}`, "keys[1]: is a secret"},
		"private":     {`{"keys":[` + jwkRSA("r1", &k.rsa.PublicKey, `,"d":"AAAA"`) + `]}`, "keys[0]: is a secret"},
		"short":       {`{"keys":[` + jwkRSA("r1", &short.PublicKey, "") + `]}`, "no good RSA key: "},
		"broken":      {`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, "no good EC key"},
		"not a curve": {`{"keys":[{"kty":"EC","crv":"P-9","x":"AA","y":"AA"}]}`, "no good EC key"},
		"not a key":   {`{"keys":[1]}`, "keys[0]: is no key"},
		"encryption":  {`{"keys":[` + jwkRSA("r1", &k.rsa.PublicKey, `,"use":"enc"`) + `]}`, "has 0 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "jwks.json")
			if c.content != "-" {
				if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := New(Options{Key: testKey(t), Profiles: []Profile{{
				Name: "web", Style: Caddy, Session: Source{Bearer: true}, JWT: JWT{KeysFile: file, Issuer: "x"},
			}}})
			if err == nil || !strings.Contains(err.Error(), "Profiles[0]: jwt.keys_file: "+file+": ") || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A token never means more than one key.
func TestKeysOfTheSameName(t *testing.T) {
	t.Parallel()
	k := testKeys()
	r, _ := tokenReader(t, nil, jwkRSA("r1", &k.rsa.PublicKey, ""), jwkRSA("r1", &k.other.PublicKey, ""), jwkEC(t, "r1", &k.ec.PublicKey))
	for _, with := range []*rsa.PrivateKey{k.rsa, k.other} {
		if _, code := r.Event("web", askToken(sign(t, with, `{"alg":"RS256","kid":"r1"}`, goodClaims))); code != InvalidToken {
			t.Errorf("two keys: %q", code)
		}
	}
	if _, code := r.Event("web", askToken(sign(t, k.ec, `{"alg":"ES256","kid":"r1"}`, goodClaims))); code != "" {
		t.Errorf("one that fits: %q", code)
	}
}

func TestTokensKeptAreBounded(t *testing.T) {
	t.Parallel()
	var c tokens
	first, who := digest("first"), &identity{user: "ann", expires: time.Unix(1, 0)}
	c.put(first, who)
	for i := range 10 * maxTokens {
		c.put([sha256.Size]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}, who)
		if i%(maxTokens/2) == 0 && c.get(first) != who {
			t.Fatalf("what is in use was dropped after %d", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxTokens {
		t.Errorf("%d are kept", n)
	}
	if c.get(digest("none")) != nil {
		t.Error("there is what nobody put in")
	}
}

func TestJWTNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Profile)
		err    string
	}{
		"no issuer":          {func(f *Profile) { f.JWT.Issuer = "" }, "jwt.issuer: is required"},
		"no keys":            {func(f *Profile) { f.JWT.KeysFile = "" }, "jwt.keys_file: is needed"},
		"no algorithm":       {func(f *Profile) { f.JWT.Algorithms = []string{"RS256", "none"} }, `jwt.algorithms[1]: "none" is not one of`},
		"a MAC":              {func(f *Profile) { f.JWT.Algorithms = []string{"HS256"} }, `jwt.algorithms[0]: "HS256"`},
		"user and sub":       {func(f *Profile) { f.User = "X-User" }, "user: does nothing beside jwt"},
		"acr":                {func(f *Profile) { f.ACR = "X-Acr" }, "acr: does nothing"},
		"roles":              {func(f *Profile) { f.Roles, f.JWT.RolesClaim = "X-Roles", "roles" }, "roles: does nothing"},
		"started_at":         {func(f *Profile) { f.StartedAt, f.JWT.StartedAtClaim = "X-Start", "s" }, "started_at: does nothing"},
		"no source of token": {func(f *Profile) { f.Session, f.JWT.SessionClaim = Source{}, "sid" }, "session: is required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Profile{Name: "web", Style: Caddy, Session: Source{Bearer: true}, JWT: JWT{KeysFile: "jwks.json", Issuer: "x"}}
			c.change(&f)
			if err := f.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
	roles := Profile{Name: "web", Style: Envoy, Roles: "X-Roles", StartedAt: "X-Start", JWT: JWT{SessionClaim: "sid"}}
	if err := roles.Validate(); err != nil {
		t.Errorf("roles by header beside claims: %v", err)
	}
}
