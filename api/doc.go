// Package api answers callers over HTTP.
//
// There are two handlers for two listeners. [API.Gateway] is the decision path:
// decisions, batches, telemetry and forward-auth, and nothing else, so that
// health or sessions can't be reached through a gateway. [API.Admin] is for
// operators and identity providers: sessions, orders over them, answers to
// step-ups, identity events, erasure, health, metrics and the OpenAPI document.
// routes.go is the one table of both, and of who may use what (access.go). To a
// caller that is bound to a tenant what belongs to another doesn't exist.
//
// Whatever comes in is decoded strictly and turned into the vocabulary at once;
// a raw session id is hashed before anything else sees it. Whatever is wrong
// with a request is answered as a problem document (RFC 9457) that names the
// field, the fault and the cure, and quotes nothing of what was sent. What was
// done but may be lost with the process is never answered as a success.
// Forward-auth alone answers 200, 401 or 403 whatever happens, because gateways
// turn any other status into an outage or into an open door.
//
// It is not the place where anything is decided, remembered or configured.
package api
