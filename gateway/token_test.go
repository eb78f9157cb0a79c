package gateway

import (
	"encoding/base64"
	"strings"
	"testing"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// What of Authorization names a session, in all spellings.
func TestAuthorizationSpellings(t *testing.T) {
	t.Parallel()
	jws := b64(`{"alg":"ES256"}`) + "." + b64(`{"sub":"ann"}`)
	jwe := b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`)
	sources := map[string]Source{"header": {Header: "Authorization"}, "bearer": bearer}
	for name, c := range map[string]struct{ value, header, bearer string }{
		"bearer":               {"Bearer abc", "abc", "abc"},
		"its case":             {"bEARER  abc ", "abc", "abc"},
		"DPoP":                 {"dpop abc", "abc", "abc"},
		"basic":                {"Basic dTpw", "dTpw", ""},
		"other":                {`Token token="abc"`, `token="abc"`, ""},
		"no scheme":            {"abc", "", ""},
		"scheme alone":         {"Bearer", "", ""},
		"nothing":              {"", "", ""},
		"tab":                  {"Bearer\tabc", "", ""},
		"two tokens":           {"Bearer abc def", "malformed", "malformed"},
		"list":                 {"Bearer abc, Bearer def", "malformed", "malformed"},
		"quoted":               {`Bearer "abc"`, "malformed", "malformed"},
		"padded":               {"Bearer YWJj==", "YWJj==", "YWJj=="},
		"signed":               {"Bearer " + jws + ".c2ln", jws, jws},
		"signed, last bits":    {"Bearer " + jws + ".c2lo", jws, jws},
		"signed, padded":       {"DPoP " + jws + ".c2ln=", jws, jws},
		"signed, odd":          {"Bearer " + jws + ".~/+", jws, jws},
		"signed, more":         {"Bearer " + jws + ".c2ln.x.y", jws, jws},
		"signed by nobody":     {"Bearer " + jws + ".", jws, jws},
		"not signed":           {"Bearer " + jws, "malformed", "malformed"},
		"nothing signed":       {"Bearer " + b64(`{"alg":"ES256"}`) + "..c2ln", "malformed", "malformed"},
		"encrypted":            {"Bearer " + jwe + ".AA.AQ.Ag.Aw", jwe + ".AA.AQ.Ag.Aw", jwe + ".AA.AQ.Ag.Aw"},
		"encrypted, no key":    {"Bearer " + jwe + "..AQ.Ag.Aw", jwe + "..AQ.Ag.Aw", jwe + "..AQ.Ag.Aw"},
		"encrypted, last bits": {"Bearer " + jwe + ".AA.AQ.Ag.Ax", "malformed", "malformed"},
		"encrypted, padded":    {"Bearer " + jwe + ".AA.AQ.Ag.Aw==", "malformed", "malformed"},
		// Where the last part may be all that tells two sessions apart it counts.
		"three parts":   {"Bearer v1.sess.secret", "v1.sess.secret", "v1.sess.secret"},
		"other JSON":    {"Bearer " + b64(`{"user":1}`) + ".ts.sig", b64(`{"user":1}`) + ".ts.sig", b64(`{"user":1}`) + ".ts.sig"},
		"broken header": {"Bearer eyJ.a.b", "eyJ.a.b", "eyJ.a.b"},
	} {
		for kind, source := range sources {
			want := map[string]string{"header": c.header, "bearer": c.bearer}[kind]
			got, err := source.value(&profile{}, ask("Authorization: "+c.value))
			if err == nil {
				got, err = sessionOf(got)
			}
			if err != nil {
				got = "malformed"
			}
			if got != want {
				t.Errorf("%s, %s: got %q, want %q", name, kind, got, want)
			}
		}
	}
}

// FuzzAuthorization holds that no change to a signed token's signature, and none
// to its scheme, makes another session of it.
func FuzzAuthorization(f *testing.F) {
	f.Add("Bearer", b64(`{"alg":"RS256","kid":"1"}`), b64(`{"sid":"a"}`), "c2ln", "c2lo", " ")
	f.Add("DPoP", b64(`{"alg":"ES256"}`), "e30", "", "..=", "  ")
	f.Add("bearer", b64(`{ "typ":"JWT", "alg":"none"}`), "e30", "a", "a\t", "\t")
	f.Add("Basic", "dTpw", "", "", "", "")
	f.Add("Bearer", b64(`{"alg":"dir","enc":"A128GCM"}`), "", "AA.AA.AA", "AA.AA.AB", " ")
	r := testReader(f, Profile{Name: "web", Style: Caddy, Session: Source{Bearer: true}})
	f.Fuzz(func(t *testing.T, scheme, head, payload, one, two, space string) {
		if strings.Trim(space, " \t") != "" {
			t.Skip("another head")
		}
		read := func(signature string) (string, Refusal) {
			in := ask()
			in.Header["Authorization"] = []string{scheme + " " + space + head + "." + payload + "." + signature}
			e, code := r.Event("web", in)
			if code != "" {
				return "", code
			}
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			return e.Session.ID.String(), ""
		}
		a, code1 := read(one)
		b, code2 := read(two)
		text, err := base64.RawURLEncoding.DecodeString(head)
		signed := err == nil && strings.HasPrefix(string(text), `{"alg":"`) && strings.HasSuffix(string(text), `256"}`) && payload != ""
		if signed && !strings.ContainsAny(payload, ". ") && code1 == "" && code2 == "" && a != b {
			t.Errorf("%q and %q make two sessions of a token", one, two)
		}
		scheme = strings.ToUpper(scheme)
		if c, code := read(one); c != a || code != code1 {
			t.Errorf("%s gives %q %q, not %q %q", scheme, c, code, a, code1)
		}
	})
}
