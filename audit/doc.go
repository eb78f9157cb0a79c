// Package audit keeps the log of what was done: who revoked, suspended, undid,
// was asked for proof, proved, expired, and by whose rule. Every entry carries the
// hash of the one before, so that nobody changes, drops or inserts one unseen.
//
// It decides nothing and isn't asked by the engine. What it must not hold it
// doesn't take: sessions, users and devices are references, keyed hashes whose key
// is not here.
//
// # The chain
//
// The log is a journal (see package journal), an entry a record, so that entry n is
// its record n. prev is the SHA-256, in hex, of the bytes of the entry before, as
// they stand in the file; the first entry's is that of [Genesis]. Whoever may write
// the files can still write a whole new end of the chain, or cut it off. That is
// seen by whoever has noted a [Head] elsewhere: [Verify] compares with it.
//
// With a bound on the files the oldest are removed, after an entry of the act trim
// has said from which entry on the log is kept.
package audit
