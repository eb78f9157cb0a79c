//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// canarying sends secrets to every route of a riskd that writes as much as it can,
// in places where they belong and where they don't, and looks for them in all that
// it has written.
type canarying struct {
	binary string
	// spoil puts a bug into the log, for controls. Optional.
	spoil func(log *slog.Logger, session string)
}

func canaryFlags(*flag.FlagSet) action { return (&canarying{}).run }

const (
	canaryConfig = "log: {level: debug}\naudit: {decisions: 1}\n"
	// canaryProfiles read the session from a cookie, a header and a token.
	canaryProfiles = `{name: web, style: nginx, session: {cookie: sid}, device: {cookie: device}, user: X-User, acr: X-Acr, auth_time: X-Auth-Time},
  {name: api, style: caddy, session: {header: X-Session}}, {name: token, style: caddy, session: {header: Authorization}}`
)

func (k *canarying) run(ctx context.Context, out io.Writer) (err error) {
	s, err := newSite(ctx, siteOptions{binary: k.binary, config: canaryConfig, forwardAuth: canaryProfiles})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c := &canaries{}
	var writings []writing
	// The second life ends by a kill: what is still on its way to the files lies in
	// other ones then.
	for _, end := range []func(*server) error{(*server).stop, func(r *server) error { r.kill(); return nil }} {
		r, err := s.start(ctx)
		if err != nil {
			return err
		}
		answers, err := k.talk(ctx, c, r)
		writings = append(writings, answers...)
		if err := errors.Join(err, end(r)); err != nil {
			r.kill()
			return s.explain(err)
		}
	}
	if k.spoil != nil {
		if err := k.spoilLog(s, c.all[0].value); err != nil {
			return err
		}
	}
	left, err := filesOf(s)
	if err != nil {
		return err
	}
	writings = append(writings, left...)
	return judge(out, c, writings)
}

// judge tells what was found where.
func judge(out io.Writer, c *canaries, writings []writing) error {
	var bytesRead, inFolder, toOperators int
	for i := range writings {
		bytesRead += len(writings[i].text)
	}
	var errs []error
	for _, h := range c.find(writings) {
		switch {
		case !h.allowed:
			errs = append(errs, errors.New(h.String()))
		case strings.HasPrefix(h.where, "state"):
			inFolder++
		default:
			toOperators++
		}
	}
	fmt.Fprintf(out, "%d canaries; %d writings of %d KiB; names of users and devices: %d times in the folder state, %d times in answers to operators; anything else anywhere: %d\n",
		len(c.all), len(writings), bytesRead>>10, inFolder, toOperators, len(errs))
	if inFolder == 0 || toOperators == 0 {
		errs = append(errs, errors.New("the run doesn't count: not even what may be there was found"))
	}
	return errors.Join(append(errs, references(c, writings))...)
}

// references fails unless sessions that were sent are in the log by their
// references: else nothing was looked at.
func references(c *canaries, writings []writing) error {
	for i := range writings {
		if writings[i].where != logName {
			continue
		}
		for _, one := range c.all {
			if bytes.Contains(writings[i].text, []byte(sessionKey.ID("", one.value).String())) {
				return nil
			}
		}
	}
	return errors.New("the run doesn't count: the log tells of no session")
}

const logName = "the log"

// talk sends all requests, and gives all answers.
func (k *canarying) talk(ctx context.Context, c *canaries, r *server) (answers []writing, err error) {
	gone := c.add(erased, "a user who is erased").value
	forget := canaryRequest{admin: true, line: "DELETE /v1/users/" + gone + "?actor=canary"}
	known := fmt.Sprintf(`{"session":{"id":"{secret}"},"user":{"id":%q},"client":{"ip":"203.0.113.7"}}`, gone)
	requests := append([]canaryRequest{{line: "POST /v1/decisions", body: known}}, canaryRequests()...)
	requests = append(requests, forget, canaryRequest{admin: true, line: "GET /metrics"})
	for i := range requests {
		q := &requests[i]
		answer, err := q.send(ctx, c, r)
		if err != nil {
			return nil, fmt.Errorf("%s%.60s: %w", q.line, q.raw, err)
		}
		w := writing{where: "the answer to " + q.line + q.raw, text: answer}
		if q.admin && !strings.Contains(q.line, "/metrics") {
			w.kind = operator
		}
		if q.line == forget.line && !bytes.Contains(answer, []byte(" 200 OK")) {
			return nil, fmt.Errorf("an erasure is answered %s", answer)
		}
		if !strings.HasPrefix(q.line, "DELETE /v1/users/"+gone) {
			answers = append(answers, w)
		}
	}
	return answers, nil
}

// send sends a request with new canaries over a connection of its own, and gives
// every byte of the answer.
func (q *canaryRequest) send(ctx context.Context, c *canaries, r *server) ([]byte, error) {
	address := strings.TrimPrefix(r.gateway, "http://")
	if q.admin {
		address = strings.TrimPrefix(r.admin, "http://")
	}
	place := func(what string) string { return what + " of " + q.line + q.raw }
	text := c.fill("a broken request", q.raw)
	if q.raw == "" {
		line, header := c.fill(place("the request line"), q.line), c.fill(place("a header"), q.header+everywhere)
		if strings.Contains(q.header, "Cookie:") {
			header = c.fill(place("a header"), q.header)
		}
		body := c.fill(place("the body "+q.body), q.body)
		text = fmt.Sprintf("%s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
			line, header, len(body), body)
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, err
	}
	if q.raw != "" { // or riskd might wait for the rest
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return nil, err
		}
	}
	answer, err := io.ReadAll(conn)
	if errors.Is(err, net.ErrClosed) || len(answer) > 0 {
		err = nil // a server that has said what it had to may cut off the rest
	}
	if err == nil && q.raw == "" && len(answer) == 0 {
		err = errors.New("no answer")
	}
	return answer, err
}

func (k *canarying) spoilLog(s *site, session string) error {
	f, err := os.OpenFile(s.logFile(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	k.spoil(slog.New(slog.NewJSONHandler(f, nil)), session)
	return f.Close()
}

// filesOf gives the log, every file of the data folder, and what lies compressed
// in the archive.
func filesOf(s *site) (all []writing, err error) {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return nil, err
	}
	all = append(all, writing{where: logName, text: log})
	err = filepath.WalkDir(s.data, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		where, err2 := filepath.Rel(s.data, file)
		w := writing{where: where, text: text}
		if strings.HasPrefix(where, "state/") {
			w.kind = kept
		}
		all = append(all, w)
		return errors.Join(err, err2)
	})
	if err != nil {
		return nil, err
	}
	records, err := recordsOf(filepath.Join(s.data, "state", "archive"))
	return append(all, writing{where: "state/archive, uncompressed", kind: kept, text: records}), err
}

// recordsOf gives all keys and values of an archive.
func recordsOf(dir string) (text []byte, err error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	it, err := db.NewIter(nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		text = append(append(append(append(text, it.Key()...), '\n'), it.Value()...), '\n')
	}
	return text, it.Error()
}

// quiet says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
