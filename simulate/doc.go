// Package simulate makes up a population that uses an application, and attackers
// who come to its sessions: a trace to replay and labels that say what was what.
// The same options give the same bytes.
//
// It writes lines as docs/replay.md describes them and knows nothing of engines,
// signals or packs, so that nothing can be fitted to them here. It isn't a model of
// anybody's real users: docs/simulate.md says what is counted and what is assumed.
package simulate
