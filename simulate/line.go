package simulate

import (
	"strconv"
	"time"
)

// page is what an actor's last line said of him, to be said again as long as it
// holds: it is the greater part of a line.
type page struct {
	look   look
	looks  []byte
	prefix prefix
	place  []byte
}

// writer turns events into lines.
type writer struct {
	*world
	day  int64
	date []byte
}

// line appends an event's line, with its newline.
func (w *writer) line(b []byte, e *event) []byte {
	if e.told != nil {
		return w.identity(b, e)
	}
	u, g := e.actor.user, &gravity[e.kind]
	b = append(b, `{"decision":{"id":"`...)
	b = eventID(b, e.number)
	b = append(b, `","time":"`...)
	b = w.time(b, e.at)
	b = append(b, '"')
	b = w.session(b, e)
	if e.signedIn {
		b = append(b, `,"user":{"id":"`...)
		b = userID(b, u.number)
		b = append(b, `","roles":[`...)
		b = append(u.roles(b), `]}`...)
	}
	b = e.actor.page.appearance(b, e)
	b = address(b, e.prefix, e.host)
	r := &routes[e.kind][e.route]
	b = append(b, `"},"request":{"method":"`...)
	b = append(append(b, r.method...), `","route":"`...)
	b = append(append(b, r.path...), `","class":"`...)
	b = append(append(b, g.class.String()...), '"')
	if c := collections[e.kind][e.route]; c != "" {
		b = append(append(b, `,"object":"`...), c...)
		b = append(strconv.AppendUint(b, uint64(e.object), 10), '"')
	}
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(e.status), 10)
	b = strconv.AppendInt(append(b, `,"bytes":`...), e.bytes, 10)
	b = append(b, '}')
	if g.level > 0 {
		b = strconv.AppendInt(append(b, `,"privilege":{"level":`...), int64(g.level), 10)
		b = append(append(append(b, `,"action":"`...), r.action...), `"}`...)
	}
	b = w.placeOf(b, e)
	return append(b, "}}\n"...)
}

func (w *writer) session(b []byte, e *event) []byte {
	s := e.session
	b = s.id(append(b, `,"session":{"id":"`...), e.rotation)
	if e.turn {
		b = s.id(append(b, `","previous_id":"`...), e.before)
	}
	b = w.time(append(b, `","started_at":"`...), s.start)
	if !e.signedIn {
		return append(b, `"}`...)
	}
	how := &strengths[s.strength]
	b = w.time(append(b, `","auth_time":"`...), s.auth)
	b = append(append(b, `","acr":"`...), how.acr...)
	b = append(append(b, `","amr":`...), how.amr...)
	return append(b, '}')
}

func (u *user) roles(b []byte) []byte {
	b = append(b, `"user"`...)
	if u.support {
		b = append(b, `,"support"`...)
	}
	if u.admin {
		b = append(b, `,"admin"`...)
	}
	return b
}

// appearance appends device and client, up to the address.
func (p *page) appearance(b []byte, e *event) []byte {
	if p.looks == nil || p.look != e.look {
		p.look, p.looks = e.look, e.look.append(p.looks[:0])
	}
	return append(b, p.looks...)
}

func (l *look) append(b []byte) []byte {
	a := &agents[l.agent]
	b = append(b, `,"device":{`...)
	if l.id != 0 {
		b = append(b, `"id":"d`...)
		b = append(strconv.AppendUint(b, l.id, 36), `",`...)
	}
	b = append(b, `"fingerprint":"f`...)
	b = strconv.AppendUint(b, l.fingerprint(), 36)
	gpus := processors[a.platform]
	for _, pair := range [...][2]string{
		{"screen", screens[a.phone][int(l.screen)%len(screens[a.phone])]},
		{"timezone", countries[l.zone].zone},
		{"language", countries[l.language].language[:5]},
		{"gpu", gpus[int(l.gpu)%len(gpus)]},
		{"fonts", strconv.FormatUint(hash(uint64(l.fonts))>>28, 36)},
		{"platform", a.platform},
	} {
		if pair[0] == "screen" {
			b = append(b, `","attributes":{`...)
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, pair[0])
		b = strconv.AppendQuote(append(b, ':'), pair[1])
	}
	b = strconv.AppendQuote(append(b, `}},"client":{"user_agent":`...), a.at(int(l.releases)))
	b = append(append(b, `,"ja4":"`...), ja4s[l.tls][l.form]...)
	b = append(append(b, `","language":"`...), countries[l.language].language...)
	return append(b, `","ip":"`...)
}

func address(b []byte, p prefix, host byte) []byte {
	for shift := 16; shift >= 0; shift -= 8 {
		b = append(strconv.AppendUint(b, uint64(p>>shift&0xff), 10), '.')
	}
	return strconv.AppendUint(b, uint64(host), 10)
}

func (w *writer) placeOf(b []byte, e *event) []byte {
	page := &e.actor.page
	if page.place == nil || page.prefix != e.prefix {
		page.prefix, page.place = e.prefix, w.appendPlace(page.place[:0], e.prefix)
	}
	return append(b, page.place...)
}

func (w *writer) appendPlace(b []byte, at prefix) []byte {
	p := w.place(at)
	b = append(append(b, `,"place":{"country":"`...), p.Country...)
	if p.Located {
		b = append(append(b, `","city":"`...), p.City...)
		b = strconv.AppendFloat(append(b, `","lat":`...), p.Lat, 'f', 3, 64)
		b = strconv.AppendFloat(append(b, `,"lon":`...), p.Lon, 'f', 3, 64)
		b = strconv.AppendFloat(append(b, `,"radius_km":`...), p.RadiusKM, 'f', -1, 64)
		b = append(b, `,"asn":`...)
	} else {
		b = append(b, `","asn":`...)
	}
	b = strconv.AppendUint(b, uint64(p.ASN), 10)
	b = append(append(b, `,"org":"`...), p.Org...)
	b = append(append(b, `","network":"`...), p.Network.String()...)
	return append(b, `"}`...)
}

func (w *writer) identity(b []byte, e *event) []byte {
	b = append(b, `{"identity":{"id":"i`...)
	b = strconv.AppendUint(b, e.number, 10)
	b = w.time(append(b, `","time":"`...), e.at)
	b = append(append(b, `","type":"`...), e.what...)
	b = userID(append(b, `","user":"`...), e.told.number)
	return append(b, `","actor":"idp"}}`+"\n"...)
}

// time appends a time as RFC 3339 has it, to the millisecond.
func (w *writer) time(b []byte, at int64) []byte {
	if d := at / day; d != w.day || w.date == nil {
		w.day, w.date = d, time.UnixMilli(at).UTC().AppendFormat(w.date[:0], "2006-01-02T")
	}
	b = append(b, w.date...)
	rest := at % day
	b = append(digits(b, rest/hour, 10), ':')
	b = append(digits(b, rest/minute%60, 10), ':')
	b = append(digits(b, rest/second%60, 10), '.')
	return append(digits(b, rest%second, 100), 'Z')
}

// digits appends a number with leading zeros, from the digit of that value on.
func digits(b []byte, n, value int64) []byte {
	for ; value > 0; value /= 10 {
		b = append(b, byte('0'+n/value%10))
	}
	return b
}

func eventID(b []byte, number uint64) []byte { return strconv.AppendUint(append(b, 'e'), number, 10) }

func userID(b []byte, number int) []byte {
	return digits(append(b, 'u'), int64(number), 100_000)
}
