// Package policies compiles a policy pack together with the rule library and
// asks it: which reasons does a case give, and what is to be done.
//
// A [Pack] is compiled aside, checked as a whole and then swapped into a [Set];
// a pack with a fault never gets in force, and every fault is reported with its
// place. Asking a pack never gives a partial answer: it answers, or it gives an
// [Error] with one of a few codes, and the caller falls back to the default of
// the route's class. An answer comes at the caller's deadline even when the
// evaluator is late.
//
// This is the only package that knows OPA. It measures nothing, adds nothing
// up and remembers nothing.
package policies
