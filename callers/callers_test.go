package callers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func named(name string, role riskd.Role) riskd.Caller { return riskd.Caller{Name: name, Role: role} }

func TestCallers(t *testing.T) {
	t.Parallel()
	old, oldHash := callers.NewToken()
	fresh, freshHash := callers.NewToken()
	other, otherHash := callers.NewToken()
	stranger, _ := callers.NewToken()
	ending, endingHash := callers.NewToken()
	endingHash.NotAfter = noon
	oldHash.NotAfter = noon.Add(time.Nanosecond)
	otherHash.SHA256 = strings.ToUpper(otherHash.SHA256)
	var why string
	c, err := callers.New(callers.Options{
		Now:     func() time.Time { return noon },
		Refused: func(reason string) { why = reason },
		Grants: []callers.Grant{
			{Caller: named("edge", riskd.RoleGateway), UIDs: []uint32{33}, Tokens: []callers.Token{oldHash, freshHash}, Certificates: []string{"spiffe://example.com/edge", "edge.example.com"}},
			{Caller: named("idp", riskd.RoleIngest), UIDs: []uint32{0}, Tokens: []callers.Token{otherHash}, Certificates: []string{"spiffe://example.com/idp"}},
			{Caller: named("gone", riskd.RoleAdmin), Tokens: []callers.Token{endingHash}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	uid := func(n uint32) *uint32 { return &n }
	say := func(values ...string) riskd.Credentials { return riskd.Credentials{Authorization: values} }
	cert := func(names ...string) riskd.Credentials {
		return riskd.Credentials{Names: names, CertificateEnds: noon.Add(time.Nanosecond)}
	}
	cases := map[string]struct {
		shown riskd.Credentials
		want  string // the caller's name, or why it is refused
	}{
		"nothing":                        {riskd.Credentials{}, "no_credentials"},
		"a user":                         {riskd.Credentials{UID: uid(33)}, "edge"},
		"root is a user":                 {riskd.Credentials{UID: uid(0)}, "idp"},
		"another user":                   {riskd.Credentials{UID: uid(34)}, "no_credentials"},
		"a URI":                          {cert("spiffe://example.com/edge"), "edge"},
		"a DNS name":                     {cert("edge.example.com"), "edge"},
		"two names of one":               {cert("edge.example.com", "spiffe://example.com/edge"), "edge"},
		"one name among others":          {cert("a.example.com", "spiffe://example.com/edge", "b.example.com"), "edge"},
		"names of two":                   {cert("spiffe://example.com/idp", "spiffe://example.com/edge"), "ambiguous"},
		"a longer URI":                   {cert("spiffe://example.com/edge/x"), "no_credentials"},
		"a shorter URI":                  {cert("spiffe://example.com/"), "no_credentials"},
		"a URI in other letters":         {cert("spiffe://example.com/Edge"), "no_credentials"},
		"a name below":                   {cert("x.edge.example.com"), "no_credentials"},
		"a wildcard":                     {cert("*.example.com"), "no_credentials"},
		"a certificate that has ended":   {riskd.Credentials{Names: []string{"edge.example.com"}, CertificateEnds: noon}, "expired"},
		"a certificate without end":      {riskd.Credentials{Names: []string{"edge.example.com"}}, "expired"},
		"the old token":                  {say("Bearer " + old), "edge"},
		"the new token":                  {say("Bearer " + fresh), "edge"},
		"the scheme in other letters":    {say("bEARER  " + fresh), "edge"},
		"hash in capitals":               {say("Bearer " + other), "idp"},
		"an ended token":                 {say("Bearer " + ending), "expired"},
		"an unknown token":               {say("Bearer " + stranger), "unknown_token"},
		"a hash for a token":             {say("Bearer " + freshHash.SHA256), "unknown_token"},
		"a token cut off":                {say("Bearer " + fresh[:len(fresh)-1]), "unknown_token"},
		"no token":                       {say("Bearer "), "malformed"},
		"no scheme":                      {say(fresh), "malformed"},
		"Basic":                          {say("Basic " + fresh), "malformed"},
		"an empty line":                  {say(""), "malformed"},
		"two in a line":                  {say("Bearer " + fresh + ", Bearer " + fresh), "malformed"},
		"only padding":                   {say("Bearer =="), "malformed"},
		"a long one":                     {say("Bearer " + strings.Repeat("a", 513)), "malformed"},
		"the same twice":                 {say("Bearer "+fresh, "Bearer "+fresh), "edge"},
		"three times":                    {say("Bearer "+fresh, "Bearer "+fresh, "Bearer "+fresh), "malformed"},
		"tokens of two":                  {say("Bearer "+fresh, "Bearer "+other), "ambiguous"},
		"a good and a bad one":           {say("Bearer "+fresh, "Bearer "+stranger), "unknown_token"},
		"user and token of one":          {riskd.Credentials{UID: uid(33), Authorization: []string{"Bearer " + old}}, "edge"},
		"user and token of two":          {riskd.Credentials{UID: uid(33), Authorization: []string{"Bearer " + other}}, "ambiguous"},
		"another user with a token":      {riskd.Credentials{UID: uid(34), Authorization: []string{"Bearer " + other}}, "idp"},
		"a user with a bad token":        {riskd.Credentials{UID: uid(33), Authorization: []string{"Bearer " + stranger}}, "unknown_token"},
		"a user with an ended token":     {riskd.Credentials{UID: uid(33), Authorization: []string{"Bearer " + ending}}, "expired"},
		"certificate and token of two":   {riskd.Credentials{Names: []string{"edge.example.com"}, CertificateEnds: noon.Add(1), Authorization: []string{"Bearer " + other}}, "ambiguous"},
		"another certificate and token":  {riskd.Credentials{Names: []string{"x.example.com"}, CertificateEnds: noon.Add(1), Authorization: []string{"Bearer " + other}}, "idp"},
		"user and certificate of two":    {riskd.Credentials{UID: uid(0), Names: []string{"edge.example.com"}, CertificateEnds: noon.Add(1)}, "ambiguous"},
		"first two, then one once again": {riskd.Credentials{UID: uid(33), Names: []string{"spiffe://example.com/idp"}, CertificateEnds: noon.Add(1), Authorization: []string{"Bearer " + other}}, "ambiguous"},
	}
	for name, test := range cases {
		why = ""
		got, err := c.Caller(&test.shown)
		switch {
		case slices.Contains(callers.Refusals(), test.want):
			if got != nil || !errors.Is(err, riskd.ErrUnknownCaller) || err.Error() != riskd.ErrUnknownCaller.Error() || why != test.want {
				t.Errorf("%s: got %v, %v because of %q, want %s", name, got, err, why, test.want)
			}
		case err != nil || got.Name != test.want || why != "":
			t.Errorf("%s: got %v, %v, want %s", name, got, err, test.want)
		}
	}
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	good := func() callers.Grant {
		return callers.Grant{Caller: named("edge", riskd.RoleGateway), UIDs: []uint32{33}, Certificates: []string{"spiffe://example.com/edge"}, Tokens: []callers.Token{{SHA256: hash}}}
	}
	second := func(change func(*callers.Grant)) []callers.Grant {
		g := callers.Grant{Caller: named("other", riskd.RoleGateway)}
		change(&g)
		return []callers.Grant{good(), g}
	}
	first := func(change func(*callers.Grant)) []callers.Grant {
		g := good()
		change(&g)
		return []callers.Grant{g}
	}
	token := func(s string) []callers.Token { return []callers.Token{{SHA256: s}} }
	cases := map[string]struct {
		grants []callers.Grant
		err    string
	}{
		"no name":             {first(func(g *callers.Grant) { g.Name = "" }), "callers[0].name: "},
		"a name with spaces":  {first(func(g *callers.Grant) { g.Name = "a (via b)" }), "callers[0].name: "},
		"a long name":         {first(func(g *callers.Grant) { g.Name = strings.Repeat("a", 65) }), "callers[0].name: "},
		"a name twice":        {second(func(g *callers.Grant) { g.Name, g.UIDs = "edge", []uint32{1} }), `callers[1].name: "edge" is the name of callers[0] already`},
		"no role":             {first(func(g *callers.Grant) { g.Role = 0 }), "callers[0].role: is missing"},
		"bound to nothing":    {first(func(g *callers.Grant) { g.Bound = true }), "callers[0].tenant: has no name"},
		"nothing to show":     {second(func(*callers.Grant) {}), "callers[1]: has nothing to be known by"},
		"a user twice":        {second(func(g *callers.Grant) { g.UIDs = []uint32{1, 33} }), "callers[1].uids[1]: is what edge is known by already"},
		"a name of another's": {second(func(g *callers.Grant) { g.Certificates = []string{"spiffe://example.com/edge"} }), "callers[1].certificates[0]: is what edge"},
		"a wildcard":          {first(func(g *callers.Grant) { g.Certificates = []string{"*.example.com"} }), `callers[0].certificates[0]: "*.example.com" must be a URI`},
		"a URI without host":  {first(func(g *callers.Grant) { g.Certificates = []string{"spiffe:///edge"} }), "callers[0].certificates[0]"},
		"an empty name":       {first(func(g *callers.Grant) { g.Certificates = []string{""} }), "callers[0].certificates[0]"},
		"a token of another":  {second(func(g *callers.Grant) { g.Tokens = token(strings.ToUpper(hash)) }), "callers[1].tokens[0].sha256: is what edge is known by"},
		"its own token twice": {first(func(g *callers.Grant) { g.Tokens = append(g.Tokens, g.Tokens[0]) }), "callers[0].tokens[1].sha256: is what edge"},
		"a short hash":        {first(func(g *callers.Grant) { g.Tokens = token(hash[2:]) }), "callers[0].tokens[0].sha256: must be 64 hex digits"},
		"a long hash":         {first(func(g *callers.Grant) { g.Tokens = token(hash + "ab") }), "callers[0].tokens[0].sha256: must be 64 hex digits"},
		"no hash":             {first(func(g *callers.Grant) { g.Tokens = token(strings.Repeat("x", 64)) }), "callers[0].tokens[0].sha256: must be 64 hex digits"},
		"three tokens": {first(func(g *callers.Grant) {
			g.Tokens = append(g.Tokens, callers.Token{SHA256: strings.Repeat("cd", 32)}, callers.Token{SHA256: strings.Repeat("ef", 32)})
		}), "callers[0].tokens: are 3; 2 are enough"},
	}
	for name, test := range cases {
		c, err := callers.New(callers.Options{Grants: test.grants})
		if c != nil || err == nil || !strings.HasPrefix(err.Error(), test.err) {
			t.Errorf("%s: got %v, want %s…", name, err, test.err)
		}
		var f *riskd.FieldError
		if !errors.As(err, &f) {
			t.Errorf("%s: %T has no path", name, err)
		}
	}
	if c, err := callers.New(callers.Options{Grants: []callers.Grant{good()}}); err != nil || c.Len() != 1 {
		t.Errorf("the good one: %v", err)
	}
}

// A secret that got into the place of its hash isn't repeated.
func TestNewRepeatsNoSecret(t *testing.T) {
	t.Parallel()
	secret, _ := callers.NewToken()
	_, err := callers.New(callers.Options{Grants: []callers.Grant{{Caller: named("edge", riskd.RoleGateway), Tokens: []callers.Token{{SHA256: secret}}}}})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func TestTokensAreNew(t *testing.T) {
	t.Parallel()
	a, hashA := callers.NewToken()
	b, hashB := callers.NewToken()
	if a == b || hashA == hashB || len(a) != len("riskd_")+43 || !strings.HasPrefix(a, "riskd_") {
		t.Errorf("got %q and %q", a, b)
	}
}

// Whatever is sent, nobody is let in but by the token itself.
func FuzzAuthorization(f *testing.F) {
	secret, hash := callers.NewToken()
	c, err := callers.New(callers.Options{Grants: []callers.Grant{{Caller: named("edge", riskd.RoleGateway), Tokens: []callers.Token{hash}}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"Bearer a", "bearer  a==", "Basic x", "", "Bearer ", "Bearer a b", "Bearer a,Bearer b", "Bearer\t" + "x"} {
		f.Add(seed, "")
		f.Add("Bearer ", seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if got, err := c.Caller(&riskd.Credentials{Authorization: []string{before + after}}); err == nil {
			t.Fatalf("%q is %s", before+after, got.Name)
		}
		value := before + secret + after
		scheme := strings.TrimRight(before, " ")
		want := strings.EqualFold(scheme, "bearer") && before != scheme && after == ""
		if _, err := c.Caller(&riskd.Credentials{Authorization: []string{value}}); (err == nil) != want {
			t.Fatalf("%q gives %v, want good: %t", strings.ReplaceAll(value, secret, "SECRET"), err, want)
		}
	})
}

func TestMeans(t *testing.T) {
	t.Parallel()
	bound, free := riskd.Caller{Bound: true, Tenant: "acme"}, riskd.Caller{}
	for name, c := range map[string]struct {
		caller       riskd.Caller
		tenant, want string
		ok           bool
	}{
		"bound, its own":     {bound, "acme", "acme", true},
		"bound, none":        {bound, "", "acme", true},
		"bound, another":     {bound, "shop", "acme", false},
		"free, any":          {free, "shop", "shop", true},
		"free, none":         {free, "", "", true},
		"bound, in capitals": {bound, "ACME", "acme", false},
	} {
		if got, ok := c.caller.Means(c.tenant); got != c.want || ok != c.ok {
			t.Errorf("%s: got %q, %t", name, got, ok)
		}
		if sees := c.caller.Sees(c.tenant); sees != (c.ok && c.want == c.tenant) {
			t.Errorf("%s: sees it: %t", name, sees)
		}
	}
}
