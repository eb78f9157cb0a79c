package policies

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Some built-in functions give far more than they get: replace("xx…", "x", "xx…")
// of two texts of 64 KiB is one of 4 GiB, in a single step in which OPA looks at no
// deadline. They are held to a size that no rule has use for, which they would
// exceed before it is allocated. That leaves what grows step by step, and between
// steps the deadline is looked at.
const (
	maxText   = 256 << 10 // bytes of a text that a function makes
	maxList   = 64 << 10  // members of an array that one makes
	maxDigits = 1000      // of a number that is multiplied
)

func init() {
	for name, size := range map[string]func([]*ast.Term) int{
		ast.Concat.Name:       concatSize,
		ast.Replace.Name:      replaceSize,
		ast.ReplaceN.Name:     replaceNSize,
		ast.RegexReplace.Name: regexReplaceSize,
		ast.Sprintf.Name:      sprintfSize,
	} {
		guard(name, func(args []*ast.Term) error {
			if n := size(args); n > maxText {
				return fmt.Errorf("%s: would make a text of up to %d bytes; the limit is %d", name, n, maxText)
			}
			return nil
		})
	}
	guard(ast.ArrayConcat.Name, func(args []*ast.Term) error {
		a, _ := args[0].Value.(*ast.Array)
		b, _ := args[1].Value.(*ast.Array)
		if a != nil && b != nil && a.Len()+b.Len() > maxList {
			return fmt.Errorf("%s: would make an array of %d members; the limit is %d", ast.ArrayConcat.Name, a.Len()+b.Len(), maxList)
		}
		return nil
	})
	guard(ast.Multiply.Name, func(args []*ast.Term) error {
		for _, a := range args {
			if n, ok := a.Value.(ast.Number); ok && len(n) > maxDigits {
				return fmt.Errorf("%s: takes numbers of %d digits at most", ast.Multiply.Name, maxDigits)
			}
		}
		return nil
	})
}

// guard has a built-in function refuse what check refuses. It does so for the
// whole process: no Rego in it is meant to do otherwise.
func guard(name string, check func(args []*ast.Term) error) {
	f := topdown.GetBuiltin(name)
	topdown.RegisterBuiltinFunc(name, func(ctx topdown.BuiltinContext, args []*ast.Term, give func(*ast.Term) error) error {
		if err := check(args); err != nil {
			return err
		}
		return f(ctx, args, give)
	})
}

// textLen is the length of a text, 0 of anything else.
func textLen(t *ast.Term) int {
	s, _ := t.Value.(ast.String)
	return len(s)
}

func concatSize(args []*ast.Term) (n int) {
	each := func(t *ast.Term) { n += textLen(t) + textLen(args[0]) }
	switch list := args[1].Value.(type) {
	case *ast.Array:
		list.Foreach(each)
	case ast.Set:
		list.Foreach(each)
	}
	return n
}

func replaceSize(args []*ast.Term) int {
	s, _ := args[0].Value.(ast.String)
	old, _ := args[1].Value.(ast.String)
	return len(s) + strings.Count(string(s), string(old))*textLen(args[2])
}

func replaceNSize(args []*ast.Term) int {
	longest := 0
	if patterns, ok := args[0].Value.(ast.Object); ok {
		patterns.Foreach(func(_, v *ast.Term) { longest = max(longest, textLen(v)) })
	}
	n := textLen(args[1])
	return n + (n+1)*longest
}

// regexReplaceSize reckons with a match at every byte, and with a template that is
// nothing but $0.
func regexReplaceSize(args []*ast.Term) int {
	return 2 * (textLen(args[0]) + 1) * (textLen(args[2]) + 1)
}

// sprintfSize reckons with each verb giving the longest argument, to which a width
// may add.
func sprintfSize(args []*ast.Term) int {
	format, _ := args[0].Value.(ast.String)
	longest := 0
	if list, ok := args[1].Value.(*ast.Array); ok {
		list.Foreach(func(t *ast.Term) {
			if _, text := t.Value.(ast.String); text {
				longest = max(longest, textLen(t))
			} else {
				longest = max(longest, len(t.Value.String()))
			}
		})
	}
	return len(format) + strings.Count(string(format), "%")*longest + widths(string(format))
}

// widths adds up all numbers of a format: any of them may be a width.
func widths(format string) (sum int) {
	n := 0
	for i := range len(format) {
		if c := format[i]; '0' <= c && c <= '9' {
			n = min(10*n+int(c-'0'), maxText)
			continue
		}
		sum, n = sum+n, 0
	}
	return sum + n
}
