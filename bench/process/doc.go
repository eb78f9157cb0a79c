// Package process runs the servers that a bench measures: each a process of its
// own, pinned to a core, its CPU time and allocations read from outside, so
// that measuring costs it nothing. That needs Linux.
//
// It is not a supervisor: a server that ends by itself is not started again.
package process
