package main

import (
	"path/filepath"
	"testing"
)

// TestExamplesAreConfigs reads what examples/ tells operators to copy.
func TestExamplesAreConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*/riskd.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		if _, err := loadConfig(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
