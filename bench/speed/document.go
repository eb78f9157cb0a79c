package main

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// OPA gets the input document that riskd itself builds of a case: what has to
// be known of event, session, user and address stands in it, signals are
// measured, evidence is added up. Only what the rules read is in it, as in
// riskd's own, so that OPA has nothing to parse in vain.

// document writes OPA's request for a case: {"input": …}.
func document(c *riskd.Case, signals []riskd.Signal, reads []string) ([]byte, error) {
	input := map[string]any{}
	for path, value := range members(c, signals) {
		if slices.ContainsFunc(reads, func(read string) bool { return under(path, read) || under(read, path) }) {
			put(input, strings.Split(path, "."), value)
		}
	}
	return json.Marshal(map[string]any{"input": input})
}

// under reports whether a dotted path is another or lies in it.
func under(path, above string) bool {
	return strings.HasPrefix(path+".", above+".")
}

func put(object map[string]any, path []string, value any) {
	if len(path) == 1 {
		object[path[0]] = value
		return
	}
	below, ok := object[path[0]].(map[string]any)
	if !ok {
		below = map[string]any{}
		object[path[0]] = below
	}
	put(below, path[1:], value)
}

// members is the input contract of policies, as far as the default pack's
// rules and those of the library could want it; unknown members are absent.
func members(c *riskd.Case, signals []riskd.Signal) map[string]any {
	e, s := c.Event, c.Session
	all := map[string]any{
		"event.id": e.ID, "event.time": c.Now.UTC().Format(time.RFC3339), "event.time_unix": c.Now.Unix(),
		"event.tenant": e.Tenant, "event.environment": e.Environment,
		"session.requests": s.Requests, "session.status": s.Status.String(), "session.acr": e.Session.ACR,
		"session.amr": e.Session.AMR, "session.step_up_pending": s.StepUp != nil, "session.before_login": s.BeforeLogin,
		"session.age_s": c.Now.Sub(s.Start).Seconds(), "session.auth_age_s": c.Now.Sub(e.Session.AuthTime).Seconds(),
		"session.binding.type": e.Session.Binding.Type, "session.binding.verified": e.Session.Binding.Verified,
		"user.id": e.User.ID, "user.type": e.User.Type, "user.roles": e.User.Roles,
		"user.profile_sessions": c.Profile.Sessions, "user.young": c.Profile.Young(),
		"device.id": e.Device.ID, "device.fingerprint": e.Device.Fingerprint,
		"client.ip": e.Client.IP.String(), "client.prefix": riskd.PrefixOf(e.Client.IP).String(),
		"client.user_agent": e.Client.UserAgent, "client.language": e.Client.Language, "client.ja4": e.Client.JA4,
		"place.country": e.Place.Country, "place.city": e.Place.City, "place.asn": e.Place.ASN,
		"place.org": e.Place.Org, "place.network": e.Place.Network.String(),
		"request.method": e.Request.Method, "request.route": e.Request.Route, "request.class": e.Request.Class.String(),
		"request.activity": e.Request.Activity.String(), "request.bytes": e.Request.Bytes,
		"privilege.level": e.Privilege.Level, "privilege.action": e.Privilege.Action,
		"score": c.Score, "nats.identity": c.Nats.Identity, "nats.behaviour": c.Nats.Behaviour, "nats.request": c.Nats.Request,
		"reasons": codesOf(c.Reasons), "invariants": append([]string{}, c.Invariants...),
	}
	for i, signal := range signals {
		addReading(all, "readings."+signal.Name+".", &signal, &c.Readings[i])
	}
	for path, value := range all {
		if value == "" {
			delete(all, path)
		}
	}
	return all
}

func addReading(all map[string]any, path string, s *riskd.Signal, r *riskd.Reading) {
	switch r.State {
	case riskd.NotEvaluable:
		all[path+"missing"] = r.Missing
	case riskd.Measured:
		all[path+"value"], all[path+"nats"] = r.Value, r.Nats
		for i, d := range s.Details {
			if d.Kind == riskd.Text {
				all[path+d.Name] = r.Details[i].Text
			} else {
				all[path+d.Name] = r.Details[i].Number
			}
		}
	}
}

func codesOf(reasons []riskd.Reason) []string {
	codes := []string{}
	for i := range reasons {
		codes = append(codes, reasons[i].Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

var inputRef = regexp.MustCompile(`\binput((?:\.[a-z0-9_]+)+)`)

// readsOf finds the members of the input that Rego modules read.
func readsOf(modules map[string][]byte) []string {
	var reads []string
	for _, text := range modules {
		for _, m := range inputRef.FindAllSubmatch(text, -1) {
			reads = append(reads, string(m[1][1:]))
		}
	}
	slices.Sort(reads)
	return slices.Compact(reads)
}

// modulesOf reads the Rego modules of a folder and those below it, tests left
// out.
func modulesOf(dir fs.FS) (map[string][]byte, error) {
	modules := map[string][]byte{}
	err := fs.WalkDir(dir, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".rego") || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		modules[name], err = fs.ReadFile(dir, name)
		return err
	})
	return modules, err
}
