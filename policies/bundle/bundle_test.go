package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/bundle"
	"github.com/riskd/riskd/signals"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// keys are made once: those of RSA take a while.
var keys = sync.OnceValue(func() (k struct{ private, public, other, ec, ecPublic, ed, edPublic []byte }) {
	k.private, k.public = pems(rsa.GenerateKey(rand.Reader, 2048))
	k.other, _ = pems(rsa.GenerateKey(rand.Reader, 2048))
	k.ec, k.ecPublic = pems(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	k.ed, k.edPublic = pems(ed, err)
	return k
})

func pems[K interface{ Public() crypto.PublicKey }](key K, err error) (private, public []byte) {
	if err != nil {
		panic(err)
	}
	a, err1 := x509.MarshalPKCS8PrivateKey(key)
	b, err2 := x509.MarshalPKIXPublicKey(key.Public())
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: a}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b})
}

func defaultPack(t testing.TB) bundle.Files {
	t.Helper()
	files, leftOut, err := bundle.Snapshot(policies.Default())
	if err != nil || len(leftOut) > 0 {
		t.Fatalf("default pack: %v, left out %v", err, leftOut)
	}
	return files
}

func built(t testing.TB) []byte {
	t.Helper()
	tarball, err := bundle.Build(defaultPack(t), "default", "r1")
	if err != nil {
		t.Fatal(err)
	}
	return tarball
}

func signed(t testing.TB, tarball []byte, k bundle.Key, at time.Time) []byte {
	t.Helper()
	tarball, err := bundle.Sign(tarball, k, at)
	if err != nil {
		t.Fatal(err)
	}
	return tarball
}

func verifier(t testing.TB, k bundle.Key) *bundle.Verifier {
	t.Helper()
	v, err := bundle.NewVerifier(k)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// revision compiles what a bundle holds; it is a hash over all that decides.
func revision(t testing.TB, b *bundle.Bundle) string {
	t.Helper()
	pack, err := b.Files.FS()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policies.Compile("default", pack, policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	return p.Info().Revision
}

func TestBuildIsReproducibleAndLosesNothing(t *testing.T) {
	t.Parallel()
	tarball := built(t)
	if !bytes.Equal(tarball, built(t)) {
		t.Error("the same pack gives other bytes")
	}
	b, err := bundle.Read(tarball, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := defaultPack(t); !maps.EqualFunc(b.Files, want, bytes.Equal) {
		t.Errorf("has %v, want %v", slices.Sorted(maps.Keys(b.Files)), slices.Sorted(maps.Keys(want)))
	}
	if b.Name != "default" || b.Revision != "r1" || b.Signature != nil {
		t.Errorf("reads as %+v", b)
	}
}

// TestOPAReadsWhatIsBuilt has OPA itself verify a bundle and find the tuning
// where the pack's rules look for it.
func TestOPAReadsWhatIsBuilt(t *testing.T) {
	t.Parallel()
	tarball := signed(t, built(t), bundle.Key{Text: keys().private, ID: "ci"}, noon)
	config := opa.NewVerificationConfig(map[string]*opa.KeyConfig{"ci": {Key: string(keys().public), Algorithm: "RS256"}}, "ci", "", nil)
	b, err := opa.NewReader(bytes.NewReader(tarball)).WithBundleVerificationConfig(config).Read()
	if err != nil {
		t.Fatal(err)
	}
	var tuning any
	if err := util.Unmarshal(defaultPack(t)["tuning.json"], &tuning); err != nil {
		t.Fatal(err)
	}
	if got := b.Data["tuning"]; util.Compare(got, tuning) != 0 {
		t.Errorf("data.tuning is %v", got)
	}
	if b.Manifest.Revision != "r1" || len(b.Modules) != 2 {
		t.Errorf("manifest %+v, %d modules", b.Manifest, len(b.Modules))
	}
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	secret := []byte("a secret of more than 32 characters")
	for name, c := range map[string]struct{ sign, verify bundle.Key }{
		"RSA":        {bundle.Key{Text: keys().private, ID: "ci"}, bundle.Key{Text: keys().public}},
		"RSA PSS":    {bundle.Key{Text: keys().private, Algorithm: "PS512"}, bundle.Key{Text: keys().public, Algorithm: "PS512"}},
		"ECDSA":      {bundle.Key{Text: keys().ec, ID: "ci", Scope: "prod"}, bundle.Key{Text: keys().ecPublic, ID: "ci", Scope: "prod"}},
		"Ed25519":    {bundle.Key{Text: keys().ed}, bundle.Key{Text: keys().edPublic, Algorithm: "EdDSA"}},
		"HMAC":       {bundle.Key{Text: secret, Algorithm: "HS256"}, bundle.Key{Text: secret, Algorithm: "HS256"}},
		"with noise": {bundle.Key{Text: append([]byte("my key\n"), keys().ec...)}, bundle.Key{Text: keys().ecPublic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tarball := signed(t, built(t), c.sign, noon)
			tarball = signed(t, tarball, c.sign, noon.Add(time.Hour)) // in place of the first
			b, err := bundle.Read(tarball, verifier(t, c.verify))
			if err != nil {
				t.Fatal(err)
			}
			s := b.Signature
			if !s.IssuedAt.Equal(noon.Add(time.Hour)) || s.Scope != c.sign.Scope || s.KeyID == "" || c.sign.ID != "" && s.KeyID != c.sign.ID {
				t.Errorf("signature %+v", s)
			}
		})
	}
}

func TestKeysAreHeldToTheirAlgorithm(t *testing.T) {
	t.Parallel()
	weak, _ := pems(rsa.GenerateKey(rand.Reader, 1024))
	for name, c := range map[string]struct {
		key  bundle.Key
		sign bool
		want string
	}{
		"public key as a secret": {key: bundle.Key{Text: keys().public, Algorithm: "HS256"}, want: "takes a shared secret, and the key is a PEM key"},
		"short secret":           {key: bundle.Key{Text: []byte("short"), Algorithm: "HS256"}, want: "32 to 128"},
		"none":                   {key: bundle.Key{Text: keys().public, Algorithm: "none"}, want: `algorithm "none" is none of`},
		"no algorithm":           {key: bundle.Key{Text: []byte("a secret of more than 32 characters")}, want: "needs an algorithm"},
		"of another key":         {key: bundle.Key{Text: keys().public, Algorithm: "ES256"}, want: "doesn't fit the key"},
		"private to verify":      {key: bundle.Key{Text: keys().private}, want: "key is a private one"},
		"public to sign":         {key: bundle.Key{Text: keys().public}, sign: true, want: "key is a public one"},
		"short RSA":              {key: bundle.Key{Text: weak}, sign: true, want: "1024 bits"},
		"rubbish":                {key: bundle.Key{Text: []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}, want: "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bundle.NewVerifier(c.key)
			if c.sign {
				_, err = bundle.Sign(built(t), c.key, noon)
			}
			wantError(t, err, c.want)
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// entry is one entry of a tarball as its author likes it.
type entry struct {
	tar.Header
	data string
}

func entries(t testing.TB, tarball []byte) (list []entry) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		data, err2 := io.ReadAll(r)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		list = append(list, entry{*h, string(data)})
	}
}

func plainFile(name, data string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, data}
}

func tarball(t testing.TB, list []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, e := range list {
		e.Size = int64(len(e.data))
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// forged gives the bundle with a token that somebody has made himself.
func forged(t testing.TB, good []byte, header map[string]any, mac func(signed string) []byte) []byte {
	t.Helper()
	list := entries(t, good)
	last := &list[len(list)-1]
	var s opa.SignaturesConfig
	if err := json.Unmarshal([]byte(last.data), &s); err != nil {
		t.Fatal(err)
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + strings.Split(s.Signatures[0], ".")[1]
	s.Signatures[0] = text + "." + base64.RawURLEncoding.EncodeToString(mac(text))
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	last.data = string(data)
	return tarball(t, list)
}
