package gateway

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// keys are those of one version of a file.
type keys struct {
	sum    [sha256.Size]byte // of the file
	list   []key
	tokens tokens // that were verified under them
}

type key struct {
	id, alg string // "" where the file doesn't say
	public  any
}

// keyring is a profile's keys: those in force, and what is wrong with the file
// since.
type keyring struct {
	atomic.Pointer[keys]
	fault atomic.Pointer[error]
}

// Limits of a key file.
const (
	maxKeysFile = 1 << 20
	maxKeys     = 64
)

var encoding = base64.RawURLEncoding.Strict()

// load reads the file if it has changed. After a failure the keys before stay in
// force.
func (r *keyring) load(file string) error {
	k, err := readKeys(file, r.Load())
	if err != nil {
		err = fmt.Errorf("jwt.keys_file: %s: %w", file, err)
		r.fault.Store(&err)
		return err
	}
	r.fault.Store(nil)
	r.Store(k)
	return nil
}

// ReadKeys reports what is wrong with the profile's key file, beginning with the
// field.
func (f Profile) ReadKeys() error {
	if f.JWT.KeysFile == "" {
		return nil
	}
	var ring keyring
	return ring.load(f.JWT.KeysFile)
}

func readKeys(file string, before *keys) (*keys, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, errors.Unwrap(err) // without the path
	}
	if info.Size() > maxKeysFile {
		return nil, fmt.Errorf("is %d bytes long; the limit is %d", info.Size(), maxKeysFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	sum := sha256.Sum256(text)
	if before != nil && before.sum == sum {
		return before, nil
	}
	k := &keys{sum: sum}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || set.Keys == nil {
		return nil, errors.New(`is no JWK Set: it must be {"keys": […]}`)
	}
	for i, text := range set.Keys {
		one, err := readKey(text)
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if one.public != nil {
			k.list = append(k.list, one)
		}
	}
	if len(k.list) == 0 || len(k.list) > maxKeys {
		return nil, fmt.Errorf("has %d keys for signatures; it must be 1 to %d", len(k.list), maxKeys)
	}
	return k, nil
}

// readKey reads a key; one that isn't for signatures has nothing public.
func readKey(text []byte) (key, error) {
	var form struct {
		Kty string         `json:"kty"`
		Use string         `json:"use"`
		Kid string         `json:"kid"`
		Alg string         `json:"alg"`
		D   jsontext.Value `json:"d"`
	}
	if json.Unmarshal(text, &form) != nil {
		return key{}, errors.New("is no key")
	}
	switch {
	case form.D != nil, form.Kty == "oct":
		return key{}, errors.New("is a secret: only public keys belong here")
	case form.Use != "" && form.Use != "sig", form.Kty != "RSA" && form.Kty != "EC" && form.Kty != "OKP":
		return key{}, nil
	}
	k := key{id: form.Kid, alg: form.Alg}
	parsed, err := jwk.ParseKey(text)
	if err == nil {
		err = jwk.Export(parsed, &k.public)
	}
	if err != nil {
		return key{}, fmt.Errorf("is no good %s key: %w", form.Kty, err) // or a weak one
	}
	switch k.public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		k.public = nil // such as X25519
	}
	return k, nil
}

// find gives the one key for an algorithm that a token can mean, or nil.
func (k *keys) find(alg, id string) (found any) {
	for _, key := range k.list {
		if id != "" && key.id != "" && key.id != id || !key.fits(alg) {
			continue
		}
		if found != nil {
			return nil
		}
		found = key.public
	}
	return found
}

// fits reports whether a key is for an algorithm: no token chooses how a key is
// used.
func (k *key) fits(alg string) bool {
	if k.alg != "" && k.alg != alg && !(k.alg == "Ed25519" && alg == "EdDSA") {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg] == public.Curve.Params().Name
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}
