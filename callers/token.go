package callers

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// tokenPrefix makes tokens easy to find where they shouldn't be: in code, in logs.
const tokenPrefix = "riskd_"

// tokenBytes are the random ones of a token: too many to be guessed, so that a
// plain hash of it gives nothing away.
const tokenBytes = 32

// NewToken makes a token up, and gives what a config holds of it.
func NewToken() (secret string, t Token) {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	hash := hashOf(secret)
	return secret, Token{SHA256: hex.EncodeToString(hash[:])}
}

func hashOf(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// maxToken is the length of the longest token that is looked at.
const maxToken = 512

// bearerToken takes the token out of an authorization (RFC 6750 §2.1): the scheme
// in any case, spaces, and the characters of a token68, of which = only ends it.
func bearerToken(value string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > maxToken {
		return "", false
	}
	body := strings.TrimRight(token, "=")
	return token, body != "" && !strings.ContainsFunc(body, notInTokens)
}

func notInTokens(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !letter && !strings.ContainsRune("-._~+/", c)
}
