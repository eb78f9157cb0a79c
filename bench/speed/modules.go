package main

import (
	"io/fs"
	"strings"
)

// modulesOf reads the Rego modules of a folder and those below it, tests left
// out.
func modulesOf(dir fs.FS) (map[string][]byte, error) {
	modules := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".rego") || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		modules[name], err = fs.ReadFile(dir, name)
		return err
	})
	return modules, err
}
