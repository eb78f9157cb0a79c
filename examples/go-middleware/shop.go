package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

// shop is the application.
type shop struct {
	behindProxy bool

	mu       sync.Mutex
	sessions map[string]session // by the cookie's value
}

// session is somebody who has signed in.
type session struct {
	user, role string
	started    time.Time
	authTime   time.Time // of the last proof
	acr        string
}

// users are those who may sign in, by their passwords; a real application asks an
// identity provider.
var users = map[string]struct{ password, role string }{
	"ada": {"engine", "user"},
	"ops": {"tower", "admin"},
}

// route is one page: riskd is told its template and how much harm it can do.
type route struct {
	pattern, template string
	class             riskd.Class
	level             int // of the privilege that it uses
	page              func(s *shop, w http.ResponseWriter, r *http.Request)
}

var routes = []route{
	{"GET /orders/{id}", "/orders/{id}", riskd.ClassStandard, 0, showOrder},
	{"GET /orders", "/orders", riskd.ClassStandard, 0, listOrders},
	{"POST /orders", "/orders", riskd.ClassSensitive, 2, placeOrder},
	{"GET /admin", "/admin", riskd.ClassAdmin, 8, adminPage},
}

// handler has riskd asked about every page but the one to sign in on. A wrapper
// around each route, rather than one around all, knows which route it is.
func (s *shop) handler(c *client.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	for _, rt := range routes {
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rt.page(s, w, r) })
		mux.Handle(rt.pattern, c.Middleware(page))
	}
	return mux
}

// event says what the shop knows of a request.
func (s *shop) event(r *http.Request) (client.Event, error) {
	cookie, err := r.Cookie("sid")
	if err != nil {
		return client.Event{}, client.ErrNoSession
	}
	s.mu.Lock()
	in, ok := s.sessions[cookie.Value]
	s.mu.Unlock()
	if !ok {
		return client.Event{}, client.ErrNoSession
	}
	e := client.EventOf(r)
	if s.behindProxy {
		e.Peer.IP = r.Header.Get("X-Real-Ip")
	}
	e.Session = client.Session{ID: cookie.Value, StartedAt: in.started, AuthTime: in.authTime, ACR: in.acr}
	e.User = client.User{ID: in.user, Roles: []string{in.role}}
	for _, rt := range routes {
		if rt.pattern == r.Pattern {
			e.Request.Route, e.Request.Class, e.Privilege.Level = rt.template, rt.class, rt.level
			e.Request.Object = r.PathValue("id")
		}
	}
	return e, nil
}

// login takes a user and a password; with a code or a security key as well it is a
// stronger proof, which answers a step-up. A session that proves itself goes on
// under its id.
func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("user")
	u, ok := users[name]
	if !ok || r.PostFormValue("password") != u.password {
		http.Error(w, "wrong user or password", http.StatusUnauthorized)
		return
	}
	now := time.Now().UTC()
	in := session{user: name, role: u.role, started: now, authTime: now, acr: "aal1"}
	switch { // as if a device had shown the code, and somebody had touched the key
	case r.PostFormValue("key") == "touched":
		in.acr = "phr"
	case r.PostFormValue("code") == "123456":
		in.acr = "aal2"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := ""
	if cookie, err := r.Cookie("sid"); err == nil && s.sessions[cookie.Value].user == name {
		id, in.started = cookie.Value, s.sessions[cookie.Value].started
	} else {
		id = rand.Text()
	}
	s.sessions[id] = in
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	answer(w, map[string]any{"signed_in": name})
}

func listOrders(_ *shop, w http.ResponseWriter, r *http.Request) {
	d, _ := client.DecisionOf(r.Context())
	answer(w, map[string]any{"orders": []int{17, 18}, "decided_by": d.Source, "score": d.Score})
}

func showOrder(_ *shop, w http.ResponseWriter, r *http.Request) {
	risk := http.Header{} // which a server behind this one would get as well
	for name, values := range r.Header {
		if strings.Contains(strings.ToLower(name), "risk") {
			risk[name] = values
		}
	}
	answer(w, map[string]any{"order": r.PathValue("id"), "risk": risk})
}

func placeOrder(_ *shop, w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"placed": 19})
}

// adminPage asks for the role, too: riskd says whether a session can be trusted,
// not what it may do.
func adminPage(s *shop, w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("sid")
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.sessions[cookie.Value].role != "admin" {
		http.Error(w, "for administrators", http.StatusForbidden)
		return
	}
	answer(w, map[string]any{"sessions": len(s.sessions)})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
