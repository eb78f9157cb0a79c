// Command chaos breaks riskd and looks at what is left: it kills it, takes its
// disk away, fills its memory, and tells whether the promises held that
// bench/README.md lists. `chaos selftest` plants bugs and shows that these very
// checks catch them.
//
// It measures no speed, but says how much was done: a check that had too little
// to look at fails.
package main
