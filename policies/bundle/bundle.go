package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
	opa "github.com/open-policy-agent/opa/v1/bundle"
)

// Bundle is a bundle that nothing is wrong with.
type Bundle struct {
	// Name is the pack's name, "" if the bundle doesn't say.
	Name string
	// Revision is what who built it called it, "" if nothing. It is a label: a
	// pack's own revision is a hash over its files.
	Revision string
	// Digest tells signed bundles apart by what they hold, whenever they were
	// signed. It is "" where the signature wasn't looked at.
	Digest string
	// Signature is who vouches for it, nil if that wasn't looked at.
	Signature *Signature
	// Files are the pack's: policy.rego, tuning.json and what else there is.
	Files Files
}

// Read unpacks a bundle and verifies it, without a verifier only its form. Every
// error says why it is refused.
func Read(tarball []byte, v *Verifier) (*Bundle, error) {
	b, err := read(tarball, v)
	if err != nil {
		return nil, fmt.Errorf("bundle %w", err)
	}
	return b, nil
}

func read(tarball []byte, v *Verifier) (*Bundle, error) {
	files, err := unpack(tarball)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(files, func(f file) bool { return f.name == patchFile }) {
		return nil, errors.New("is a delta, which nobody can sign: riskd takes snapshots only")
	}
	b := &Bundle{}
	if v != nil {
		if b.Signature, b.Digest, err = v.verify(files); err != nil {
			return nil, err
		}
	}
	return b, b.sort(files)
}

// sort finds out what each file is to the pack, and leaves nothing over.
func (b *Bundle) sort(files []file) error {
	b.Files = Files{}
	home, err := home(files)
	if err != nil {
		return err
	}
	var faults []error
	for _, f := range files {
		if err := b.take(home, f); err != nil {
			faults = append(faults, err)
		}
	}
	if b.Files[tuningFile] == nil && faults == nil {
		faults = append(faults, fmt.Errorf("holds no tuning: `opa build -b` leaves %s out; keep it as %s, or build with `riskd policy build`", tuningFile, tuningData))
	}
	return errors.Join(faults...)
}

// home is the folder that the pack's modules lie in: OPA keeps the path that it
// was given.
func home(files []file) (string, error) {
	found := ""
	for _, f := range files {
		if path.Base(f.name) == policyFile {
			if found != "" {
				return "", fmt.Errorf("holds %s and %s: one pack has one %s", found, f.name, policyFile)
			}
			found = f.name
		}
	}
	if found == "" {
		return "", fmt.Errorf("holds no %s: it is no policy pack", policyFile)
	}
	return path.Dir(found), nil
}

func (b *Bundle) take(home string, f file) error {
	switch f.name {
	case signaturesFile:
		return nil
	case manifestFile:
		return b.readManifest(f.data)
	case tuningData:
		return b.setTuning(f.name, f.data)
	case dataFile:
		return b.readData(f.data)
	}
	name := f.name
	if home != "." {
		inside, ok := strings.CutPrefix(f.name, home+"/")
		if !ok {
			return fmt.Errorf("holds %s, which lies outside of the pack's folder %s", f.name, home)
		}
		name = inside
	}
	switch {
	case name == tuningFile:
		return b.setTuning(f.name, f.data)
	case !belongs(name):
		return fmt.Errorf("holds %s, which is no part of a pack: that has *.rego, %s and %s/*.txtar", f.name, tuningFile, scenarios)
	}
	b.Files[name] = f.data
	return nil
}

func (b *Bundle) setTuning(name string, tuning []byte) error {
	if b.Files[tuningFile] != nil {
		return fmt.Errorf("holds %s and another tuning beside it", name)
	}
	b.Files[tuningFile] = tuning
	return nil
}

// readData takes the tuning out of the document that OPA puts all data into: as
// "tuning" if it knew where that goes, else all of it is the pack's tuning.json.
func (b *Bundle) readData(data []byte) error {
	members, err := readObject(dataFile, data)
	if err != nil || len(members) == 0 {
		return err
	}
	tuning, ok := members["tuning"]
	switch {
	case !ok:
		return b.setTuning(dataFile, bytes.TrimSpace(data))
	case len(members) > 1:
		delete(members, "tuning")
		return fmt.Errorf("holds data beside tuning in %s, which no pack has: %s", dataFile, names(members))
	}
	return b.setTuning(dataFile, tuning)
}

func (b *Bundle) readManifest(data []byte) error {
	if _, err := readObject(manifestFile, data); err != nil {
		return err
	}
	var m opa.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("has a %s that can't be read: %w", manifestFile, err)
	}
	rego := ast.RegoV1.Int()
	if m.RegoVersion != nil && *m.RegoVersion != rego {
		return fmt.Errorf("is written in Rego version %d; riskd reads version %d", *m.RegoVersion, rego)
	}
	for name, version := range m.FileRegoVersions {
		if version != rego {
			return fmt.Errorf("holds %s in Rego version %d; riskd reads version %d", name, version, rego)
		}
	}
	b.Revision = m.Revision
	if name, ok := m.Metadata[metadataPack].(string); ok {
		b.Name = name
	}
	if !plain(b.Revision) || !plain(b.Name) {
		return fmt.Errorf("has a %s whose revision or pack isn't a short, plain text", manifestFile)
	}
	return nil
}

// plain keeps out what would disturb a log or a label.
func plain(s string) bool {
	return len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// readObject reads a JSON object strictly. OPA's signatures are over what it
// reads in a document, which for one with a name twice, or in YAML, is more than
// one could mean.
func readObject(name string, data []byte) (map[string]jsontext.Value, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members); err != nil { // names twice are found at any depth
		return nil, fmt.Errorf("has a %s that is no strict JSON object: %w", name, err)
	}
	return members, nil
}
