package policies

import (
	"embed"
	"io/fs"
	"path"
	"slices"
)

//go:embed */policy.rego */*.rego */tuning.json */scenarios/*.txtar
var packs embed.FS

// Default is the pack that riskd uses when it is told no other.
func Default() fs.FS {
	pack, _ := Shipped("default")
	return pack
}

// Shipped gives a pack that riskd brings along, by its name, with its tests and
// scenarios.
func Shipped(name string) (pack fs.FS, ok bool) {
	if !slices.Contains(ShippedNames(), name) {
		return nil, false
	}
	pack, err := fs.Sub(packs, name)
	return pack, err == nil
}

// ShippedNames are the names of the packs that riskd brings along, sorted.
func ShippedNames() []string {
	names, _ := fs.Glob(packs, "*/policy.rego")
	for i := range names {
		names[i] = path.Dir(names[i])
	}
	return names
}
