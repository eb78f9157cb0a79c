package policies

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// denied are the built-in functions that no rule may call, by name or, with a
// dot at the end, by prefix.
var denied = []string{
	// Reach out of the process, or read its secrets.
	"http.send", "net.lookup_ip_addr", "opa.runtime", "providers.aws.",
	// Give another answer on replay.
	"rand.intn", "uuid.rfc4122",
	// Keys and tokens never get into riskd.
	"io.jwt.", "crypto.x509.", "crypto.parse_private_keys",
	// Run for seconds on small arguments, without looking at the deadline.
	"bits.lsh", "graph.reachable_paths", "strings.render_template", "numbers.range", "numbers.range_step",
	"net.cidr_expand", "graphql.", "yaml.", "json.match_schema", "json.verify_schema",
	"regex.globs_match", "regex.template_match",
	// Belong to tools.
	"rego.parse_module", "trace",
}

func isDenied(name string) bool {
	return slices.ContainsFunc(denied, func(d string) bool {
		return name == d || strings.HasSuffix(d, ".") && strings.HasPrefix(name, d)
	})
}

// Capabilities are what rules may use: OPA's own without the denied functions,
// without Rego 2, and without the network. The file capabilities.json beside this one holds them for
// authors: opa check --capabilities.
func Capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return isDenied(b.Name) })
	c.Features = slices.DeleteFunc(c.Features, func(f string) bool { return strings.HasPrefix(f, "rego_v2") })
	c.AllowNet = []string{} // nil would allow every host
	return c
}

// unsafeBuiltins are the denied functions as the compiler wants them. It takes
// both: without the capability a call doesn't type-check, and as an unsafe one
// the error says why.
func unsafeBuiltins() map[string]struct{} {
	names := map[string]struct{}{}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if isDenied(b.Name) {
			names[b.Name] = struct{}{}
		}
	}
	return names
}
