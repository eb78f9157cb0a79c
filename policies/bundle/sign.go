package bundle

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// Sign gives the bundle with a signature by a private key or a shared secret, in
// place of any other. The signature says when it was made: of two bundles, the
// one that was signed later is the newer one.
func Sign(tarball []byte, k Key, at time.Time) ([]byte, error) {
	if err := k.prepare(true); err != nil {
		return nil, err
	}
	if _, err := Read(tarball, nil); err != nil {
		return nil, err
	}
	files, err := unpack(tarball)
	if err != nil {
		return nil, fmt.Errorf("bundle %w", err)
	}
	files = slices.DeleteFunc(files, func(f file) bool { return f.name == signaturesFile })
	hashes, err := hash(files)
	if err != nil {
		return nil, fmt.Errorf("bundle %w", err)
	}
	token, err := token(hashes, k, at)
	if err != nil {
		return nil, fmt.Errorf("bundle can't be signed: %w", err)
	}
	signatures, err := json.Marshal(opa.SignaturesConfig{Signatures: []string{token}})
	if err != nil {
		return nil, err
	}
	return tarballOf(append(files, file{signaturesFile, signatures}))
}

// hash gives the list that is signed.
func hash(files []file) ([]opa.FileInfo, error) {
	hasher, err := opa.NewSignatureHasher(opa.SHA256)
	if err != nil {
		return nil, err
	}
	infos := make([]opa.FileInfo, len(files))
	for i, f := range files {
		var content any = f.data
		if opa.IsStructuredDoc(f.name) {
			if _, err := readObject(f.name, f.data); err != nil {
				return nil, err
			}
			content = nil
			if err := util.Unmarshal(f.data, &content); err != nil {
				return nil, fmt.Errorf("has a %s that can't be read: %w", f.name, err)
			}
		}
		sum, err := hasher.HashFile(content)
		if err != nil {
			return nil, err
		}
		infos[i] = opa.NewFile(f.name, fmt.Sprintf("%x", sum), string(opa.SHA256))
	}
	return infos, nil
}

// token has OPA sign the list. It takes claims from a file only.
func token(files []opa.FileInfo, k Key, at time.Time) (signed string, err error) {
	claims := map[string]any{"iat": at.Unix()}
	for name, value := range map[string]string{"scope": k.Scope, "keyid": k.ID} {
		if value != "" {
			claims[name] = value
		}
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "riskd-claims-*.json")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	if _, err := f.Write(text); err != nil {
		return "", errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return opa.GenerateSignedToken(files, opa.NewSigningConfig(string(k.Text), k.Algorithm, f.Name()), k.ID)
}
