// Package flat compiles Rego to flat programs. OPA partially evaluates a rule
// with only the input unknown; what remains, conjunctions of conditions on
// known paths, becomes a few instructions over the typed case, which run in well
// under a microsecond and, but for what built-in functions of OPA make, without
// allocating.
//
// A [Program] never guesses: on whatever isn't an answer without a doubt (a
// conflict, a built-in function that fails) it says that it isn't sure, and OPA
// has to be asked. Rules that don't fit are refused when they are compiled, with
// the reason. It knows nothing of packs, and judges nothing.
package flat
