// Package rego holds the rule library: for every signal a rule that judges its
// reading and gives a reason, with its test beside it.
//
// It holds text only. Package policies compiles it, together with a pack.
package rego

import "embed"

// FS is the library: one <signal>.rego per signal, its <signal>_test.rego, and
// what the rules share in lib/.
//
//go:embed *.rego lib/*.rego
var FS embed.FS
