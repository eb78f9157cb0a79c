package gateway

import "testing"

// All spellings of a cookie that applications take for the same are one session.
func TestCookieSpellings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lines []string
		want  string
		err   bool
	}{
		"plain":          {[]string{"sid=abc"}, "abc", false},
		"quoted":         {[]string{`sid="abc"`}, "abc", false},
		"encoded":        {[]string{"sid=%61b%63"}, "abc", false},
		"quoted encoded": {[]string{`sid="%61bc"`}, "abc", false},
		"signed":         {[]string{"connect.sid=x; sid=s%3Aabc.def%2F"}, "s:abc.def/", false},
		"base64":         {[]string{"sid=a+b/c=="}, "a+b/c==", false},
		"spaces":         {[]string{"a=1;sid=abc ;b=2", "  sid =\tabc"}, "abc", false},
		"twice the same": {[]string{"sid=abc; sid=%61bc"}, "abc", false},
		"odd ones near":  {[]string{`x="a;b"; sid=a b; =; ;y`}, "a b", false},
		"one quote":      {[]string{`sid="`}, `"`, false},
		"different":      {[]string{`sid=abc; sid="abd"`}, "", true},
		"bad encoding":   {[]string{"sid=%6"}, "", true},
		"other case":     {[]string{"SID=abc"}, "", false},
		"no value":       {[]string{"sid"}, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := cookie(c.lines, "sid"); got != c.want || (err != nil) != c.err {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
