package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/riskd/riskd/geo"
)

// world are the synthetic geo databases, by the names that riskdConfig has.
var world = []struct {
	file  string
	build func(w io.Writer, csv io.Reader, built time.Time) error
}{
	{"city.mmdb", geo.BuildCity},
	{"asn.mmdb", geo.BuildASN},
	{"anonymous.mmdb", geo.BuildAnonymous},
}

// makeWorld builds the databases of fixtures/geo into a folder, as of now: those
// that lie there are fixed in time, and riskd would call them stale.
func makeWorld(module, folder string, now time.Time) ([]string, error) {
	places, err := os.ReadFile(filepath.Join(module, "fixtures", "geo", "places.csv"))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, d := range world {
		var out bytes.Buffer
		if err := d.build(&out, bytes.NewReader(places), now); err != nil {
			return nil, err
		}
		file := filepath.Join(folder, d.file)
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
