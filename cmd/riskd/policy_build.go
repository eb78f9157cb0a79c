package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/riskd/riskd/policies/bundle"
)

const policyBuildText = `Makes a bundle of a pack: a folder, or one that riskd brings along by its name. The
pack is compiled and its tests are run first; one that is no good isn't written. The
same pack gives the same bytes.

A bundle is OPA's: ` + "`opa inspect`, `opa eval -b` and `opa build -b`" + ` take it, and riskd
takes what they make. In it, tuning.json is tuning/data.json, where OPA loads it as
data.tuning. A pack with rules of its own needs the library beside it in OPA:
-d rego, from riskd's sources.
`

func policyBuildCommand(flags *flag.FlagSet) action {
	out := flags.String("o", "", "write the bundle to `FILE`; without it NAME.tar.gz in this folder")
	revision := flags.String("revision", "", "call it `R`, such as a commit; without it a hash over what the pack's answers depend on")
	return func(ctx context.Context, std stdio, args []string) error {
		if len(args) != 1 {
			return &usageError{"policy build takes one pack", "name a folder, or one of those inside riskd such as default"}
		}
		return buildPack(ctx, std, args[0], *out, *revision)
	}
}

func buildPack(ctx context.Context, std stdio, pack, out, revision string) error {
	source, err := newPackSource(pack)
	if err != nil {
		return err
	}
	if kind := source.kind(); kind != "folder" && kind != "shipped" {
		return &usageError{pack + " is a bundle already", "`riskd policy sign` signs it"}
	}
	p, err := proveAside(ctx, &source)
	if err != nil {
		return packProblems("pack "+source.name+" was not built", err)
	}
	if revision == "" {
		revision = p.pack.Info().Revision
	}
	tarball, err := bundle.Build(p.files, p.name, revision)
	if err != nil {
		return err
	}
	if out == "" {
		out = p.name + ".tar.gz"
	}
	if err := os.WriteFile(out, tarball, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s: pack %s, revision %s, %s, %s passed\n", out, p.name, revision,
		count(len(p.files), "file"), count(int(p.tests.passed.Load()), "test"))
	if source.folder != "" {
		_, leftOut, err := bundle.Snapshot(os.DirFS(source.folder))
		if err == nil && len(leftOut) > 0 {
			fmt.Fprintf(std.err, "riskd: left out, as no part of a pack: %s\n", strings.Join(leftOut, ", "))
		}
	}
	return nil
}

// proveAside compiles and tests a pack that isn't to come into force here.
func proveAside(ctx context.Context, source *packSource) (*proven, error) {
	c, err := source.load()
	if err != nil {
		return nil, err
	}
	p := &proven{candidate: c}
	return p, p.check(p.tests.listen(ctx), packChecks)
}

// packProblems lists all that is wrong with a pack.
func packProblems(summary string, err error) error {
	list := flatten(err)
	return &problems{summary + ": " + count(len(list), "problem"), list}
}

const policySignText = `Signs a bundle, in the place of another signature. The signature is over exactly the
files of the bundle and says when it was made, which tells newer bundles from older
ones: to go back to an old bundle, sign it anew. It is OPA's kind of signature.

The key is a private one in PEM, for RSA, ECDSA or Ed25519, or a file with the shared
secret of an HMAC. These make a pair:

  openssl ecparam -name prime256v1 -genkey -noout -out key.pem
  openssl ec -in key.pem -pubout -out key.pub.pem
`

// keyFlags are what signing and verifying have in common.
func keyFlags(flags *flag.FlagSet, kind string) (key func() (bundle.Key, error)) {
	file := flags.String("key", "", "the "+kind+" key in `FILE`")
	algorithm := flags.String("alg", "", "the algorithm `A`, such as RS256, ES256 or HS256; without it the one for the key")
	id := flags.String("key-id", "", "the key's name `ID` (kid)")
	scope := flags.String("scope", "", "the scope `S` of the signature")
	return func() (bundle.Key, error) {
		if *file == "" {
			return bundle.Key{}, &usageError{"there is no key", "name the file of the " + kind + " key with -key"}
		}
		text, err := readBounded(*file, 1<<20)
		return bundle.Key{Text: bytes.TrimSpace(text), Algorithm: *algorithm, ID: *id, Scope: *scope}, err
	}
}

func policySignCommand(flags *flag.FlagSet) action {
	key := keyFlags(flags, "private")
	out := flags.String("o", "", "write the signed bundle to `FILE`; without it in the bundle's place")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) != 1 {
			return &usageError{"policy sign takes one bundle", "`riskd policy build` makes one"}
		}
		k, err := key()
		if err != nil {
			return err
		}
		tarball, err := readBounded(args[0], bundle.MaxCompressed+1)
		if err != nil {
			return err
		}
		now := time.Now()
		if tarball, err = bundle.Sign(tarball, k, now); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		to := args[0]
		if *out != "" {
			to = *out
		}
		if err := replaceFile(to, tarball); err != nil {
			return err
		}
		_, err = fmt.Fprintf(std.out, "%s: signed at %s\n", to, now.UTC().Format(time.RFC3339))
		return err
	}
}

// replaceFile puts a file in another's place, whole or not at all.
func replaceFile(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which is gone if all went well
	if _, err = f.Write(content); err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

const policyVerifyText = `Says who signed a bundle and when, or why riskd would refuse it under this key. What
the pack does isn't looked at.
`

func policyVerifyCommand(flags *flag.FlagSet) action {
	key := keyFlags(flags, "public")
	return func(_ context.Context, std stdio, args []string) error {
		if len(args) != 1 {
			return &usageError{"policy verify takes one bundle", "name its file"}
		}
		k, err := key()
		if err != nil {
			return err
		}
		v, err := bundle.NewVerifier(k)
		if err != nil {
			return err
		}
		tarball, err := readBounded(args[0], bundle.MaxCompressed+1)
		if err != nil {
			return err
		}
		b, err := bundle.Read(tarball, v)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		when := "at a time that it doesn't say"
		if at := b.Signature.IssuedAt; !at.IsZero() {
			when = "at " + at.Format(time.RFC3339)
		}
		_, err = fmt.Fprintf(std.out, "%s: pack %s, revision %s, signed by %s (%s) %s\n",
			args[0], orNone(b.Name), orNone(b.Revision), b.Signature.KeyID, b.Signature.Algorithm, when)
		return err
	}
}

func orNone(s string) string {
	if s == "" {
		return "without a name"
	}
	return s
}
