// Package journal keeps append-only files whose records survive whatever they
// were said to survive: once [Commit.Wait] has returned nil, a record outlives the
// process, the machine's power and a torn write, and damage done to it later is
// told rather than skipped.
//
// It knows nothing of what its records mean, keeps no index and answers no
// queries: it is read once, by [Open].
//
// # Files
//
// A journal called orders is the files orders-000001.log, orders-000002.log, …
// of one folder. They're text, a record a line:
//
//	c2a1f3d0 17 15 e {"effect":"revoke", …}
//
// A line holds the CRC-32C of what follows it up to the newline, the record's
// number, the number of the first record of its group, a mark, and the record. A
// group is what one write and one fsync put on disk; the next one is written only
// after that fsync, so that nothing but the last group of a file can be torn.
// Group 0 was on disk before the file had its name. The marks are e for the end of
// a batch, c for a batch that goes on in the next line, x for records that were
// lost and given up by a repair (from the second number to the first), and h for
// the header that begins each file.
//
// The header's number is that of the record before the file: later ones in older
// files are void. "first" in it is the oldest record that is still to be there;
// all before it are void. Numbers go on from file to file without a gap.
//
// A file is made under another name, is fsynced, gets its name, and the folder is
// fsynced; nothing is ever written to a file that an earlier process left. A new
// one that takes over its last group, or all of it while it is small, leaves out
// what was torn and can't hold a write that was lost after a failed fsync.
package journal
