package gateway

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

// site is a site's routes, with the temptations that an attacker looks for.
var site = []Route{
	{Path: "/"},
	{Path: "/{page}"},
	{Path: "/orders/{id}", Methods: []string{"GET"}},
	{Path: "/orders/{id}", Class: riskd.ClassSensitive},
	{Path: "/orders/{id}/{part}"},
	{Path: "/assets/{file...}", Class: riskd.ClassOpen},
	{Path: "/assets/private/{file}", Class: riskd.ClassSensitive},
	{Path: "/admin/{rest...}", Class: riskd.ClassAdmin},
	{Path: "/Reports/Export", Class: riskd.ClassAdmin},
	{Path: "/a.b/@me", Class: riskd.ClassSensitive},
	{Path: "/a.b/{who}"},
	{Path: "/files", Class: riskd.ClassOpen},
	{Path: "/files/{rest...}", Class: riskd.ClassSensitive},
}

// servers are ways in which real ones find a path in a request's URI. One that
// refuses it says so.
var servers = map[string]func(raw string) (path string, ok bool){
	"as it is":         func(raw string) (string, bool) { return raw, true },
	"cleaned":          func(raw string) (string, bool) { return path.Clean(raw), true },
	"decoded, cleaned": func(raw string) (string, bool) { return clean(url.PathUnescape(raw)) },
	"cleaned, decoded": func(raw string) (string, bool) { return clean(url.PathUnescape(path.Clean(raw))) },
	"decoded twice": func(raw string) (string, bool) {
		once, err := url.PathUnescape(raw)
		if err != nil {
			return "", false
		}
		return clean(url.PathUnescape(once))
	},
	"nginx": nginx,
	"windows": func(raw string) (string, bool) {
		decoded, err := url.PathUnescape(raw)
		return path.Clean(strings.ReplaceAll(decoded, `\`, "/")), err == nil
	},
	"servlet": servlet,
	"C strings": func(raw string) (string, bool) {
		decoded, err := url.PathUnescape(raw)
		decoded, _, _ = strings.Cut(decoded, "\x00")
		return path.Clean(decoded), err == nil
	},
}

func clean(p string, err error) (string, bool) { return path.Clean(p), err == nil }

// nginx decodes once, joins slashes and resolves dot segments.
func nginx(raw string) (string, bool) {
	raw, _, _ = strings.Cut(raw, "#")
	decoded, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsRune(decoded, 0) {
		return "", false
	}
	var out []string
	for segment := range strings.SplitSeq(decoded, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(out) == 0 {
				return "", false
			}
			out = out[:len(out)-1]
		default:
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/"), true
}

// servlet cuts the parameters off every segment before it decodes.
func servlet(raw string) (string, bool) {
	segments := strings.Split(raw, "/")
	for i := range segments {
		segments[i], _, _ = strings.Cut(segments[i], ";")
	}
	return clean(url.PathUnescape(strings.Join(segments, "/")))
}

// router is an application's: net/http's own, by what it says the class is.
func router(t testing.TB) func(method, path string) (riskd.Class, bool) {
	t.Helper()
	mux, classes := http.NewServeMux(), map[string]riskd.Class{}
	for _, r := range site {
		pattern := r.Path
		if pattern == "/" {
			pattern = "/{$}"
		}
		for _, m := range append(r.Methods, "")[:max(1, len(r.Methods))] {
			p := strings.TrimPrefix(m+" "+pattern, " ")
			classes[p] = r.Class
			mux.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return func(method, p string) (riskd.Class, bool) {
		_, pattern := mux.Handler(&http.Request{Method: method, Host: "x", URL: &url.URL{Path: p}})
		class, ok := classes[pattern]
		return class, ok
	}
}

// checkPath fails if any server could take the path to where the class is
// stricter than riskd says.
func checkPath(t testing.TB, all routes, app func(method, path string) (riskd.Class, bool), method, uri string) {
	t.Helper()
	raw, decoded, ok := readPath(uri)
	if !ok {
		return
	}
	found := all.find(method, raw, decoded)
	sent, _, _ := strings.Cut(uri, "?")
	for name, server := range servers {
		seen, ok := server(sent)
		if !ok {
			continue
		}
		for _, p := range []string{seen, strings.ToLower(seen), strings.TrimSuffix(seen, "/")} {
			if class, ok := app(method, p); ok && strictness[class] > strictness[found.Class] {
				t.Errorf("%s %q is %s to riskd, as %q; %s takes it to %q, which is %s", method, uri, found.Class, found.Path, name, p, class)
			}
		}
		if _, known := app(method, strings.TrimSuffix(seen, "/")); !known && seen != "/" && found.Class != riskd.ClassAdmin {
			if _, known = app(method, strings.TrimSuffix(seen, "/")+"/"); !known {
				t.Errorf("%s %q is %s to riskd; %s takes it to %q, which is in no list", method, uri, found.Class, name, seen)
			}
		}
	}
}

// Whatever is put together of what servers disagree on, riskd's class is never
// weaker than that of what one of them would serve.
func TestPathIsNeverTakenForLess(t *testing.T) {
	t.Parallel()
	all, err := newRoutes(site)
	if err != nil {
		t.Fatal(err)
	}
	app, taken := router(t), 0
	parts := []string{
		"/", "/", "/", "/", "//", ".", "..", "%2e", "%2E%2e", "%2f", "%5c", `\`, "%00", "%25", "%252f", "%252e", ";", ";x=1", "%3b", "?", "%3f", "#", "%23",
		"admin", "ADMIN", "%61dmin", "%2561dmin", "Reports", "reports", "export", "Export", "assets", "private", "orders", "42", "files", "a.b", "@me", "%40me", "x", "%C3%A9", "%ff", " ", "\t", "%", "%u002f", "*", "http:", "é",
	}
	random := rand.New(rand.NewPCG(6, 4))
	for range 200_000 {
		uri := "/"
		for range 1 + random.IntN(8) {
			uri += parts[random.IntN(len(parts))]
		}
		if _, _, ok := readPath(uri); ok {
			taken++
		}
		checkPath(t, all, app, []string{"GET", "HEAD", "POST", "PURGE"}[random.IntN(4)], uri)
		if t.Failed() {
			return
		}
	}
	if taken < 2000 {
		t.Errorf("only %d paths were taken at all", taken)
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "/orders/42", "/assets/..%2fadmin", "/assets/%2e%2e/admin", "/assets;/../admin", "//admin", "/ADMIN/", "/%61dmin", "/a.b/%40me", "/assets/x?/../admin"} {
		f.Add("GET", seed)
		f.Add("POST", seed)
	}
	all, err := newRoutes(site)
	if err != nil {
		f.Fatal(err)
	}
	app := router(f)
	f.Fuzz(func(t *testing.T, m, uri string) {
		if method.MatchString(m) {
			checkPath(t, all, app, m, uri)
		}
	})
}

func TestReadPath(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"/": "/", "/a": "/a", "/a/": "/a/", "/a/b?x=/../": "/a/b", "/a?": "/a", "/a%20b": "/a b", "/%C3%A9/%e2%82%ac": "/é/€", "/é": "/é",
		"/%7Eann": "/~ann", "/a@b.example/c:d": "/a@b.example/c:d", "/a%40b": "/a@b", "/.well-known/x": "/.well-known/x", "/a..b": "/a..b", "/a.": "/a.",
		// The query is not the path's; what stands in it means nothing here.
		"/a?b=%2f%00;\\": "/a",
	} {
		if raw, got, ok := readPath(uri); !ok || got != want || !strings.HasPrefix(uri, raw) {
			t.Errorf("%q gives %q, %q, %t", uri, raw, got, ok)
		}
	}
	for _, uri := range []string{
		"", "?", "a", "*", "http://host/a", "//", "/a//b", "/a//", "/./a", "/a/.", "/..", "/a/../b", "/a/...", "/%2e", "/a/%2E%2e/b", "/a/.%2e",
		"/a%2fb", "/a%2Fb", "/a%5cb", `/a\b`, "/a%00", "/a%0a", "/a\n", "/a b", "/a\x7f", "/a%7f", "/a%25b", "/%252e%252e/", "/a;b", "/a;b=1/c", "/a%3Bb",
		"/a%3fb", "/a%23b", "/a#b", "/a%", "/a%4", "/a%zz", "/a%u002f", "/a%ff", "/a\xff", "/%c0%af", "/%ed%a0%80",
	} {
		if _, decoded, ok := readPath(uri); ok {
			t.Errorf("%q is taken, for %q", uri, decoded)
		}
	}
}
