// Package identity turns identity events into orders over sessions.
//
// A password is reset, a device is reported stolen, a user is disabled: what an
// identity provider or an operator tells is a [riskd.IdentityEvent], and what
// follows from it is a row of the pack's table, Tuning.Identity. A [Handler] looks
// the row up and gives its orders, all of them or none.
//
// It is not the place where orders are kept or carried out, nor where events are
// read from a wire.
package identity
