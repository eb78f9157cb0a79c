package riskd_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/riskd/riskd"

// The plan of the house: which room may import which, and who owns which foreign
// module. It reads the files itself: `go list` inside a test passes stale,
// because the test cache doesn't know what it read.
var house = map[string]struct {
	imports []string // rooms, "." is the vocabulary
	owns    []string // foreign modules
}{
	".":             {},
	"signals":       {[]string{"."}, []string{"github.com/medama-io/go-useragent"}},
	"rego":          {},
	"policies/flat": {[]string{"."}, []string{"github.com/open-policy-agent/opa"}},
	"policies": {
		[]string{".", "rego", "policies/flat"},
		[]string{"github.com/open-policy-agent/opa", "github.com/go-json-experiment/json"},
	},
	"policies/bundle":       {nil, []string{"github.com/open-policy-agent/opa", "github.com/go-json-experiment/json"}},
	"scoring/balance":       {[]string{"."}, nil},
	"scoring":               {[]string{".", "signals", "scoring/balance"}, nil},
	"scoring/freeman":       {nil, nil},
	"journal":               {nil, []string{"github.com/cockroachdb/pebble/v2/vfs", "github.com/cockroachdb/pebble/v2/vfs/errorfs"}},
	"sessions":              {[]string{".", "journal"}, []string{"github.com/cockroachdb/pebble/v2"}},
	"identity":              {[]string{"."}, nil},
	"leases":                {[]string{"."}, nil},
	"client":                {[]string{"."}, nil},
	"examples/*":            {[]string{".", "client"}, nil},
	"decisions":             {[]string{"."}, nil},
	"audit":                 {[]string{".", "journal"}, []string{"github.com/cockroachdb/pebble/v2/vfs"}},
	"sessions/sessionstest": {[]string{"."}, []string{"pgregory.net/rapid"}},
	"tune":                  {[]string{".", "scoring/balance"}, nil},
	"replay":                {[]string{".", "replay/measure"}, nil},
	"replay/measure":        {},
	"replay/rba":            {[]string{"scoring/freeman"}, nil},
	"simulate":              {[]string{"."}, nil},
	"geo": {[]string{"."}, []string{
		"github.com/oschwald/geoip2-golang/v2", "github.com/oschwald/maxminddb-golang/v2",
		"github.com/maxmind/mmdbwriter", "github.com/dgraph-io/ristretto/v2",
	}},
	"gateway": {[]string{"."}, []string{"github.com/lestrrat-go/jwx/v3", "github.com/go-json-experiment/json"}},
	"api":     {[]string{".", "gateway"}, []string{"github.com/go-json-experiment/json"}},
	"callers": {[]string{"."}, nil},
	"extauthz": {[]string{".", "gateway"}, []string{
		"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc",
		"github.com/envoyproxy/go-control-plane/envoy",
	}},
	"callers/callerstest": {},
	"fixtures":            {[]string{"."}, []string{"golang.org/x/tools/txtar"}},
	"fixtures/geo":        {[]string{"geo"}, nil},
	"examples":            {},
	"cmd/riskd":           {[]string{"*"}, []string{"*"}},
	"bench/*":             {[]string{"*"}, []string{"*"}},
}

const maxDepth = 4

// maxFile is the length past which a file has more than one noun in it.
const maxFile = 400

func TestHouseIsBuiltToPlan(t *testing.T) {
	rooms := readRooms(t)
	for _, name := range slices.Sorted(maps.Keys(rooms)) {
		t.Run(name, func(t *testing.T) {
			plan, ok := house[planName(name)]
			if !ok {
				t.Fatalf("room %s is not in the plan: add it to layout_test.go with one sentence in CONTRIBUTING.md, or put the code where it belongs", name)
			}
			r := rooms[name]
			if !r.documented {
				t.Errorf("room %s has no package comment: say what it is for and what it is not for", name)
			}
			for _, imported := range r.imports {
				checkImport(t, name, imported, plan.imports, plan.owns)
			}
		})
	}
}

func planName(room string) string {
	for _, many := range []string{"bench", "examples"} {
		if strings.HasPrefix(room, many+"/") {
			return many + "/*"
		}
	}
	return room
}

func checkImport(t *testing.T, room, imported string, rooms, owns []string) {
	t.Helper()
	if imported == module || strings.HasPrefix(imported, module+"/") {
		target := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
		if target == "" {
			target = "."
		}
		if !slices.Contains(rooms, target) && !slices.Contains(rooms, "*") {
			t.Errorf("room %s imports %s: arrows go to the vocabulary or down the corridor, never sideways", room, target)
		}
		return
	}
	if !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
		return // standard library
	}
	for _, owned := range owns {
		if owned == "*" || imported == owned || strings.HasPrefix(imported, owned+"/") {
			return
		}
	}
	t.Errorf("room %s imports %s, which it doesn't own", room, imported)
}

func TestImportsAreShallow(t *testing.T) {
	rooms := readRooms(t)
	var depth func(room string, seen []string) int
	depth = func(room string, seen []string) int {
		if slices.Contains(seen, room) {
			t.Fatalf("rooms import each other in a circle: %s", strings.Join(append(seen, room), " → "))
		}
		deepest := 0
		for _, imported := range rooms[room].imports {
			if target, own := strings.CutPrefix(imported, module); own {
				target = strings.TrimPrefix(target, "/")
				if target == "" {
					target = "."
				}
				deepest = max(deepest, depth(target, append(seen, room)))
			}
		}
		return deepest + 1
	}
	for name := range rooms {
		if d := depth(name, nil); d > maxDepth {
			t.Errorf("room %s is %d imports deep; the house has at most %d floors", name, d, maxDepth)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	walkGo(t, func(file string) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), "\n"); n > maxFile && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s has %d lines: split it by noun before %d", file, n, maxFile)
		}
	})
}

func TestNoDrawers(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "misc", "internal", "pkg", "core", "shared"}
	walkGo(t, func(file string) {
		for _, part := range strings.Split(strings.TrimSuffix(file, ".go"), "/") {
			if slices.Contains(banned, strings.TrimSuffix(part, "_test")) {
				t.Errorf("%s: %q says nothing; name it for what it provides", file, part)
			}
		}
	})
}

type room struct {
	imports    []string
	documented bool
}

func readRooms(t *testing.T) map[string]*room {
	rooms := map[string]*room{}
	walkGo(t, func(file string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		name := path.Dir(file)
		r := rooms[name]
		if r == nil {
			r = &room{}
			rooms[name] = r
		}
		r.documented = r.documented || describes(parsed)
		for _, spec := range parsed.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); !slices.Contains(r.imports, p) {
				r.imports = append(r.imports, p)
			}
		}
	})
	if len(rooms) < 2 {
		t.Fatal("found no rooms: the test must run in the root of the module")
	}
	return rooms
}

func describes(f *ast.File) bool { return f.Doc != nil && len(f.Doc.Text()) > 40 }

func walkGo(t *testing.T, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(file, ".go"):
			visit(filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(fmt.Errorf("walking the house: %w", err))
	}
}
