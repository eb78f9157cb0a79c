package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	riskgateway "github.com/riskd/riskd/gateway"
)

// screen is how many lines of a page one sees at once.
const screen = 50

// TestFolders holds every folder to what operators are told: a page of one screen,
// and in each config one line to change.
func TestFolders(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*/README.md")
	if err != nil || len(pages) < 7 {
		t.Fatalf("found %d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		folder := filepath.Dir(page)
		if n := strings.Count(read(t, page), "\n"); n > screen {
			t.Errorf("%s has %d lines", page, n)
		}
		if folder == "go-middleware" {
			continue // it is an application, and has its gateway in itself
		}
		if n := strings.Count(read(t, filepath.Join(folder, "riskd.yaml")), "# 2. "); n != 1 {
			t.Errorf("%s/riskd.yaml has %d lines to change", folder, n)
		}
	}
}

// TestFoldersNameEveryHeader looks into the configs that list headers: one that is
// missing would be the client's to set.
func TestFoldersNameEveryHeader(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"nginx/site.conf", "caddy/Caddyfile", "traefik/site.yaml", "apisix/apisix.yaml"} {
		text := read(t, file)
		for _, name := range riskgateway.Headers {
			if !strings.Contains(text, name) {
				t.Errorf("%s says nothing of %s", file, name)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
