// Package decisions keeps the last decisions with all that it takes to explain them:
// in memory, bounded, those that let nothing pass apart from those that did, so
// that no flood of requests that are allowed washes them out.
//
// It is not a record: what has to last is in the audit log. And it explains nothing
// (that is scoring's), nor does it show anything (that is the API's).
package decisions
