package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// The files of a pack.
const (
	policyFile   = "policy.rego"
	tuningFile   = "tuning.json"
	tuningFolder = "tuning"
	tuningData   = tuningFolder + "/data.json" // tuning.json, where OPA looks for it
	scenarios    = "scenarios"
	metadataPack = "riskd_pack"
)

// Files are the files of a pack by their path in it, held in memory: what is
// checked, tested and compiled is the same, whatever happens to their folder.
type Files map[string][]byte

// Snapshot reads a pack's files, each once. It names the files beside them that
// it leaves out, because a pack has no such files.
func Snapshot(from fs.FS) (files Files, leftOut []string, err error) {
	files = Files{}
	size := 0
	for _, dir := range []string{".", tuningFolder, scenarios} {
		entries, err := fs.ReadDir(from, dir)
		if err != nil && (dir == "." || !errors.Is(err, fs.ErrNotExist)) {
			return nil, nil, err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir() || strings.HasPrefix(e.Name(), "."):
				continue
			case !belongs(name) && name != tuningFile && name != tuningData:
				leftOut = append(leftOut, name)
				continue
			}
			if files[name], err = fs.ReadFile(from, name); err != nil {
				return nil, nil, err
			}
			if size += len(files[name]); size > MaxSize || len(files) > MaxFiles {
				return nil, nil, fmt.Errorf("is too large: a pack has %d files and %d bytes at most", MaxFiles, MaxSize)
			}
		}
	}
	if tuning, ok := files[tuningData]; ok {
		if files[tuningFile] != nil {
			return nil, nil, fmt.Errorf("holds %s and %s: one of them has to go", tuningFile, tuningData)
		}
		files[tuningFile] = tuning
		delete(files, tuningData)
	}
	return files, leftOut, nil
}

// belongs reports whether a pack may have a file, beside its tuning.
func belongs(name string) bool {
	dir, base := path.Split(name)
	switch dir {
	case "":
		return strings.HasSuffix(base, ".rego")
	case scenarios + "/":
		return strings.HasSuffix(base, ".txtar")
	}
	return false
}

// Sum is a hash over names and contents.
func (f Files) Sum() [sha256.Size]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(h, "%q %x\n", name, sha256.Sum256(f[name]))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (f Files) digest() string {
	sum := f.Sum()
	return hex.EncodeToString(sum[:])
}

// FS gives the files as a file system. The standard library's own way from memory
// to one is an archive.
func (f Files) FS() (fs.FS, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f[name]); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
}

func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
