package api

import (
	stdjson "encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/riskd/riskd"
)

// full is an event with every member.
const full = `{
	"id":"e1","time":"2026-11-21T11:59:58.123Z","tenant":"shop",
	"session":{"id":"raw-1","previous_id":"raw-0","started_at":"2026-11-21T09:00:00Z","auth_time":"2026-11-21T09:00:01Z",
		"acr":"aal1","amr":["pwd","otp"],"binding":{"type":"dpop","thumbprint":"th","verified":true}},
	"user":{"id":"u1","type":"employee","roles":["admin","ops"]},
	"attributes":{"resource.status":"archived"},
	"device":{"id":"d1","fingerprint":"f1","attributes":{"screen":"1920x1080"},"compliant":false},
	"client":{"ip":"::ffff:203.0.113.7","user_agent":"Mozilla/5.0 \u00e9","ja4":"t13d","language":"fr"},
	"request":{"method":"POST","route":"/orders/{id}","class":"sensitive","activity":"background","object":"4711","status":201,"bytes":1234},
	"privilege":{"level":3,"action":"export"},"environment":"production"}`

func TestDecodeEventTakesEveryMember(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	no := false
	want := &riskd.Event{
		ID: "e1", Time: time.Date(2026, 11, 21, 11, 59, 58, 123e6, time.UTC), Tenant: "shop",
		Session: riskd.EventSession{
			ID: key.ID("shop", "raw-1"), PreviousID: key.ID("shop", "raw-0"),
			StartedAt: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), AuthTime: time.Date(2026, 11, 21, 9, 0, 1, 0, time.UTC),
			ACR: "aal1", AMR: []string{"pwd", "otp"}, Binding: riskd.Binding{Type: "dpop", Thumbprint: "th", Verified: true},
		},
		User:        riskd.User{ID: "u1", Type: "employee", Roles: []string{"admin", "ops"}},
		Attributes:  map[string]string{"resource.status": "archived"},
		Device:      riskd.Device{ID: "d1", Fingerprint: "f1", Attributes: map[string]string{"screen": "1920x1080"}, Compliant: &no},
		Client:      riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0 é", JA4: "t13d", Language: "fr"},
		Request:     riskd.Request{Method: "POST", Route: "/orders/{id}", Class: riskd.ClassSensitive, Activity: riskd.Background, Object: key.Mark("object", "shop", "4711"), Status: 201, Bytes: 1234},
		Privilege:   riskd.Privilege{Level: 3, Action: "export"},
		Environment: "production",
	}
	got, err := DecodeEvent([]byte(full), key)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	// What is added to the vocabulary has to be added to the wire, and here.
	for path := range zeroFields(reflect.ValueOf(*want), "") {
		if path != "Place" && path != "Degraded" && path != "Session.Implied" {
			t.Errorf("this test doesn't set %s", path)
		}
	}
}

// zeroFields gives the fields, however deep, that are zero.
func zeroFields(v reflect.Value, path string) map[string]bool {
	out := map[string]bool{}
	for i := range v.NumField() {
		f, name := v.Field(i), path+v.Type().Field(i).Name
		switch {
		case f.IsZero():
			out[name] = true
		case f.Kind() == reflect.Struct && f.Type().PkgPath() == reflect.TypeFor[riskd.Event]().PkgPath():
			for n := range zeroFields(f, name+".") {
				out[n] = true
			}
		}
	}
	return out
}

func TestDecodeEventTakesTheLeastAndNull(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	for name, body := range map[string]string{
		"least": least,
		"null":  `{"id":null,"user":null,"device":{"compliant":null,"attributes":null},"session":{"id":"raw-1","amr":null,"started_at":null},"client":{"ip":"203.0.113.7"}}`,
		"space": " \n" + least + "\t\r\n",
		"zone":  `{"session":{"id":"raw-1"},"client":{"ip":"203.0.113.7"},"request":{"class":"","activity":""}}`,
	} {
		e, err := DecodeEvent([]byte(body), key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := &riskd.Event{Session: riskd.EventSession{ID: key.ID("", "raw-1")}, Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7")}}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}

// nonsense are documents that are no events, and how the first fault begins.
func nonsense() map[string]struct{ body, fault string } {
	in := func(member string) string { return strings.Replace(least, "{", "{"+member+",", 1) }
	deep := strings.Repeat("[", 20) + strings.Repeat("]", 20)
	return map[string]struct{ body, fault string }{
		"not JSON":                  {`session=1`, "document: is not JSON at byte 1"},
		"white space only":          {" \n", "document: ends in the middle"},
		"an array":                  {`[` + least + `]`, "document: must be an object"},
		"a string":                  {`"x"`, "document: must be an object"},
		"null":                      {`null`, "session.id: is required"},
		"empty":                     {`{}`, "session.id: is required"},
		"cut off":                   {least[:30], "document: ends in the middle"},
		"two documents":             {least + least, "document: is over at byte 56, but the body goes on"},
		"a comma after the end":     {least + ",", "document: is over at byte 56, but the body goes on"},
		"a comma too many":          {`{"id":"a",}`, "document: is not JSON at byte 10"},
		"a comment":                 {"// hi\n" + least, "document: is not JSON at byte 1"},
		"a byte order mark":         {"\ufeff" + least, "document: is not JSON at byte 1"},
		"NaN":                       {in(`"privilege":{"level":NaN}`), "privilege.level: is not JSON"},
		"duplicate":                 {in(`"tenant":"a","tenant":"b"`), "tenant: is given twice"},
		"duplicate session":         {`{"session":{"id":"a"},"session":{"id":"b"},"client":{"ip":"203.0.113.7"}}`, "session: is given twice"},
		"duplicate within":          {`{"session":{"id":"a","id":"b"}}`, "session.id: is given twice"},
		"duplicate, escaped":        {`{"session":{"id":"a","\u0069d":"b"}}`, "session.id: is given twice"},
		"duplicate attribute":       {in(`"device":{"attributes":{"x":"1","x":"2"}}`), "device.attributes: has a member that is given twice"},
		"upper case":                {`{"SESSION":{"id":"a"}}`, "SESSION: is not known; did you mean session?"},
		"long s":                    {"{\"\u017fession\":{\"id\":\"a\"}}", "document: has a member that is not known; did you mean session?"},
		"camel case":                {`{"client":{"userAgent":"x"}}`, "client.userAgent: is not known; did you mean user_agent?"},
		"misspelt":                  {`{"client":{"usr_agent":"x"}}`, "client.usr_agent: is not known; did you mean user_agent?"},
		"unknown":                   {in(`"zzz":1`), "zzz: is not known; known here are id, time, tenant, session,"},
		"unknown, maybe an id":      {in(`"a1b2c3d4e5":1`), "document: has a member that is not known; known here are id, time,"},
		"unknown, maybe a token":    {`{"user":{"abcdefghijklmnopqrstuvwx":1}}`, "user: has a member that is not known; known here are id, type, roles"},
		"unknown in session":        {`{"session":{"previousId":"a"}}`, "session: has a member that is not known; did you mean previous_id?"},
		"unknown in binding":        {`{"session":{"binding":{"kind":"a"}}}`, "session.binding: has a member that is not known; known here are type, thumbprint, verified"},
		"place":                     {in(`"place":{"country":"FR"}`), "place: is not known"},
		"invalid UTF-8":             {in("\"tenant\":\"a\xff\""), "tenant: is not valid UTF-8"},
		"invalid UTF-8 name":        {in("\"\xff\":1"), "document: is not valid UTF-8"},
		"half a surrogate":          {in(`"tenant":"\ud800"`), "tenant: is not JSON at byte"},
		"deep":                      {in(`"tenant":` + deep), "tenant: is nested more than 16 deep"},
		"deep from the start":       {strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500), "document: is nested more than 16 deep"},
		"deeper than any stack":     {strings.Repeat("[", 60_000), "document: is nested more than 16 deep"},
		"too long":                  {in(`"tenant":"` + strings.Repeat("a", MaxEvent) + `"`), "document: is 65604 bytes long; the limit is 65536"},
		"tenant a number":           {in(`"tenant":1`), "tenant: must be a string"},
		"session a string":          {`{"session":"raw-1"}`, "session: must be an object"},
		"roles a string":            {in(`"user":{"roles":"admin"}`), "user.roles: must be an array of strings"},
		"a role a number":           {in(`"user":{"roles":["a",2]}`), "user.roles[1]: must be a string"},
		"a role null":               {in(`"user":{"roles":["a",null]}`), "user.roles[1]: must be 1 to 64 bytes long"},
		"own attributes an array":   {in(`"attributes":[]`), "attributes: must be an object whose values are strings"},
		"own attribute a number":    {in(`"attributes":{"x":1}`), "attributes: has a member that must be a string"},
		"own duplicate attribute":   {in(`"attributes":{"x":"1","x":"2"}`), "attributes: has a member that is given twice"},
		"own attribute too long":    {in(`"attributes":{"x":"` + strings.Repeat("x", 257) + `"}`), "attributes: has a name over 64 or a value over 256 bytes"},
		"attributes an array":       {in(`"device":{"attributes":[]}`), "device.attributes: must be an object whose values are strings"},
		"attribute a number":        {in(`"device":{"attributes":{"x":1}}`), "device.attributes: has a member that must be a string"},
		"compliant a string":        {in(`"device":{"compliant":"yes"}`), "device.compliant: must be true or false"},
		"time a number":             {in(`"time":1764000000`), "time: must be an RFC 3339 time"},
		"time without zone":         {in(`"time":"2026-11-21T10:00:00"`), "time: must be an RFC 3339 time"},
		"time empty":                {in(`"time":""`), "time: must be an RFC 3339 time"},
		"level a fraction":          {in(`"privilege":{"level":1.5}`), "privilege.level: must be a whole number"},
		"level a string":            {in(`"privilege":{"level":"1"}`), "privilege.level: must be a whole number"},
		"level too high":            {in(`"privilege":{"level":11}`), "privilege.level: is 11; it must be 0 to 10"},
		"level huge":                {in(`"privilege":{"level":1e999}`), "privilege.level: must be a whole number"},
		"bytes huge":                {in(`"request":{"bytes":9223372036854775808}`), "request.bytes: must be a whole number, and not a huge one"},
		"status of nothing":         {in(`"request":{"status":42}`), "request.status: is 42; it must be an HTTP status code"},
		"class":                     {in(`"request":{"class":"Sensitive"}`), "request.class: must be one of standard, open, sensitive, admin"},
		"class, endless":            {in(`"request":{"class":"` + strings.Repeat("x", 5000) + `"}`), "request.class: must be one of standard"},
		"object":                    {in(`"request":{"object":"` + strings.Repeat("7", 2049) + `"}`), "request.object: is 2049 bytes long; the limit is 2048"},
		"activity":                  {in(`"request":{"activity":"bored"}`), "request.activity: must be one of interactive, background"},
		"binding":                   {`{"session":{"id":"a","binding":{"type":"cookie"}},"client":{"ip":"203.0.113.7"}}`, "session.binding.type: must be one of"},
		"address with port":         {`{"session":{"id":"a"},"client":{"ip":"203.0.113.7:80"}}`, "client.ip: must be an IPv4 or IPv6 address without port"},
		"address in another script": {`{"session":{"id":"a"},"client":{"ip":"٢٠٣.0.113.7"}}`, "client.ip: must be an IPv4"},
		"octal address":             {`{"session":{"id":"a"},"client":{"ip":"203.0.113.010"}}`, "client.ip: must be an IPv4"},
		"no address":                {`{"session":{"id":"a"}}`, "client.ip: is required"},
		"no session":                {`{"client":{"ip":"203.0.113.7"}}`, "session.id: is required"},
		"empty session":             {`{"session":{"id":""},"client":{"ip":"203.0.113.7"}}`, "session.id: is required"},
	}
}

func TestDecodeEventRefusesNonsense(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range nonsense() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeEvent([]byte(c.body), h.key)
			if err == nil || !strings.HasPrefix(err.Error(), c.fault) {
				t.Fatalf("got %v\nwant %s", err, c.fault)
			}
			if len(c.body) > MaxEvent {
				return // the handler doesn't even read it
			}
			w := post(h.gateway, "/v1/decisions", c.body)
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p, strict); err != nil || w.Code != 400 || p.Status != 400 {
				t.Fatalf("the handler answers %d %s (%v)", w.Code, w.Body, err)
			}
			path, _, _ := strings.Cut(c.fault, ": ")
			if !strings.HasPrefix(p.Detail, c.fault) || p.Errors[0].Pointer != pointerOf(path) || !strings.HasPrefix(p.Errors[0].Detail, c.fault) {
				t.Errorf("the problem is %s", w.Body)
			}
		})
	}
	if len(h.engine.events) != 0 {
		t.Error("the engine was asked")
	}
}

func TestDecodeEventTellsAllFaults(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	w := post(h.gateway, "/v1/decisions", `{"user":{"roles":["a",""]},"client":{"ip":"x"},"request":{"class":"y"},"privilege":{"level":-1}}`)
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p, strict); err != nil {
		t.Fatal(err)
	}
	var pointers []string
	for _, e := range p.Errors {
		pointers = append(pointers, e.Pointer)
	}
	if got := strings.Join(pointers, " "); got != "#/request/class #/client/ip #/session/id #/user/roles/1 #/privilege/level" {
		t.Errorf("pointers are %s", got)
	}
	if !strings.HasSuffix(p.Detail, "(and 4 more, see errors)") {
		t.Errorf("detail is %q", p.Detail)
	}
	empty := `{"user":{"roles":["` + strings.Repeat(`","`, 63) + `"]}}`
	if _, err := DecodeEvent([]byte(empty), h.key); len(faultsOf(err)) != maxFaults {
		t.Errorf("%d faults are told", len(faultsOf(err)))
	}
}

func TestDecodeTraceEventTakesPlace(t *testing.T) {
	t.Parallel()
	in := func(place string) []byte { return []byte(strings.Replace(least, "{", `{"place":`+place+`,`, 1)) }
	e, err := DecodeTraceEvent(in(`{"country":"FR","city":"Paris","lat":48.9,"lon":0,"radius_km":20,"asn":3215,"org":"Orange","network":"mobile"}`), testKey(t))
	want := riskd.Place{Country: "FR", City: "Paris", Located: true, Lat: 48.9, RadiusKM: 20, ASN: 3215, Org: "Orange", Network: riskd.NetworkMobile}
	if err != nil || e.Place != want {
		t.Errorf("got %+v, %v", e, err)
	}
	if e, err := DecodeTraceEvent([]byte(least), testKey(t)); err != nil || e.Place != (riskd.Place{}) {
		t.Errorf("without place: %+v, %v", e, err)
	}
	for place, fault := range map[string]string{
		`{"country":"fr"}`:     "place.country: must be two capital letters",
		`{"lat":1}`:            "place: must have lat and lon",
		`{"lat":91,"lon":1}`:   "place.lat: must be",
		`{"lat":1,"lon":-181}`: "place.lon: must be",
		`{"lat":1e999}`:        "place.lat: must be a number that a double can hold",
		`{"lat":"1"}`:          "place.lat: must be a number",
		`{"radius_km":-1}`:     "place.radius_km: must not be negative",
		`{"asn":-1}`:           "place.asn: must be a whole number",
		`{"network":"wifi"}`:   "place.network: must be one of unknown, residential,",
		`{"nation":"FR"}`:      "place.nation: is not known; known here are country,",
		`{"city":"` + strings.Repeat("x", 257) + `","org":"` + strings.Repeat("x", 257) + `"}`: "place.city: is longer than 256 bytes\nplace.org: is longer",
	} {
		if _, err := DecodeTraceEvent(in(place), testKey(t)); err == nil || !strings.HasPrefix(err.Error(), fault) {
			t.Errorf("%s gives %v, want %s", place, err, fault)
		}
	}
	if _, err := DecodeTraceEvent([]byte(strings.Replace(least, "client", "clients", 1)), testKey(t)); err == nil || !strings.Contains(err.Error(), "did you mean client?") {
		t.Errorf("names of the event are not known to a trace: %v", err)
	}
}

// FuzzEvent holds the decoder to four promises: it never panics; what it takes is
// valid; what it takes every JSON parser takes; and it means one thing, so that
// writing it down and reading it again gives the same event.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(least))
	for _, c := range nonsense() {
		if len(c.body) < 1000 {
			f.Add([]byte(c.body))
		}
	}
	key := testKey(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := DecodeEvent(body, key)
		if err != nil {
			if e != nil || len(faultsOf(err)) == 0 {
				t.Fatalf("refused with %+v, %v", e, err)
			}
			return
		}
		if err := e.Validate(); err != nil {
			t.Fatalf("took an event that isn't valid: %v", err)
		}
		if !stdjson.Valid(body) {
			t.Fatal("took what encoding/json refuses")
		}
		var w wireEvent
		if err := json.Unmarshal(body, &w, strict); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(&w)
		if err != nil {
			t.Fatalf("can't be written again: %v", err)
		}
		e2, err := DecodeEvent(again, key)
		if err != nil || !same(e, e2) {
			t.Fatalf("%s reads again as %+v, %v; it was %+v", again, e2, err, e)
		}
	})
}

// same compares events; an empty list is the same as none.
func same(a, b *riskd.Event) bool {
	plain := func(e *riskd.Event) riskd.Event {
		c := *e
		for _, t := range []*time.Time{&c.Time, &c.Session.StartedAt, &c.Session.AuthTime} {
			*t = t.UTC()
		}
		for _, list := range []*[]string{&c.Session.AMR, &c.User.Roles} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if len(c.Attributes) == 0 {
			c.Attributes = nil
		}
		if len(c.Device.Attributes) == 0 {
			c.Device.Attributes = nil
		}
		return c
	}
	return reflect.DeepEqual(plain(a), plain(b))
}

func BenchmarkDecodeEvent(b *testing.B) {
	key := testKey(b)
	for name, body := range map[string]string{"least": least, "full": full} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := DecodeEvent([]byte(body), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A refused batch of a million events must cost next to nothing.
func BenchmarkRefuseMillion(b *testing.B) {
	body := []byte("[" + strings.Repeat("{},", MaxBatchBody/3-1) + "{}]")
	b.ReportAllocs()
	for b.Loop() {
		if _, p := splitArray(body); p == nil {
			b.Fatal("taken")
		}
	}
}
