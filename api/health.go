package api

import (
	_ "embed"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// live answers GET /livez: the process serves requests. It depends on nothing
// else, so that no outage elsewhere makes anybody restart it.
func live(w http.ResponseWriter, _ *http.Request) int {
	return write(w, http.StatusOK, jsonType, []byte(`{"status":"ok"}`))
}

// ready answers GET /readyz with all that keeps riskd from being ready, or with
// what doesn't work all the same.
func (a *API) ready(w http.ResponseWriter, _ *http.Request) int {
	reasons := a.Ready()
	if len(reasons) == 0 {
		return writeJSON(w, http.StatusOK, struct {
			Status   string   `json:"status"`
			Degraded []string `json:"degraded,omitempty"`
		}{"ok", a.Degraded()})
	}
	p := &problem{
		Type: problemTypes + "not-ready", Title: "Not ready", Status: http.StatusServiceUnavailable,
		Detail: strings.Join(reasons, "; "),
	}
	for _, reason := range reasons {
		p.Errors = append(p.Errors, problemError{Detail: reason})
	}
	return writeProblem(w, p)
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) int {
	a.Metrics.ServeHTTP(w, r)
	return http.StatusOK
}

// OpenAPI is the description of both handlers (OpenAPI 3.1), as GET
// /openapi.json answers it.
//
//go:embed openapi.json
var OpenAPI []byte

func openAPI(w http.ResponseWriter, _ *http.Request) int {
	return write(w, http.StatusOK, jsonType, OpenAPI)
}

func hostSet(names []string) map[string]bool {
	set := map[string]bool{"localhost": true}
	for _, n := range names {
		set[strings.ToLower(strings.TrimSuffix(n, "."))] = true
	}
	return set
}

// hostGuard refuses requests for a host that isn't expected: a page whose name
// has been made to point at this listener would otherwise count as its own.
func (a *API) hostGuard(next http.Handler) http.Handler {
	refuse := a.serve("none", func(w http.ResponseWriter, _ *http.Request) int {
		return writeProblem(w, forbidden("Host: is not one of the names of the admin listener: ask for localhost or a loopback address, or add the name to admin.allowed_hosts"))
	}, failProblem)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.expectsHost(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		refuse.ServeHTTP(w, r)
	})
}

func (a *API) expectsHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	return a.hosts[strings.ToLower(strings.TrimSuffix(host, "."))]
}
