// Package callers says who is calling: it matches what a connection and a request
// show (the peer of a unix socket, a client certificate, a bearer token) with the
// callers that are configured, and it opens the sockets and the TLS material on
// which they can show it.
//
// Nothing in it fails open. Material that can't be loaded keeps riskd from
// starting, or leaves what was loaded before in force; credentials that are in any
// way not as they should be name nobody.
//
// It doesn't know what a caller may do: that stands in the table of routes.
package callers
