package gateway

import (
	"os"
	"regexp"
	"testing"
)

// The table of docs/forward-auth.md is what the styles read.
func TestStylesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/forward-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (?:`(X-[A-Za-z-]+)`|the request's own) \\| (?:`(X-[A-Za-z-]+)`|what follows the profile in the request's own path) \\|$").FindAllStringSubmatch(string(text), -1)
	if len(rows) != len(Styles()) {
		t.Fatalf("%d styles are documented, there are %d", len(rows), len(Styles()))
	}
	for i, row := range rows {
		if s := styles[i+1]; row[1] != s.name || row[2] != s.method || row[3] != s.uri {
			t.Errorf("documented is %q, read is %q", row[1:], s)
		}
	}
}

// Every code of a refusal is documented, and every header that is read by all.
func TestRefusalsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/forward-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{string(NoSession), string(InvalidToken), string(UnknownProfile), string(Malformed), string(PathAmbiguous), forwardedUntrusted}
	p, err := newProfile(Profile{Name: "x", Style: Envoy, Session: Source{Cookie: "sid"}})
	if err != nil {
		t.Fatal(err)
	}
	for name := range p.owned {
		words = append(words, name)
	}
	for _, word := range words {
		if !regexp.MustCompile("`" + word + "`").Match(text) {
			t.Errorf("`%s` is not in docs/forward-auth.md", word)
		}
	}
}
