// Package gateway reads what a gateway says of a client's request into an event,
// and says in headers what the gateway is answered.
//
// It decides nothing and speaks no protocol: forward-auth over HTTP, ext_authz
// over gRPC and the plugins that ask an OPA share it, so that they trust the same
// headers, find the same session and the same client address, and refuse the same
// disguises.
package gateway
