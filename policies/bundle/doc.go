// Package bundle reads, verifies, builds and signs policy packs in OPA's bundle
// format, and fetches them as OPA does: a gzip tarball with a .manifest and, if
// it is signed, a .signatures.json. What OPA's own command builds and signs is
// read here, and what is written here OPA takes.
//
// A pack lies in a bundle like this; where OPA's command has moved its tuning, it
// is found again:
//
//	.manifest            revision, roots, rego_version, the pack's name in metadata
//	policy.rego, *.rego  the pack's modules and their tests
//	tuning/data.json     tuning.json, where OPA loads it as data.tuning
//	scenarios/*.txtar    recorded events and what is to be decided on them
//
// `opa build DIR` merges tuning.json into data.json at the root, and `opa build
// -b` leaves every JSON file out that isn't called data.json: a pack that is to be
// built so keeps its tuning in tuning/data.json.
//
// A bundle is held in memory as a whole, bounded in every direction, and nothing
// of it is ever unpacked to a disk. This package compiles nothing and decides
// nothing: it says what a bundle holds and who has signed it, or why it is
// refused.
package bundle
