package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/bundle"
	"github.com/riskd/riskd/signals"
)

// packSource is where a pack comes from: riskd itself, a folder, a bundle file or
// a server's bundle.
type packSource struct {
	name   string
	folder string         // "" unless it is one
	file   string         // "" unless it is a bundle file
	remote *bundle.Remote // nil unless it is a server's
	verify *bundle.Verifier
	// once reads a server's bundle for those who compile it under many tunings.
	once func() (*candidate, error)
}

// candidate is a pack as its source gave it, before anybody knows whether it is
// any good.
type candidate struct {
	name   string
	files  bundle.Files
	mark   [sha256.Size]byte // tells candidates apart
	bundle *bundle.Bundle    // nil for what is no bundle
	raw    []byte            // of the bundle
	kept   bool              // from the data folder, as its source can't be had
}

// longPoll is how long a server may wait until it has another bundle.
const longPoll = 30 * time.Second

func isURL(pack string) bool {
	return strings.HasPrefix(pack, "http://") || strings.HasPrefix(pack, "https://")
}

func newPackSource(pack string) (packSource, error) { return openPackSource(pack, nil) }

// openPackSource finds out what a pack's name means. With a verifier, only bundles
// will do.
func openPackSource(pack string, v *bundle.Verifier) (packSource, error) {
	if isURL(pack) {
		remote, err := bundle.NewRemote(pack, longPoll, v != nil)
		if err != nil {
			return packSource{}, err
		}
		s := packSource{name: bundleName(remote.URL.Path), remote: remote, verify: v}
		s.once = sync.OnceValues(func() (*candidate, error) {
			c, _, err := s.fetch(context.Background(), "")
			return c, err
		})
		return s, nil
	}
	if _, ok := policies.Shipped(pack); ok {
		return packSource{name: pack}, nil
	}
	file, err := filepath.Abs(pack)
	if err != nil {
		return packSource{}, err
	}
	switch info, err := os.Stat(file); {
	case err == nil && info.IsDir():
		return packSource{name: filepath.Base(file), folder: file}, nil
	case err == nil && info.Mode().IsRegular():
		return packSource{name: bundleName(file), file: file, verify: v}, nil
	}
	return packSource{}, fmt.Errorf("%s is no folder; a pack is one with policy.rego and tuning.json, and those inside riskd are called %s", pack, strings.Join(policies.ShippedNames(), ", "))
}

// bundleName is what a bundle is called that doesn't say.
func bundleName(file string) string {
	name := path.Base(filepath.ToSlash(file))
	for _, ending := range []string{".gz", ".tar", ".tgz"} {
		name = strings.TrimSuffix(name, ending)
	}
	if name == "" || name == "." || name == "/" {
		return "bundle"
	}
	return name
}

// kind and place say where the pack comes from.
func (s *packSource) kind() string {
	switch {
	case s.remote != nil:
		return "url"
	case s.file != "":
		return "file"
	case s.folder != "":
		return "folder"
	}
	return "shipped"
}

func (s *packSource) place() string {
	if s.remote != nil {
		return s.remote.String()
	}
	return s.file + s.folder // one of which is ""
}

// compile reads the pack, under other tuning where an overlay is given. The
// error names every fault of the pack with its place.
func (s packSource) compile(overlay []byte) (*policies.Pack, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	return c.compile(overlay)
}

// load gives the pack for those who don't follow its source.
func (s *packSource) load() (*candidate, error) {
	if s.once != nil {
		return s.once()
	}
	return s.read()
}

// read gives the pack as it is now; a server's is fetched.
func (s *packSource) read() (*candidate, error) {
	if s.remote != nil {
		return nil, errors.New("a server's pack is fetched")
	}
	if s.file != "" {
		raw, err := readBounded(s.file, bundle.MaxCompressed+1)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", s.name, err)
		}
		return s.unpack(raw)
	}
	pack, _ := policies.Shipped(s.name)
	if s.folder != "" {
		pack = os.DirFS(s.folder)
	}
	files, _, err := bundle.Snapshot(pack)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", s.name, err)
	}
	return &candidate{name: s.name, files: files, mark: files.Sum()}, nil
}

func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// unpack verifies a bundle.
func (s *packSource) unpack(raw []byte) (*candidate, error) {
	b, err := bundle.Read(raw, s.verify)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", s.name, err)
	}
	c := &candidate{name: s.name, files: b.Files, mark: sha256.Sum256(raw), bundle: b, raw: raw}
	if b.Name != "" {
		c.name = b.Name
	}
	return c, nil
}

// fetch asks the server for its bundle, unless it still is the one of the ETag:
// then there is no candidate, and no error.
func (s *packSource) fetch(ctx context.Context, etag string) (*candidate, *bundle.Answer, error) {
	a, err := s.remote.Fetch(ctx, etag)
	if err != nil {
		return nil, nil, &unreachable{fmt.Errorf("pack %s: %s can't be fetched: %w", s.name, s.remote, err)}
	}
	if a.Bundle == nil {
		return nil, a, nil
	}
	c, err := s.unpack(a.Bundle)
	return c, a, err
}

// unreachable is a server that can't be asked, which says nothing of its pack.
type unreachable struct{ error }

func (e *unreachable) Unwrap() error { return e.error }

func (c *candidate) fs() (fs.FS, error) { return c.files.FS() }

func (c *candidate) compile(overlay []byte) (*policies.Pack, error) {
	pack, err := c.fs()
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", c.name, err)
	}
	return policies.Compile(c.name, pack, policies.Options{Signals: signals.Descriptions(), Overlay: overlay})
}

// verifierOf makes a verifier of what the config says of the key, nil if there is
// none.
func verifierOf(c *config) (*bundle.Verifier, error) {
	v := &c.Policy.Verify
	if v.KeyFile == "" {
		return nil, nil
	}
	text, err := readBounded(v.KeyFile, 1<<20)
	if err != nil {
		return nil, c.source.at("policy.verify.key_file", "%w", err)
	}
	verifier, err := bundle.NewVerifier(bundle.Key{Text: bytes.TrimSpace(text), Algorithm: v.Algorithm, ID: v.KeyID, Scope: v.Scope})
	if err != nil {
		return nil, c.source.at("policy.verify.key_file", "%s: %w", v.KeyFile, err)
	}
	return verifier, nil
}

// configuredPack is the source that the config names.
func configuredPack(c *config) (packSource, error) {
	verifier, err := verifierOf(c)
	if err != nil {
		return packSource{}, err
	}
	s, err := openPackSource(c.Policy.Pack, verifier)
	if err != nil {
		return packSource{}, c.source.at("policy.pack", "%w", err)
	}
	if verifier != nil && s.remote == nil && s.file == "" {
		return packSource{}, c.source.at("policy.verify.key_file", "is set, and %s is no bundle: only those are signed; `riskd policy build` and `riskd policy sign` make one", c.Policy.Pack)
	}
	if c.Policy.TokenFile != "" {
		switch {
		case s.remote == nil:
			return packSource{}, c.source.at("policy.token_file", "is set, and %s isn't fetched from a server", c.Policy.Pack)
		case s.remote.Clear():
			return packSource{}, c.source.at("policy.token_file", "is set, and %s is http, where anybody on the way can read the token: use https", s.remote)
		}
		s.remote.Token = func() (string, error) {
			token, err := readBounded(c.Policy.TokenFile, 64<<10)
			return string(token), err
		}
	}
	return s, nil
}
