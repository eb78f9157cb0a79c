package policies

import (
	"embed"
	"io/fs"
)

//go:embed default/*.rego default/*.json
var packs embed.FS

// Default is the pack that riskd ships and uses when it is told no other.
func Default() fs.FS {
	pack, err := fs.Sub(packs, "default")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return pack
}
