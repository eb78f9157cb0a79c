package gateway

import (
	"math"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// identity is what a verified token says of a session and of who uses it.
type identity struct {
	session, user, acr  string
	amr, roles          []string
	authTime, startedAt time.Time
	notBefore, expires  time.Time
}

// read takes the claims that the profile names. One that is there but of another
// type than it has to be is an error, and so is a missing session.
func (j *JWT) read(claims map[string]any) (*identity, error) {
	var who identity
	ok := text(claims, j.SessionClaim, &who.session) && text(claims, j.UserClaim, &who.user) && text(claims, "acr", &who.acr) &&
		list(claims, "amr", &who.amr) && list(claims, j.RolesClaim, &who.roles) &&
		date(claims, "auth_time", &who.authTime) && date(claims, j.StartedAtClaim, &who.startedAt)
	if !ok || j.SessionClaim != "" && who.session == "" {
		return nil, errToken
	}
	return &who, nil
}

// dates reads when a token is good. One that doesn't say when it ends is over since
// the zero time.
func (who *identity) dates(claims map[string]any) error {
	var issued time.Time
	if !date(claims, "exp", &who.expires) || !date(claims, "nbf", &who.notBefore) || !date(claims, "iat", &issued) {
		return errToken
	}
	if issued.After(who.notBefore) {
		who.notBefore = issued // no token is good before it was made
	}
	return nil
}

func (who *identity) within(now time.Time) error {
	if now.Add(clockSkew).Before(who.notBefore) || !now.Add(-clockSkew).Before(who.expires) {
		return errToken
	}
	return nil
}

// tell adds to an event. The lists are those of the token's every event, and
// nobody changes them.
func (who *identity) tell(e *riskd.Event) {
	e.User.ID, e.Session.ACR, e.Session.AMR, e.Session.AuthTime = who.user, who.acr, who.amr, who.authTime
	if who.roles != nil {
		e.User.Roles = who.roles
	}
	if !who.startedAt.IsZero() {
		e.Session.StartedAt = who.startedAt
	}
}

// claim finds a claim by its name, or else, where that has dots, within others.
func claim(claims map[string]any, name string) any {
	for claims != nil && name != "" {
		if v, ok := claims[name]; ok {
			return v
		}
		outer, inner, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		claims, _ = claims[outer].(map[string]any)
		name = inner
	}
	return nil
}

func text(claims map[string]any, name string, into *string) (ok bool) {
	v := claim(claims, name)
	if v == nil {
		return true
	}
	*into, ok = v.(string)
	return ok
}

func list(claims map[string]any, name string, into *[]string) bool {
	switch v := claim(claims, name).(type) {
	case nil:
		return true
	case string:
		*into = words(v, " ,")
		return true
	case []any:
		for _, entry := range v {
			word, ok := entry.(string)
			if !ok {
				return false
			}
			*into = append(*into, word)
		}
		return true
	}
	return false
}

// date reads a NumericDate (RFC 7519 §2).
func date(claims map[string]any, name string, into *time.Time) bool {
	v := claim(claims, name)
	if v == nil {
		return true
	}
	seconds, ok := v.(float64)
	if !ok || !(seconds >= 0 && seconds < 1<<33) { // until the year 2242
		return false
	}
	whole, fraction := math.Modf(seconds)
	*into = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	return true
}
