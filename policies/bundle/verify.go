package bundle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	opa "github.com/open-policy-agent/opa/v1/bundle"
)

// Signature is what a signature that was verified says.
type Signature struct {
	// KeyID is the name of the key, or its fingerprint if it has none.
	KeyID     string
	Algorithm string
	Scope     string
	Issuer    string
	// IssuedAt is when it was signed; zero if it doesn't say.
	IssuedAt time.Time
}

// Verifier holds bundles to a key.
type Verifier struct {
	key    Key
	config *opa.VerificationConfig
}

// NewVerifier makes a verifier of a public key or a shared secret.
func NewVerifier(k Key) (*Verifier, error) {
	if err := k.prepare(false); err != nil {
		return nil, err
	}
	// One key alone, under a name that no signature can choose: which key is used
	// must not be left to what is to be verified.
	const only = "configured"
	return &Verifier{key: k, config: opa.NewVerificationConfig(
		map[string]*opa.KeyConfig{only: {Key: string(k.Text), Algorithm: k.Algorithm}}, only, k.Scope, nil,
	)}, nil
}

// strongHashes are OPA's names of the hashes that nobody finds collisions of.
var strongHashes = []string{string(opa.SHA256), string(opa.SHA384), string(opa.SHA512), string(opa.SHA512256)}

// opasOwn is how OPA's command sometimes writes that it signed without a plugin.
const opasOwn = "_default"

// verify holds the files to the signature among them: it is good, and the files
// are exactly those that it is over. It gives the digest of what is signed.
func (v *Verifier) verify(files []file) (s *Signature, digest string, err error) {
	i := slices.IndexFunc(files, func(f file) bool { return f.name == signaturesFile })
	if i < 0 {
		return nil, "", fmt.Errorf("isn't signed: it holds no %s; `riskd policy sign` puts one in", signaturesFile)
	}
	var signatures opa.SignaturesConfig
	if err := json.Unmarshal(files[i].data, &signatures, json.RejectUnknownMembers(true)); err != nil {
		return nil, "", fmt.Errorf("has a %s that can't be read: %w", signaturesFile, err)
	}
	if p := signatures.Plugin; p != "" && p != opasOwn || len(signatures.Signatures) != 1 {
		return nil, "", fmt.Errorf("has %d signatures by plugin %q; riskd takes one, without a plugin", len(signatures.Signatures), signatures.Plugin)
	}
	s, err = v.claims(signatures.Signatures[0])
	if err != nil {
		return nil, "", fmt.Errorf("is not signed as it has to be: %w", err)
	}
	signed, err := opa.VerifyBundleSignature(signatures, v.config)
	if err != nil {
		return nil, "", fmt.Errorf("is not signed by the configured key: %w", err)
	}
	digest = digestOf(signed) // before what is found is struck off
	return s, digest, compare(files, signed)
}

// digestOf is a hash over the list that was signed, which tells what a bundle says
// whatever the spaces in its documents.
func digestOf(signed map[string]opa.FileInfo) string {
	held := Files{}
	for name, info := range signed {
		held[name] = []byte(info.Algorithm + " " + info.Hash)
	}
	return held.digest()
}

// claims reads what a token says of itself, and whether that is what the key is
// for. Nothing of it is true before the signature has been verified.
func (v *Verifier) claims(token string) (*Signature, error) {
	var head struct {
		Algorithm string   `json:"alg"`
		KeyID     string   `json:"kid"`
		Critical  []string `json:"crit"`
	}
	var body opa.DecodedSignature
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("its token is no JWT")
	}
	for part, into := range map[string]any{parts[0]: &head, parts[1]: &body} {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("its token is no JWT: %w", err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, fmt.Errorf("its token is no JWT: %w", err)
		}
	}
	id := head.KeyID
	if id == "" {
		id = body.KeyID
	}
	switch {
	case head.Algorithm != v.key.Algorithm:
		return nil, fmt.Errorf("its algorithm is %q, and the key is for %s", head.Algorithm, v.key.Algorithm)
	case len(head.Critical) > 0:
		return nil, fmt.Errorf("its token asks for %s, which riskd doesn't know", strings.Join(head.Critical, ", "))
	case v.key.ID != "" && id != v.key.ID:
		return nil, fmt.Errorf("its key is %q, and not %q as configured", id, v.key.ID)
	case body.Scope != v.key.Scope:
		return nil, fmt.Errorf("its scope is %q, and not %q as configured", body.Scope, v.key.Scope)
	case !plain(id) || !plain(body.Issuer):
		return nil, errors.New("its key id or issuer isn't a short, plain text")
	}
	if id == "" {
		id = v.key.fingerprint()
	}
	s := &Signature{KeyID: id, Algorithm: head.Algorithm, Scope: body.Scope, Issuer: body.Issuer}
	if body.IssuedAt != 0 {
		s.IssuedAt = time.Unix(body.IssuedAt, 0).UTC()
	}
	return s, nil
}

// compare holds the files to the list that was signed: all of them, no others,
// byte for byte; documents as OPA does, by what they say.
func compare(files []file, signed map[string]opa.FileInfo) error {
	for _, f := range files {
		if f.name == signaturesFile {
			continue
		}
		info, ok := signed[f.name]
		switch {
		case !ok:
			return fmt.Errorf("holds %s, which the signature isn't over", f.name)
		case !slices.Contains(strongHashes, info.Algorithm):
			return fmt.Errorf("is signed with %s under a hash %q; it has to be one of %s", f.name, info.Algorithm, strings.Join(strongHashes, ", "))
		}
		if opa.IsStructuredDoc(f.name) {
			if _, err := readObject(f.name, f.data); err != nil {
				return err
			}
		}
		if err := opa.VerifyBundleFile(f.name, *bytes.NewBuffer(f.data), signed); err != nil {
			return fmt.Errorf("was changed after it was signed: %w", err)
		}
	}
	if len(signed) > 0 {
		return fmt.Errorf("lacks what the signature is over: %s", names(signed))
	}
	return nil
}
