package main

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// closeLook is an event and what surrounds it.
type closeLook struct {
	*heard
	*population
	visit  *visit
	first  bool   // the session's first event
	before *heard // the line above; nil at the top
}

// group is what must not tell attackers from users, in so far as it isn't what the
// attack consists of.
type group struct {
	name string
	// onset says that only the event with which an attack begins is looked at.
	onset bool
	// read gives the event's stratum, within which attackers and users are compared,
	// and its values.
	read func(l *closeLook) (stratum string, values []string)
	// wider gives the stratum that one with too few users becomes part of; nil: it is
	// left out.
	wider func(stratum string) string
}

// groups are compared one by one.
var groups = []group{
	{name: "time of day", onset: true, read: timeOfDay},
	{name: "session index", onset: true, read: sessionIndex},
	{name: "rarity of context", onset: true, read: rarity, wider: anyCountry},
	{name: "order in the file", read: orderInFile},
	{name: "event id", read: func(l *closeLook) (string, []string) { return l.place(), shape("event id", l.ID) }},
	{name: "session id", read: func(l *closeLook) (string, []string) { return l.place(), shape("session id", l.Session.ID) }},
	{name: "user id", onset: true, read: userShape},
	{name: "device and cookie", read: deviceShape},
	{name: "fields present", read: fieldsPresent},
	{name: "size of answer", read: answerSize},
	{name: "object", read: object},
	{name: "authentication", onset: true, read: authentication},
}

// Indices in groups: of the time of day, and of the order in the file, to which the
// line below adds.
const (
	timeGroup  = 0
	orderGroup = 3
)

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// place is where in its session an event stands.
func (l *closeLook) place() string {
	if l.first {
		return "first"
	}
	return "later"
}

func (l *closeLook) signedIn() string {
	if l.User.ID == "" {
		return ""
	}
	return " signed in"
}

func timeOfDay(l *closeLook) (string, []string) {
	t := l.at.UTC()
	const twelfth = 5
	return l.place(), []string{
		"hour=" + strconv.Itoa(t.Hour()), "weekday=" + t.Weekday().String(),
		"minute=" + strconv.Itoa(t.Minute()/twelfth), "second=" + strconv.Itoa(t.Second()/twelfth),
	}
}

// sessionIndex is compared within a week: everybody's grows.
func sessionIndex(l *closeLook) (string, []string) {
	const week = 7 * 24 * time.Hour
	return "week " + strconv.Itoa(int(l.visit.start.Sub(l.from)/week)), []string{
		"sessions before=" + size(int64(l.visit.number)), "sessions in all=" + size(int64(l.visit.user.sessions)),
	}
}

// rarity is compared among events from the same country and kind of network. A prefix
// that nobody else has counts as one that has a user, as a user's own always does. The
// TLS stack isn't part of it: to have another one is what several families consist of.
func rarity(l *closeLook) (string, []string) {
	s := shared(l.heard)
	return l.Place.Country + " " + l.Place.Network, []string{
		"users of the prefix=" + size(int64(max(1, l.sharers[s[0]]))), "users of the network=" + size(int64(l.sharers[s[1]])),
		"users of the browser=" + size(int64(l.sharers[s[2]])),
	}
}

// anyCountry takes the countries together in which few users are: it has to come out
// there, too, that attackers are where nobody is.
func anyCountry(stratum string) string {
	_, network, _ := strings.Cut(stratum, " ")
	return "small countries " + network
}

// size puts a count or length into one of two classes to each doubling.
func size(n int64) string {
	if n <= 4 {
		return strconv.FormatInt(n, 10)
	}
	class := int(2 * math.Log2(float64(n)))
	return strconv.Itoa(int(math.Ceil(math.Exp2(float64(class)/2)))) + "…"
}

func orderInFile(l *closeLook) (string, []string) {
	digits := fraction(l.Time)
	values := []string{"digits of the second=" + strconv.Itoa(len(digits)), "zone=" + l.Time[len(l.Time)-1:]}
	if digits != "" {
		values = append(values, "last digit="+digits[len(digits)-1:])
	}
	if l.before != nil {
		values = append(values, neighbour("above", l.heard, l.before)...)
	}
	return l.place(), values
}

// neighbour is how an event goes with the line above or below it.
func neighbour(where string, e, other *heard) []string {
	gap := e.at.Sub(other.at)
	if where == "below" {
		gap = -gap
	}
	apart := "a minute or more"
	switch {
	case gap < 0:
		apart = "backwards"
	case gap == 0:
		apart = "none"
	case gap < time.Second:
		apart = "under a second"
	case gap < time.Minute:
		apart = "under a minute"
	}
	values := []string{"gap to the line " + where + "=" + apart}
	mine, ok := trailingNumber(e.ID)
	theirs, too := trailingNumber(other.ID)
	if ok && too {
		step := mine - theirs
		if where == "below" {
			step = -step
		}
		word := "forwards, further than one"
		switch {
		case step == 1:
			word = "one"
		case step <= 0:
			word = "backwards"
		}
		values = append(values, "step of the id from the line "+where+"="+word)
	}
	return values
}

func trailingNumber(id string) (int64, bool) {
	digits := id[len(strings.TrimRight(id, "0123456789")):]
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// shape is what the form of an id gives away, whatever it says.
func shape(name, id string) []string {
	if id == "" {
		return []string{name + "=absent"}
	}
	return []string{
		name + " is long=" + strconv.Itoa(len(id)), name + " begins=" + id[:min(len(id), 2)],
		name + " ends=" + id[len(id)-1:], name + " is of=" + alphabet(id),
	}
}

// alphabet names the kinds of characters in a text.
func alphabet(s string) string {
	var kinds [4]bool
	var others []byte
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			kinds[0] = true
		case 'a' <= c && c <= 'f':
			kinds[1] = true
		case 'g' <= c && c <= 'z':
			kinds[2] = true
		case 'A' <= c && c <= 'Z':
			kinds[3] = true
		default:
			if !slices.Contains(others, c) {
				others = append(others, c)
			}
		}
	}
	text := ""
	for i, name := range [...]string{"0-9", "a-f", "g-z", "A-Z"} {
		if kinds[i] {
			text += name
		}
	}
	slices.Sort(others)
	return text + string(others)
}

func userShape(l *closeLook) (string, []string) { return "", shape("user id", l.visit.user.name) }

func deviceShape(l *closeLook) (string, []string) {
	values := append(shape("device id", l.Device.ID), shape("fingerprint", l.Device.Fingerprint)...)
	for _, name := range sortedKeys(l.Device.Attributes) {
		values = append(values, "attribute "+name+" is of="+alphabet(l.Device.Attributes[name]))
	}
	return l.place(), append(values, "ja4 is long="+strconv.Itoa(len(l.Client.JA4)), "ja4 is of="+alphabet(l.Client.JA4))
}

// fieldsPresent is compared among the same requests, signed in or not.
func fieldsPresent(l *closeLook) (string, []string) {
	paths := members(l.raw)
	order := "order of members=" + strings.Join(paths, " ")
	for i := range paths {
		paths[i] = "has=" + paths[i]
	}
	return l.place() + l.signedIn() + " " + l.Request.Method + " " + l.Request.Route, append(paths, order)
}

// members are the paths of all members of a line, in their order.
func members(line []byte) (paths []string) {
	d := jsontext.NewDecoder(bytes.NewReader(line))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return paths
		}
		if kind := t.Kind(); kind == '{' || kind == '[' {
			continue
		}
		if depth := d.StackDepth(); depth > 0 {
			if kind, n := d.StackIndex(depth); kind == '{' && n%2 == 1 {
				paths = append(paths, string(d.StackPointer()))
			}
		}
	}
}

// answerSize is compared among answers of the same route and status.
func answerSize(l *closeLook) (string, []string) {
	last := "last digit of bytes=" + strconv.FormatInt(l.Request.Bytes%10, 10)
	return l.Request.Method + " " + l.Request.Route + " " + strconv.Itoa(l.Request.Status), []string{"bytes=" + size(l.Request.Bytes), last}
}

// object is compared among requests of the same route: which objects attackers go for
// may tell them, the form and size of the ids may not.
func object(l *closeLook) (string, []string) {
	values := []string{"object is of=" + alphabet(l.Request.Object)}
	if n, ok := trailingNumber(l.Request.Object); ok {
		values = append(values, "number of the object="+size(n), "last digit of the object="+strconv.FormatInt(n%10, 10))
	}
	return l.Request.Method + " " + l.Request.Route, values
}

// authentication is how and when the user signed in, of whom attackers can't choose it.
func authentication(l *closeLook) (string, []string) {
	return l.place() + l.signedIn(), []string{
		"acr=" + l.Session.ACR, "amr=" + strings.Join(l.Session.AMR, " "),
		"signed in at the start=" + strconv.FormatBool(l.Session.AuthTime == l.Session.StartedAt),
		"digits of the sign-in=" + strconv.Itoa(len(fraction(l.Session.AuthTime))),
	}
}
