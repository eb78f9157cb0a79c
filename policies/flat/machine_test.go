package flat

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

func constantValue(t *testing.T, text string) *value {
	t.Helper()
	v, err := valueOf(ast.MustParseTerm(text))
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// The order of values and their equality are OPA's, whatever the two types.
func TestOrderIsOPAs(t *testing.T) {
	all := []string{
		"null", "false", "true", "-1", "0", "0.1", "1", "1.0", "1e2", "60", `""`, `"a"`, `"b"`, `"a b"`, "[]", `["a"]`, `["a", "b"]`, `["b"]`,
		"[1]", "[null]", "{}", `{"a": "b"}`, `{"a": 1}`, "{1}", `{"a"}`, `{"a", "b"}`, "set()",
	}
	for _, a := range all {
		for _, b := range all {
			x, y := constantValue(t, a), constantValue(t, b)
			want := ast.Compare(ast.MustParseTerm(a), ast.MustParseTerm(b))
			if got, sure := compare(x, y); !sure || sign(got) != sign(want) {
				t.Errorf("%s to %s is %d (sure: %v), want %d", a, b, got, sure, want)
			}
			if equal(x, y) != (want == 0) {
				t.Errorf("%s == %s is %v", a, b, want != 0)
			}
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

// What comes with the input is what the same constant is.
func TestInputIsLikeConstants(t *testing.T) {
	list := &value{kind: kindArray, list: []string{"a", "b"}}
	table := &value{kind: kindObject, table: map[string]string{"a": "b"}}
	for text, want := range map[string]*value{
		`["a", "b"]`: list, `{"a": "b"}`: table, "[]": {kind: kindArray}, "{}": {kind: kindObject},
	} {
		c := constantValue(t, text)
		if !equal(c, want) || !equal(want, c) {
			t.Errorf("%s isn't equal to itself", text)
		}
		for _, other := range []string{`["a"]`, `["a", "c"]`, `{"a": "c"}`, `{"b": "b"}`, `{"a": "b", "c": "d"}`, `{"a"}`, `[1, "b"]`} {
			if o := constantValue(t, other); equal(want, o) || equal(o, want) {
				t.Errorf("%s is equal to %s", text, other)
			}
		}
		if !want.term().Equal(ast.MustParseTerm(text)) {
			t.Errorf("%s becomes %s", text, want.term())
		}
	}
	if _, sure := compare(table, constantValue(t, `{"a": "c"}`)); sure {
		t.Error("the order of an input's object is taken for known")
	}
}

// A number that a float64 doesn't hold is refused rather than rounded.
func TestNumbersAreExact(t *testing.T) {
	for text, want := range map[string]bool{
		"0.1": true, "1.50": true, "1e20": true, "9007199254740992": true, "100000000000000000000": true,
		"9007199254740993": false, "0.10000000000000000001": false, "1e999": false, "60.0000000000000001": false,
	} {
		if _, err := valueOf(ast.MustParseTerm(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
