package gateway

import (
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	all, err := newRoutes(append([]Route{
		{Path: "/x/{a}/c", Class: riskd.ClassOpen},
		{Path: "/x/b/{c}", Class: riskd.ClassSensitive}, // neither is more specific for /x/b/c
		{Path: "/m", Methods: []string{"GET", "POST"}, Class: riskd.ClassOpen},
		{Path: "/m", Methods: []string{"POST", "PUT"}, Class: riskd.ClassSensitive},
		{Path: "/m", Methods: []string{"HEAD"}},
		{Path: "/m/{rest...}", Methods: []string{"GET"}, Class: riskd.ClassOpen},
	}, site...))
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		"GET /":                         "/ standard",
		"GET /about":                    "/{page} standard",
		"GET /about/":                   "/{page} standard",
		"GET /about/us":                 " admin",
		"GET /orders/42":                "/orders/{id} standard",
		"HEAD /orders/42":               "/orders/{id} standard",
		"POST /orders/42":               "/orders/{id} sensitive",
		"QUERY /orders/42":              "/orders/{id} sensitive",
		"GET /orders/42/lines":          "/orders/{id}/{part} standard",
		"GET /orders/42/lines/1":        " admin",
		"GET /assets":                   "/{page} standard", // rivals, and the page may do more harm
		"GET /assets/":                  "/{page} standard",
		"GET /assets/js/app.js":         "/assets/{file...} open",
		"GET /assets/private/x":         "/assets/private/{file} sensitive",
		"GET /assets/private":           "/assets/{file...} open",
		"GET /assets/private/x/y":       "/assets/{file...} open",
		"GET /Assets/js/app.js":         " admin", // nobody has said what /Assets is
		"GET /assets/Private/x":         "/assets/private/{file} sensitive",
		"GET /admin":                    "/admin/{rest...} admin",
		"GET /ADMIN":                    "/admin/{rest...} admin",
		"GET /admin/users/7":            "/admin/{rest...} admin",
		"GET /%61dmin":                  "/admin/{rest...} admin",
		"GET /%61bout":                  "/{page} standard",
		"GET /%61ssets/x":               " admin", // and those who don't decode find nothing there
		"GET /reports/export":           " admin",
		"GET /a.b/@me":                  "/a.b/@me sensitive",
		"GET /a.b/%40me":                "/a.b/@me sensitive",
		"GET /a.b/%40you":               "/a.b/{who} standard",
		"GET /x/b/c":                    "/x/b/{c} sensitive",
		"GET /x/a/c":                    "/x/{a}/c open",
		"GET /files":                    "/files open",
		"GET /files/":                   "/files/{rest...} sensitive",
		"GET /m":                        "/m open",
		"HEAD /m":                       "/m standard",
		"POST /m":                       "/m sensitive",
		"DELETE /m":                     "/{page} standard",
		"GET /m/1/2":                    "/m/{rest...} open",
		"POST /m/1/2":                   " admin",
		"GET /orders/a%20b/":            "/orders/{id} standard",
		"GET /orders/%D7%A9%D7%9C/part": "/orders/{id}/{part} standard",
	} {
		method, uri, _ := strings.Cut(request, " ")
		raw, decoded, ok := readPath(uri)
		if !ok {
			t.Errorf("%s is not taken", request)
			continue
		}
		if r := all.find(method, raw, decoded); r.Path+" "+r.Class.String() != want {
			t.Errorf("%s is %s %s, want %s", request, r.Path, r.Class, want)
		}
	}
}

func TestRoutesNameTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	one := func(path string, methods ...string) []Route {
		return []Route{{Path: "/ok"}, {Path: path, Methods: methods}}
	}
	for name, c := range map[string]struct {
		routes []Route
		err    string
	}{
		"no path":            {one(""), "routes[1].path: \"\" must begin"},
		"no slash":           {one("a"), "routes[1].path"},
		"slash at the end":   {one("/a/"), "leave it off"},
		"two slashes":        {one("/a//b"), `the segment ""`},
		"dots":               {one("/a/../b"), `the segment ".."`},
		"percent":            {one("/a%20b"), "the segment"},
		"parameters":         {one("/a;b"), "the segment"},
		"not ASCII":          {one("/é"), "the segment"},
		"half a placeholder": {one("/a{b}"), "the segment"},
		"no name":            {one("/{}"), "the segment"},
		"star":               {one("/{*}"), "the segment"},
		"rest in the middle": {one("/{a...}/b"), "must be its last"},
		"the same":           {one("/ok"), "meets the same requests as routes[0]"},
		"but for its case":   {one("/OK"), "meets the same requests"},
		"the same methods":   {[]Route{{Path: "/{a}", Methods: []string{"GET", "PUT"}}, {Path: "/{b}", Methods: []string{"PUT", "HEAD", "GET"}}}, "meets the same"},
		"small method":       {one("/b", "get"), `routes[1].methods[0]: "get"`},
		"method twice":       {one("/b", "GET", "GET"), "routes[1].methods[1]"},
		"privilege":          {[]Route{{Path: "/a", Privilege: riskd.Privilege{Level: 11}}}, "routes[0].privilege.level: is 11"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := newRoutes(c.routes); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The order in which routes are written means nothing.
func TestRoutesHaveNoOrder(t *testing.T) {
	t.Parallel()
	back := make([]Route, len(site))
	for i, r := range site {
		back[len(site)-1-i] = r
	}
	one, err1 := newRoutes(site)
	two, err2 := newRoutes(back)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, uri := range []string{"/", "/about", "/assets", "/admin", "/ADMIN/x", "/assets/private/x", "/assets/private", "/orders/1", "/orders/1/2", "/a.b/@me", "/a.b/you"} {
		for _, m := range []string{"GET", "POST"} {
			if a, b := one.find(m, uri, uri), two.find(m, uri, uri); a.Path != b.Path || a.Class != b.Class {
				t.Errorf("%s %s: %s %s, and %s %s", m, uri, a.Path, a.Class, b.Path, b.Class)
			}
		}
	}
}

func TestObjectsOfRoutes(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ uri, want string }{
		"/orders":             {"/orders", ""},
		"/orders/{id}":        {"/orders/a b/", "a b"},
		"/{a}/x/{b}":          {"/1/x/2", "1/2"},
		"/orders/{id}/{r...}": {"/orders/42/x/y", "42"},
		"/assets/{file...}":   {"/assets/x/y", ""},
	} {
		r, err := newRoute(Route{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.object(c.uri); got != c.want {
			t.Errorf("%s of %s is %q", path, c.uri, got)
		}
	}
}

func BenchmarkRoutes(b *testing.B) {
	all, err := newRoutes(site)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		raw, decoded, _ := readPath("/orders/42/lines?page=1")
		all.find("GET", raw, decoded)
	}
}
