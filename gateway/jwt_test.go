package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

var (
	noon     = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	testKeys = sync.OnceValue(func() (k struct {
		rsa, other *rsa.PrivateKey
		ec         *ecdsa.PrivateKey
		ed         ed25519.PrivateKey
	},
	) {
		k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
		k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
		k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
		return k
	})
)

// pss is a key that signs by PS256.
type pss struct{ *rsa.PrivateKey }

// sign makes a token as it is told to, without asking whether that makes sense.
func sign(t testing.TB, with any, header, payload string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch key := with.(type) {
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	case pss:
		signature, err = rsa.SignPSS(rand.Reader, key.PrivateKey, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, key, sum[:])
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case []byte: // a MAC's secret
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	case string: // as it is
		signature = []byte(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func jwkRSA(id string, k *rsa.PublicKey, more string) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"%s}`, id, b64(string(k.N.Bytes())), more)
}

func jwkEC(t testing.TB, id string, k *ecdsa.PublicKey) string {
	t.Helper()
	point, err := k.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, id, b64(string(point[1:33])), b64(string(point[33:])))
}

func jwkEd(id string, k ed25519.PrivateKey) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, id, b64(string(k.Public().(ed25519.PublicKey))))
}

func writeKeys(t testing.TB, file string, keys ...string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(`{"keys":[`+strings.Join(keys, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tokenReader is a Reader of tokens with all the claims, whose clock stands.
func tokenReader(t testing.TB, change func(*JWT), keys ...string) (*Reader, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jwks.json")
	if keys == nil {
		k := testKeys()
		keys = []string{
			jwkRSA("r1", &k.rsa.PublicKey, `,"use":"sig","alg":"RS256"`), jwkEC(t, "e1", &k.ec.PublicKey), jwkEd("d1", k.ed), jwkRSA("p1", &k.other.PublicKey, `,"alg":"PS256"`),
			jwkRSA("r1", &k.other.PublicKey, `,"use":"enc"`), `{"kty":"OKP","crv":"X25519","kid":"x1","x":"` + b64(strings.Repeat("x", 32)) + `"}`, `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`,
		}
	}
	writeKeys(t, file, keys...)
	j := JWT{
		KeysFile: file, Issuer: "https://idp.example", Audience: "app", Algorithms: []string{"RS256", "ES256", "EdDSA"},
		SessionClaim: "sid", RolesClaim: "realm_access.roles", StartedAtClaim: "started",
	}
	if change != nil {
		change(&j)
	}
	r, err := New(Options{Key: testKey(t), TrustedProxies: trusted, Now: func() time.Time { return noon }, Profiles: []Profile{
		{Name: "web", Style: Caddy, Tenant: "shop", Session: Source{Bearer: true}, JWT: j},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r, file
}

const goodClaims = `{"iss":"https://idp.example","aud":["x","app"],"exp":1795263600,"nbf":1795262400,"iat":1795262400.5,"sid":"s-1","sub":"ann","acr":"aal2",` +
	`"amr":["pwd","otp"],"auth_time":1795260000,"started":1795259000,"realm_access":{"roles":["admin","ops"]},"cnf":{"jkt":"x"},"n":null}`

// claims are the good ones with some replaced; a value of "" takes one out.
func claims(replace ...string) string {
	out := goodClaims
	for i := 0; i < len(replace); i += 2 {
		name, value := `"`+replace[i]+`":`, replace[i+1]
		at := strings.Index(out, name)
		end := at + len(name)
		for depth := 0; depth > 0 || out[end] != ',' && out[end] != '}'; end++ {
			depth += strings.Count("[{", out[end:end+1]) - strings.Count("]}", out[end:end+1])
		}
		if value == "" {
			out = out[:at] + `"gone":1` + out[end:]
		} else {
			out = out[:at] + name + value + out[end:]
		}
	}
	return out
}

func askToken(token string) *Request { return ask("Authorization: Bearer " + token) }

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	r, _ := tokenReader(t, nil)
	k := testKeys()
	for name, token := range map[string]string{
		"RSA":               sign(t, k.rsa, `{"alg":"RS256","kid":"r1","typ":"at+jwt"}`, goodClaims),
		"RSA, no kid":       sign(t, k.rsa, `{"alg":"RS256"}`, goodClaims),
		"EC":                sign(t, k.ec, `{"alg":"ES256","kid":"e1","typ":"JWT","x":{"y":1}}`, goodClaims),
		"Ed25519":           sign(t, k.ed, `{"alg":"EdDSA","kid":"d1","typ":"application/at+jwt"}`, goodClaims),
		"one audience":      sign(t, k.ec, `{"alg":"ES256","kid":"e1"}`, claims("aud", `"app"`)),
		"just not begun":    sign(t, k.ec, `{"alg":"ES256","kid":"e1"}`, claims("nbf", "1795262459")),
		"just over":         sign(t, k.ec, `{"alg":"ES256","kid":"e1"}`, claims("exp", "1795262341")),
		"a key that is not": sign(t, k.ec, `{"alg":"ES256","kid":"e1","jku":"https://evil.example","x5u":"https://evil.example"}`, goodClaims),
	} {
		for range 2 { // the second time it is known
			e, code := r.Event("web", askToken(token))
			if code != "" {
				t.Errorf("%s: %s", name, code)
				continue
			}
			want := riskd.EventSession{
				ID: r.key.ID("shop", "s-1"), StartedAt: time.Unix(1795259000, 0).UTC(), AuthTime: time.Unix(1795260000, 0).UTC(), ACR: "aal2", AMR: []string{"pwd", "otp"},
			}
			if !reflect.DeepEqual(e.Session, want) || !reflect.DeepEqual(e.User, riskd.User{ID: "ann", Roles: []string{"admin", "ops"}}) {
				t.Errorf("%s: got %+v %+v", name, e.Session, e.User)
			}
		}
	}
}

// Nothing is read of a token that isn't good, and nothing is made of it.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	r, _ := tokenReader(t, nil)
	k := testKeys()
	const rs, es = `{"alg":"RS256","kid":"r1"}`, `{"alg":"ES256","kid":"e1"}`
	good := sign(t, k.rsa, rs, goodClaims)
	parts := strings.Split(good, ".")
	der, _ := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	sum := sha256.Sum256([]byte(b64(es) + "." + b64(goodClaims)))
	asn1, _ := ecdsa.SignASN1(rand.Reader, k.ec, sum[:])
	evil := jwkRSA("evil", &k.other.PublicKey, "")
	with := func(replace ...string) string { return sign(t, k.ec, es, claims(replace...)) }
	cases := map[string]string{
		"none":                        b64(`{"alg":"none"}`) + "." + b64(goodClaims) + ".",
		"none, with a signature":      sign(t, "x", `{"alg":"none","kid":"r1"}`, goodClaims),
		"None":                        sign(t, "x", `{"alg":"None","kid":"r1"}`, goodClaims),
		"no algorithm":                sign(t, k.rsa, `{"kid":"r1"}`, goodClaims),
		"MAC under the modulus":       sign(t, k.rsa.N.Bytes(), `{"alg":"HS256","kid":"r1"}`, goodClaims),
		"MAC under the key in DER":    sign(t, der, `{"alg":"HS256","kid":"r1"}`, goodClaims),
		"MAC under nothing":           sign(t, []byte{}, `{"alg":"HS256"}`, goodClaims),
		"an algorithm not allowed":    sign(t, k.rsa, `{"alg":"RS512","kid":"r1"}`, goodClaims),
		"one that is the key's":       sign(t, pss{k.other}, `{"alg":"PS256","kid":"p1"}`, goodClaims),
		"another use of the key":      sign(t, pss{k.rsa}, `{"alg":"PS256","kid":"r1"}`, goodClaims),
		"another key's algorithm":     sign(t, k.rsa, `{"alg":"ES256","kid":"r1"}`, goodClaims),
		"another key":                 sign(t, k.other, rs, goodClaims),
		"another key's name":          sign(t, k.rsa, `{"alg":"RS256","kid":"e1"}`, goodClaims),
		"a key that isn't there":      sign(t, k.other, `{"alg":"RS256","kid":"r9"}`, goodClaims),
		"a key it brings":             sign(t, k.other, `{"alg":"RS256","jwk":`+evil+`}`, goodClaims),
		"a key it knows of":           sign(t, k.other, `{"alg":"RS256","kid":"r1","jku":"https://evil.example/jwks"}`, goodClaims),
		"algorithm twice":             sign(t, k.rsa, `{"alg":"HS256","alg":"RS256","kid":"r1"}`, goodClaims),
		"crit":                        sign(t, k.rsa, `{"alg":"RS256","kid":"r1","crit":["exp"]}`, goodClaims),
		"b64":                         sign(t, k.rsa, `{"alg":"RS256","kid":"r1","b64":false,"crit":["b64"]}`, goodClaims),
		"a logout":                    sign(t, k.rsa, `{"alg":"RS256","kid":"r1","typ":"logout+jwt"}`, goodClaims),
		"a proof":                     sign(t, k.rsa, `{"alg":"RS256","kid":"r1","typ":"dpop+jwt"}`, goodClaims),
		"an event":                    sign(t, k.rsa, `{"alg":"RS256","kid":"r1","typ":"secevent+jwt"}`, goodClaims),
		"no header":                   sign(t, k.rsa, `null`, goodClaims),
		"no signature":                parts[0] + "." + parts[1] + ".",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".x",
		"half a signature":            good[:len(good)-20],
		"another signature":           parts[0] + "." + parts[1] + "." + strings.Split(with(), ".")[2],
		"another payload":             parts[0] + "." + b64(claims("sub", `"root"`)) + "." + parts[2],
		"a signature of zeros":        sign(t, strings.Repeat("\x00", 64), es, goodClaims),
		"a signature in DER":          sign(t, string(asn1), es, goodClaims),
		"in JSON":                     `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"encrypted":                   b64(`{"alg":"dir","enc":"A128GCM"}`) + "..AA.AA.AA",
		"opaque":                      "0123456789abcdef",
		"over":                        with("exp", "1795262339"),
		"never over":                  with("exp", ""),
		"over, in words":              with("exp", `"1795263600"`),
		"over in milliseconds":        with("exp", "1795263600000"),
		"over before it began":        with("exp", "-1"),
		"not begun":                   with("nbf", "1795262461"),
		"not made":                    with("iat", "1795262462"),
		"made in words":               with("iat", `"now"`),
		"another issuer":              with("iss", `"https://evil.example"`),
		"the issuer's neighbour":      with("iss", `"https://idp.example/"`),
		"no issuer":                   with("iss", ""),
		"issuers":                     with("iss", `["https://idp.example"]`),
		"another audience":            with("aud", `"other"`),
		"other audiences":             with("aud", `["x","appx",{"app":1}]`),
		"no audience":                 with("aud", ""),
		"no session":                  with("sid", ""),
		"an empty session":            with("sid", `""`),
		"a session that is no string": with("sid", "1"),
		"a user that is no string":    with("sub", `["ann"]`),
		"amr of numbers":              with("amr", "[1]"),
		"roles of objects":            with("realm_access", `{"roles":[{}]}`),
		"auth_time in words":          with("auth_time", `"soon"`),
		"the session twice":           sign(t, k.ec, es, strings.Replace(goodClaims, "{", `{"sid":"s-2",`, 1)),
		"not an object":               sign(t, k.ec, es, `["a"]`),
		"not JSON":                    sign(t, k.ec, es, goodClaims+"}"),
		"not UTF-8":                   sign(t, k.ec, es, claims("sub", "\"\xff\"")),
	}
	for name, token := range cases {
		for range 2 {
			e, code := r.Event("web", askToken(token))
			if name == "in JSON" && code == Malformed {
				continue
			}
			if code != InvalidToken || e != nil {
				t.Errorf("%s: %q, %+v", name, code, e)
			}
		}
	}
	if n := len(r.profiles["web"].keys.Load().tokens.young); n != 0 {
		t.Errorf("%d of %d bad tokens were kept", n, len(cases))
	}
	if _, code := r.Event("web", ask()); code != NoSession {
		t.Errorf("without a token: %q", code)
	}
	if a := Refuse(InvalidToken); a.Status != 401 || a.Challenge != `Bearer realm="riskd", error="invalid_token"` || a.Values[3] != "invalid_token" {
		t.Errorf("the answer is %+v", a)
	}
}

// How a key is used is the file's to say, where it does.
func TestKeysHaveTheirAlgorithm(t *testing.T) {
	t.Parallel()
	r, _ := tokenReader(t, func(j *JWT) { j.Algorithms = nil })
	k := testKeys()
	for token, want := range map[string]Refusal{
		sign(t, pss{k.rsa}, `{"alg":"PS256","kid":"r1"}`, goodClaims):   InvalidToken,
		sign(t, pss{k.other}, `{"alg":"PS256","kid":"p1"}`, goodClaims): "",
		sign(t, pss{k.other}, `{"alg":"PS256"}`, goodClaims):            "",
		sign(t, k.other, `{"alg":"RS256","kid":"p1"}`, goodClaims):      InvalidToken,
	} {
		if _, code := r.Event("web", askToken(token)); code != want {
			t.Errorf("%s: %q", token[:40], code)
		}
	}
}

// A token that was good a moment ago ends when it says.
func TestKnownTokensEnd(t *testing.T) {
	t.Parallel()
	r, _ := tokenReader(t, nil)
	now := noon
	r.now = func() time.Time { return now }
	token := sign(t, testKeys().ec, `{"alg":"ES256","kid":"e1"}`, claims("exp", "1795262460"))
	for seconds, want := range []Refusal{0: "", 119: "", 120: InvalidToken, 121: InvalidToken} {
		if seconds > 0 && seconds < 119 {
			continue
		}
		now = noon.Add(time.Duration(seconds) * time.Second)
		if _, code := r.Event("web", askToken(token)); code != want {
			t.Errorf("after %d s: %q", seconds, code)
		}
	}
}

// Without a claim for it, the session is what is signed, as it is without keys.
func TestTokensWithoutSessionClaim(t *testing.T) {
	t.Parallel()
	r, _ := tokenReader(t, func(j *JWT) { j.SessionClaim = "" })
	token := sign(t, testKeys().ec, `{"alg":"ES256","kid":"e1"}`, goodClaims)
	again := sign(t, testKeys().ec, `{"alg":"ES256","kid":"e1"}`, goodClaims) // with another signature
	want := r.key.ID("shop", token[:strings.LastIndexByte(token, '.')])
	for _, token := range []string{token, again} {
		if e, code := r.Event("web", askToken(token)); code != "" || e.Session.ID != want || e.User.ID != "ann" {
			t.Errorf("got %q, %+v", code, e)
		}
	}
}

// Of tokens that the gateway has verified its own word is taken, and no other.
func TestClaimsOfTheGateway(t *testing.T) {
	t.Parallel()
	r := testReader(
		t,
		Profile{Name: "sid", Style: Envoy, JWT: JWT{SessionClaim: "sid", RolesClaim: "scope"}},
		Profile{Name: "cookie", Style: Envoy, Session: Source{Cookie: "sid"}, JWT: JWT{UserClaim: "email"}},
		Profile{Name: "none", Style: Envoy, Session: Source{Cookie: "sid"}, User: "X-User"},
	)
	r.profiles["sid"].Session = Source{} // testReader gives every profile one
	good := map[string]any{"sid": "s-1", "sub": "ann", "email": "ann@example.com", "scope": "read write", "auth_time": 1795260000.0, "amr": []any{"pwd"}}
	for name, c := range map[string]struct {
		profile string
		claims  map[string]any
		code    Refusal
		session string
		user    string
	}{
		"all":             {"sid", good, "", "s-1", "ann"},
		"nothing":         {"sid", nil, NoSession, "", ""},
		"no sid":          {"sid", map[string]any{"sub": "ann"}, InvalidToken, "", ""},
		"another type":    {"sid", map[string]any{"sid": "a", "sub": 1.0}, InvalidToken, "", ""},
		"cookie and user": {"cookie", good, "", "c-1", "ann@example.com"},
		"cookie alone":    {"cookie", nil, "", "c-1", ""},
		"not asked for":   {"none", good, "", "c-1", "bob"},
	} {
		in := ask("Cookie: sid=c-1", "X-User: bob")
		in.Claims = c.claims
		e, code := r.Event(c.profile, in)
		if code != c.code || code == "" && (e.Session.ID != r.key.ID("", c.session) || e.User.ID != c.user) {
			t.Errorf("%s: %q, %+v", name, code, e)
		}
		if name == "all" && (strings.Join(e.User.Roles, "|") != "read|write" || e.Session.AuthTime.Unix() != 1795260000) {
			t.Errorf("got %+v", e)
		}
	}
}

func FuzzToken(f *testing.F) {
	r, _ := tokenReader(f, nil)
	k := testKeys()
	good := sign(f, k.ec, `{"alg":"ES256","kid":"e1"}`, goodClaims)
	for _, seed := range []string{good, good + "=", good[1:], sign(f, k.rsa, `{"alg":"RS256"}`, goodClaims), "a.b.c", "..", "", b64(`{"alg":"none"}`) + "." + b64(goodClaims) + "."} {
		f.Add(seed)
	}
	want := good[:strings.LastIndexByte(good, '.')]
	f.Fuzz(func(t *testing.T, token string) {
		e, code := r.Event("web", askToken(token))
		if code == "" && !strings.HasPrefix(token, want+".") && e.Session.ID != r.key.ID("shop", "s-1") {
			t.Errorf("%q was taken", token)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	r, _ := tokenReader(b, nil)
	j, k := &r.profiles["web"].JWT, testKeys()
	for name, token := range map[string]string{
		"RS256": sign(b, k.rsa, `{"alg":"RS256","kid":"r1"}`, goodClaims),
		"ES256": sign(b, k.ec, `{"alg":"ES256","kid":"e1"}`, goodClaims),
	} {
		ring := r.profiles["web"].keys.Load()
		b.Run(name+"/new", func(b *testing.B) {
			for b.Loop() {
				fresh := &keys{list: ring.list}
				if _, err := j.verify(fresh, token, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/known", func(b *testing.B) {
			for b.Loop() {
				if _, err := j.verify(ring, token, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
