package gateway

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

const authorization = "Authorization"

// bearer is the source of a profile that says so, made ready.
var bearer = Source{Header: authorization, Bearer: true}

// value reads a source; "" is nothing there. It is an error if there is more
// than one value.
func (s Source) value(p *profile, in *Request) (string, error) {
	if s.Cookie != "" {
		return cookie(in.cookieLines(p), s.Cookie)
	}
	value := strings.Trim(header(in.Header, s.Header), " \t")
	if s.Header != authorization {
		return value, nil
	}
	// The same token after a scheme in other letters is the same session.
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.Trim(token, " \t")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		if s.Bearer {
			token = ""
		}
		return token, nil
	}
	if strings.ContainsFunc(token, notInTokens) {
		return "", errMalformed
	}
	return token, nil
}

// notInTokens holds for what has no place in a b64token (RFC 6750 §2.1).
func notInTokens(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/=", c)
}

// sessionOf gives what of a session's source is its id.
//
// A signed token (JWS) can be spelled in many ways without its being another: the
// last bits of base64 mean nothing, decoders skip what they don't know, and of an
// ECDSA signature anybody can compute a second. Each would be a session that was
// never revoked. What is signed has one spelling, so the id is that, without the
// signature. Of an encrypted token (JWE) no part may have two spellings.
//
// Without keys nobody has checked the signature, and whoever knows what is in a
// token can speak of its session. That can do it harm, and not escape from it.
func sessionOf(value string) (string, error) {
	head, rest, ok := strings.Cut(value, ".")
	if !ok || value[0] != 'e' { // base64url of {
		return value, nil
	}
	var jose struct{ Alg, Enc string }
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil || json.Unmarshal(text, &jose) != nil || jose.Alg == "" {
		return value, nil
	}
	if jose.Enc != "" {
		for part := range strings.SplitSeq(rest, ".") {
			if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
				return "", errMalformed
			}
		}
		return value, nil
	}
	payload, _, signed := strings.Cut(rest, ".")
	if !signed || payload == "" {
		return "", errMalformed
	}
	return value[:len(head)+1+len(payload)], nil
}
