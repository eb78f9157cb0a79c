package bundle

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Key is a key to sign or verify with, and what goes with it.
type Key struct {
	// Text is a PEM block, or the shared secret of an HMAC.
	Text []byte
	// Algorithm is one of [Algorithms]; "" is the one that fits a PEM key.
	Algorithm string
	// ID is the key's name in signatures. A verifier that has one takes no
	// signature that names another key or none.
	ID string
	// Scope must be that of the signature.
	Scope string
}

// Algorithms are those that a signature may be made with: RSA with PKCS #1 and
// with PSS, ECDSA, Ed25519, and HMAC with a secret that both sides know.
func Algorithms() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
		"HS256", "HS384", "HS512",
	}
}

// The least that a key may have: RFC 7518 §3.2 and §3.3. A secret is a text: OPA
// tries the text that it is given as a file's name first.
const (
	minSecret = 32 // characters
	maxSecret = 128
	minRSA    = 2048 // bits
)

// prepare completes the key's algorithm and holds the key to it, so that none is
// ever used for what it wasn't made for: a public key as an HMAC's secret, above
// all, would let everybody sign.
func (k *Key) prepare(private bool) error {
	block, rest := pem.Decode(k.Text)
	if block != nil && block.Type == "EC PARAMETERS" { // openssl's preface
		block, _ = pem.Decode(rest)
	}
	hmac := strings.HasPrefix(k.Algorithm, "HS")
	switch {
	case k.Algorithm != "" && !slices.Contains(Algorithms(), k.Algorithm):
		return fmt.Errorf("algorithm %q is none of %s", k.Algorithm, strings.Join(Algorithms(), ", "))
	case hmac && block != nil:
		return fmt.Errorf("algorithm %s takes a shared secret, and the key is a PEM key, which may be public", k.Algorithm)
	case hmac && (len(k.Text) < minSecret || len(k.Text) > maxSecret || !plain(string(k.Text))):
		return fmt.Errorf("secret has %d bytes; %s takes a text of %d to %d printable ones", len(k.Text), k.Algorithm, minSecret, maxSecret)
	case hmac:
		return nil
	case block == nil:
		return errors.New("key holds no PEM block; a shared secret needs an algorithm such as HS256")
	}
	fits, err := fitting(block, private)
	if err != nil {
		return err
	}
	if k.Algorithm == "" {
		k.Algorithm = fits[0]
	}
	k.Text = pem.EncodeToMemory(block) // without whatever stands around it
	if !slices.Contains(fits, k.Algorithm) {
		return fmt.Errorf("algorithm %s doesn't fit the key, which is for %s", k.Algorithm, strings.Join(fits, ", "))
	}
	return nil
}

// fitting are the algorithms that a key is for, the usual one first.
func fitting(block *pem.Block, private bool) ([]string, error) {
	key, err := parseKey(block)
	if err != nil {
		return nil, fmt.Errorf("key can't be read: %w", err)
	}
	isPrivate := true
	switch k := key.(type) {
	case *rsa.PrivateKey:
		key = &k.PublicKey
	case *ecdsa.PrivateKey:
		key = &k.PublicKey
	case ed25519.PrivateKey:
		key = k.Public()
	default:
		isPrivate = false
	}
	switch {
	case private && !isPrivate:
		return nil, errors.New("key is a public one: signing takes the private key")
	case !private && isPrivate:
		return nil, errors.New("key is a private one: verifying takes the public key, and the private one belongs where packs are signed")
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("key has %d bits; %d is the least for RSA", bits, minRSA)
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		if alg := map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[k.Params().BitSize]; alg != "" {
			return []string{alg}, nil
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	}
	return nil, errors.New("key is of a kind that no signature is made with")
}

// parseKey reads the kinds of PEM blocks that OPA does.
func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("a PEM block %q is neither a public nor a private key", block.Type)
}

// fingerprint names a key that has no name. It tells nothing of a secret that is
// long enough to be one.
func (k *Key) fingerprint() string {
	material := k.Text
	if block, _ := pem.Decode(k.Text); block != nil {
		material = block.Bytes
	}
	sum := sha256.Sum256(material)
	return "sha256:" + hex.EncodeToString(sum[:8])
}
