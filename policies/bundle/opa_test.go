package bundle_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/policies/bundle"
)

// The bundles in testdata/opa were made by the opa command, of a small policy and
// the default pack's tuning:
//
//	opa build pack -r from-opa -o built.tar.gz
//	opa build -b built.tar.gz -r from-opa -o signed.tar.gz --signing-key ec.pem --signing-alg ES256
//	opa build -b . -r from-opa -o signed_folder.tar.gz …    with the tuning in tuning/data.json
func TestBundlesOfTheOPACommand(t *testing.T) {
	t.Parallel()
	public, err := os.ReadFile("testdata/opa/key.pub.pem")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, bundle.Key{Text: public, ID: "default"})
	var first string
	for _, name := range []string{"built", "signed", "signed_folder"} {
		tarball, err := os.ReadFile("testdata/opa/" + name + ".tar.gz")
		if err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Read(tarball, v)
		if name == "built" {
			wantError(t, err, "isn't signed")
			b, err = bundle.Read(tarball, nil)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b.Revision != "from-opa" || name != "built" && b.Signature.KeyID != "default" {
			t.Errorf("%s: %q, signed %+v", name, b.Revision, b.Signature)
		}
		if first == "" {
			first = revision(t, b)
		} else if again := revision(t, b); again != first {
			t.Errorf("%s: compiles to revision %s, not %s as the others", name, again, first)
		}
	}
}

// TestReleasedOPA has the opa command itself build, sign, inspect and evaluate.
// The environment names it: RISKD_OPA=/usr/local/bin/opa.
func TestReleasedOPA(t *testing.T) {
	t.Parallel()
	binary := os.Getenv("RISKD_OPA")
	if binary == "" {
		t.Skip("RISKD_OPA names no opa command")
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), binary, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("opa %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	write := func(name string, data []byte) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	load := func(name string, v *bundle.Verifier) *bundle.Bundle {
		t.Helper()
		tarball, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Read(tarball, v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return b
	}
	write("key.pem", keys().private)
	write("beside/.keep", nil)
	write("claims.json", []byte(`{"iat":1772452800,"scope":"prod","keyid":"ci"}`))
	for name, data := range defaultPack(t) {
		write("pack/"+name, data)
		if name == "tuning.json" {
			name = "tuning/data.json"
		}
		write("opa/"+name, data)
	}
	write("riskd.tar.gz", built(t))
	want := revision(t, load("riskd.tar.gz", nil))

	if out := run("inspect", "riskd.tar.gz"); !strings.Contains(out, "data.riskd.decision") || !strings.Contains(out, "r1") {
		t.Errorf("opa inspect: %s", out)
	}
	if out := run("eval", "-b", "riskd.tar.gz", "-f", "raw", "data.tuning.score.revoke_nats"); out != "14\n" {
		t.Errorf("opa eval finds the tuning as %q", out)
	}
	if out := run("test", "-b", "riskd.tar.gz"); !strings.Contains(out, "PASS") {
		t.Errorf("opa test: %s", out)
	}
	write("signed.tar.gz", signed(t, built(t), bundle.Key{Text: keys().private}, time.Now()))
	run("inspect", "signed.tar.gz")

	run("build", "pack", "-o", "built.tar.gz")
	run("build", "-b", "opa", "-o", "a.tar.gz", "--signing-key", "key.pem", "--claims-file", "claims.json")
	run("build", "-b", "built.tar.gz", "-o", "b.tar.gz", "--signing-key", "key.pem")
	run("build", "-b", "riskd.tar.gz", "-o", "c.tar.gz", "--signing-key", "key.pem", "--signing-alg", "PS256")
	load("built.tar.gz", nil)
	a := load("a.tar.gz", verifier(t, bundle.Key{Text: keys().public, ID: "ci", Scope: "prod"}))
	if !a.Signature.IssuedAt.Equal(noon) {
		t.Errorf("signed at %s", a.Signature.IssuedAt)
	}
	load("b.tar.gz", verifier(t, bundle.Key{Text: keys().public, ID: "default"}))
	if c := load("c.tar.gz", verifier(t, bundle.Key{Text: keys().public, Algorithm: "PS256"})); c.Name != "default" {
		t.Errorf("the pack's name is %q after opa has signed it", c.Name)
	}

	// opa sign leaves the signature beside what it is over.
	run("sign", "-b", "riskd.tar.gz", "--signing-key", "key.pem", "-o", "beside")
	signature, err := os.ReadFile(filepath.Join(dir, "beside/.signatures.json"))
	if err != nil {
		t.Fatal(err)
	}
	write("d.tar.gz", tarball(t, append(entries(t, built(t)), plainFile(".signatures.json", string(signature)))))
	if d := load("d.tar.gz", verifier(t, bundle.Key{Text: keys().public})); revision(t, d) != want {
		t.Errorf("another revision than %s", want)
	}
	run("sign", "-b", "pack", "--signing-key", "key.pem", "-o", "beside")
}
