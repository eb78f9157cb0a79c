// Package extauthz answers Envoy's ext_authz filter over gRPC
// (envoy.service.auth.v3.Authorization/Check).
//
// It turns a check into what a gateway says of a request, has it read and decided
// as forward-auth does, and writes the answer in Envoy's words. Every check gets
// an answer with a status of its own, since Envoy takes one without for an OK;
// riskd's own faults are denials, and never errors of gRPC, which a filter may have
// been told to let through.
//
// It is not the place for what a header means (that is gateway), for who may call
// (callers), or for Envoy's HTTP mode, which is forward-auth.
package extauthz
