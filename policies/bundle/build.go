package bundle

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/open-policy-agent/opa/v1/ast"
	opa "github.com/open-policy-agent/opa/v1/bundle"
)

// roots is where a pack's packages and data lie.
var roots = []string{"riskd", "tuning"}

// Build makes a bundle of a pack: the same bytes for the same files. Whether the
// pack is any good isn't its business.
func Build(files Files, name, revision string) ([]byte, error) {
	if !plain(name) || !plain(revision) {
		return nil, fmt.Errorf("bundle: name %q and revision %q have to be plain texts of 128 bytes at most", name, revision)
	}
	version := ast.RegoV1.Int()
	manifest, err := json.Marshal(opa.Manifest{
		Revision: revision, Roots: &roots, RegoVersion: &version, Metadata: map[string]any{metadataPack: name},
	}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	bundled := []file{{manifestFile, manifest}}
	for _, of := range slices.Sorted(maps.Keys(files)) {
		to := of
		if of == tuningFile {
			to = tuningData
		}
		bundled = append(bundled, file{to, files[of]})
	}
	tarball, err := tarballOf(bundled)
	if err != nil {
		return nil, fmt.Errorf("bundle %w", err)
	}
	if _, err := Read(tarball, nil); err != nil { // what is refused isn't written
		return nil, err
	}
	return tarball, nil
}
