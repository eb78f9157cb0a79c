//go:build linux

package main

// canaryRequest is a request as it goes over the wire, but for what is the same in
// all: Host, and the length of the body. Its marks become canaries.
type canaryRequest struct {
	admin  bool
	line   string // method and target
	header string // lines
	body   string
	raw    string // the whole, where nothing else is any good
}

// everywhere are headers that every request has: none is asked for.
const everywhere = "Authorization: Bearer {secret}\r\nCookie: other={secret}; mail={mail}\r\nX-Email: {mail}\r\n" +
	"Referer: https://shop.example/reset?token={secret}&mail={mail}\r\nX-Api-Key: {secret}\r\n"

// Bodies of events: good ones first, then such as are wrong in one way each.
var canaryEvents = []string{
	`{"session":{"id":"{secret}"},"user":{"id":"{user}"},"device":{"id":"{device}"},"client":{"ip":"203.0.113.7"}}`,
	`{"tenant":"acme","session":{"id":"{secret}","previous_id":"{secret}"},"user":{"id":"{user}","roles":["user"]},"client":{"ip":"203.0.113.7","user_agent":"Mozilla/5.0 ({secret}) Firefox/134.0","language":"{secret}","ja4":"{secret}"}}`,
	`{"session":{"id":"{secret}","binding":{"type":"dpop","thumbprint":"t","verified":false}},"user":{"id":"{user}"},"client":{"ip":"203.0.113.7"},"request":{"method":"GET","route":"/reset/{secret}","class":"admin"}}`,
	`{"session":{"id":"{secret}"},"user":{"id":"{user}"},"device":{"id":"{device}","fingerprint":"{secret}","attributes":{"{mail}":"{secret}"}},"client":{"ip":"203.0.113.7"}}`,
	`{"session":{"id":"{secret}"}}`,
	`{"session":{"id":"{secret}","id":"{secret}"}}`,
	`{"session":{"id":["{secret}"]}}`,
	`{"session":{"id":{"{secret}":"{mail}"}}}`,
	`{"session":{"id":"{secret}","{secret}":1},"client":{"ip":"203.0.113.7"}}`,
	`{"session":{"id":"{secret}","started_at":"{secret}"},"client":{"ip":"203.0.113.7"}}`,
	`{"session":{"id":"{secret}","amr":["{secret}",{"{mail}":1}]}}`,
	`{"session":"{secret}"}`, `{"session_id":"{secret}"}`, `{"{secret}":"{secret}"}`, `{"{mail}":{"{mail}":"{mail}"}}`,
	`{"session":{"id":"{secret}"},"client":{"ip":"{secret}"}}`,
	`{"session":{"id":"{secret}"},"client":{"ip":"203.0.113.7"},"request":{"class":"{secret}","activity":"{secret}"}}`,
	`{"session":{"id":"{secret}"},"client":{"ip":"203.0.113.7"},"time":"{secret}"}`,
	`{"session":{"id":"{secret}"},"client":{"ip":"203.0.113.7"},"time":"2001-01-01T00:00:00Z","user":{"id":"{mail}"}}`,
	`{"session":{"id":"{secret}"},"client":{"ip":"203.0.113.7"},"email":"{mail}","cookie":"{secret}"}`,
	`{"session":{"id":"{secret}`, `{"session":{"id":"{secret}\x"}}`, `{"session":{"id":"{secret}"}}{secret}`,
	"{\"session\":{\"id\":\"{secret}\xff\"}}", `"{secret}"`, `{secret}`, `[[["{secret}"]]]`,
}

// Bodies of other documents, by the route that takes them.
var canaryDocuments = map[string][]string{
	"/v1/revocations": {
		`{"target":{"session_id":"{secret}"}}`, `{"target":{"user":"{user}"},"effect":"suspend"}`, `{"target":{"device":"{device}"}}`,
		`{"target":{"session_id":"{secret}"},"preview":true}`, `{"target":{"user":"{mail}"},"preview":true}`,
		`{"target":{"session":"{secret}"}}`, `{"target":{"{secret}":"{mail}"}}`, `{"target":"{secret}"}`, `{"target":{"session_id":["{secret}"]}}`,
		`{"target":{"session_id":"{secret}","session":"{secret}"}}`, `{"target":{"session_id":"{secret}"}} {secret}`,
		`{"target":{"session_id":"{secret}"},"effect":"{secret}"}`, `{"target":{"session_id":"{secret}"},"standing_until":"{secret}"}`,
		`{"target":{"predicate":{"network":"{secret}","country":"{secret}","{mail}":1}}}`, `{"target":{"session_id":"{secret}"},"{mail}":true}`,
	},
	"/v1/identity-events": {
		`{"id":"canary-1","type":"logout","session_id":"{secret}"}`, `{"id":"canary-2","type":"password_reset","user":"{user}"}`,
		`{"id":"canary-3","type":"device_compromised","device":"{device}"}`, `{"id":"canary-4","type":"logout","session":"{secret}"}`,
		`{"id":"canary-5","type":"{secret}","session_id":"{secret}"}`, `{"id":"canary-6","type":"password_reset","session_id":"{secret}"}`,
		`{"id":"canary-7","type":"logout","session_id":["{secret}"],"email":"{mail}"}`, `{"id":"canary-8","type":"logout","session_id":"{secret}","session":"{secret}"}`,
	},
	"/v1/step-ups/{secret}":        {`{"result":"passed"}`, `{"result":"{secret}","auth_time":"{secret}"}`, `{"{mail}":"{secret}"}`, `{secret}`},
	"/v1/sessions/{secret}/extend": {`{}`, `{secret}`},
	"/{secret}":                    {`{"token":"{secret}"}`},
}

// canaryRequests are all requests, to each route and past all of them.
func canaryRequests() (all []canaryRequest) {
	add := func(admin bool, line, header, body string) {
		all = append(all, canaryRequest{admin: admin, line: line, header: header, body: body})
	}
	for _, e := range canaryEvents {
		add(false, "POST /v1/decisions", "", e)
		add(false, "POST /v1/telemetry", "", e)
		add(false, "POST /v1/telemetry", "", "["+e+"]")
		add(false, "POST /v1/decisions/batch", "", "["+e+","+e+"]")
	}
	for route, bodies := range canaryDocuments {
		for _, b := range bodies {
			add(true, "POST "+route, "", b)
			add(false, "POST "+route, "", b) // on the wrong listener
		}
	}
	for _, h := range []string{
		"Cookie: sid={secret}\r\nX-User: {user}\r\n", "Cookie: sid={secret}; device={device}\r\nX-User: {user}\r\nX-Acr: aal1\r\n",
		"Cookie: sid={secret}; sid={secret}\r\n", "Cookie: sid={secret}%\r\n", "Cookie: sid=\"{secret}\r\n", "Cookie: {secret}\r\n",
		"Cookie: sid={secret}\r\nX-Auth-Time: {secret}\r\n", "Cookie: sid={secret}\r\nX-User: {mail}\r\nX-User: {mail}\r\n",
		"Cookie: sid={secret}\r\nX-Original-Method: {secret}!\r\n", "Cookie: sid={secret}\r\nX_User: {mail}\r\n",
		"Cookie: sid={secret}\r\nX-Original-URI: /reset?token={secret}&mail={mail}\r\nX-Forwarded-Uri: /reset?token={secret}\r\n",
		"Cookie: sid={secret}\r\nX-Forwarded-For: {secret}\r\nUser-Agent: Mozilla/5.0 ({secret})\r\nAccept-Language: {secret}\r\n",
	} {
		add(false, "GET /v1/forward-auth/web/reset/{secret}?token={secret}&mail={mail}", h, "")
		add(false, "GET /v1/forward-auth/{secret}/x?mail={mail}", h, "")
	}
	add(false, "POST /v1/forward-auth/api?sid={secret}", "X-Session: {secret}\r\n", "{secret}")
	add(false, "GET /v1/forward-auth/api", "X-Session: {secret}\r\nX-Session: {secret}\r\n", "")
	add(false, "GET /v1/forward-auth/token/{secret}", "", "") // everywhere has the token
	for _, path := range []string{
		"/v1/sessions?user={user}", "/v1/sessions?session={secret}", "/v1/sessions?{secret}={mail}", "/v1/sessions?cursor={secret}",
		"/v1/sessions?status={secret}", "/v1/sessions?limit={secret}", "/v1/sessions?prefix={secret}", "/v1/sessions/{secret}",
		"/v1/users/{user}/sessions", "/v1/users/{mail}/sessions?{mail}=1", "/v1/revocations?cursor={secret}", "/v1/revocations?{mail}",
		"/v1/revocations?limit=1000", "/v1/sessions?limit=1000", "/livez?{secret}", "/readyz?token={secret}", "/openapi.json?{mail}",
		"/metrics?token={secret}", "/{secret}", "/v1/{mail}/", "//{secret}", "/v1/sessions/../{secret}", "/%{secret}",
	} {
		for _, method := range []string{"GET", "HEAD", "DELETE", "PUT", "{secret}"} {
			add(true, method+" "+path, "", "")
		}
		add(false, "GET "+path, "", "")
	}
	add(true, "DELETE /v1/revocations/{secret}", "", `{"reason":"r","actor":"a"}`)
	add(true, "DELETE /v1/revocations/999999", "", `{"reason":"{secret}","{mail}":"a"}`)
	add(true, "DELETE /v1/users/{mail}", "", "")
	add(true, "POST /v1/revocations", "Origin: https://{secret}.example\r\nSec-Fetch-Site: cross-site\r\n", `{"target":{"session_id":"{secret}"}}`)
	for _, raw := range []string{
		"GET /v1/sessions HTTP/1.1\r\nHost: {secret}.example\r\nConnection: close\r\n\r\n",
		"GET /{secret} HTTP/9.9\r\nHost: localhost\r\n\r\n", "{secret} {mail}\r\n\r\n", "GET /\r\n{secret}\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\n{secret}\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n{secret} : {mail}\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nHost: {secret}\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: {secret}\r\nConnection: close\r\n\r\n",
		"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {secret}\r\n\r\n",
		"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: {secret}\r\n\r\n",
		"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ{secret}\r\n",
		"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: {secret}/{secret}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
		"GET http://user:{secret}@{secret}/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		all = append(all, canaryRequest{raw: raw}, canaryRequest{raw: raw, admin: true})
	}
	return all
}
