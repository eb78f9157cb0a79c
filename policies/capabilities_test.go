package policies_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd/policies"
)

var update = flag.Bool("update", false, "write capabilities.json anew")

// capabilities.json is what authors check their packs against. A change in it,
// such as a function that a new OPA brings, has to be seen and wanted.
func TestCapabilitiesFile(t *testing.T) {
	c := policies.Capabilities()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return b.Name == blockName })
	got, err := json.MarshalIndent(struct {
		*ast.Capabilities
		AllowNet []string `json:"allow_net"` // OPA leaves out an empty list, which then allows every host
	}{c, c.AllowNet}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const file = "capabilities.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s isn't what packs are compiled with: look at the difference of `go test ./policies -run TestCapabilitiesFile -update`", file)
	}
	if !bytes.Contains(want, []byte(`"allow_net": []`)) {
		t.Error("the file allows the network")
	}
}
