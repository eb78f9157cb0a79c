package rba

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// Trace tells a file as a trace: each row becomes one line, and stands in the line in
// which it stands in the file. seen, if given, gets each row before it is told.
//
// A login is a session of its own. A successful one asks for a decision; one that
// failed is only told, with status 401 and nobody signed in. Its id, and that of its
// session, is [EventID].
func Trace(r *Reader, seen func(*Row)) io.Reader {
	t := &trace{reader: r, seen: seen}
	t.encoder = json.NewEncoder(&t.buffer)
	t.encoder.SetEscapeHTML(false)
	return t
}

type trace struct {
	reader  *Reader
	seen    func(*Row)
	buffer  bytes.Buffer
	encoder *json.Encoder
	lines   int // that were told
	err     error
}

func (t *trace) Read(p []byte) (int, error) {
	for t.buffer.Len() == 0 && t.err == nil {
		t.err = t.fill()
	}
	if t.buffer.Len() == 0 {
		return 0, t.err
	}
	return t.buffer.Read(p)
}

// fill tells the next row.
func (t *trace) fill() error {
	row, err := t.reader.Next()
	if err != nil {
		if fault := (*Fault)(nil); errors.As(err, &fault) {
			t.pad(fault.Line) // so that whoever reads counts as the file does
		}
		return err
	}
	t.pad(row.Line)
	t.lines++
	if t.seen != nil {
		t.seen(row)
	}
	return t.encoder.Encode(lineOf(row))
}

// pad puts in an empty line for the header, and for each line that a quoted field went
// over.
func (t *trace) pad(line int) {
	for ; t.lines < line-1; t.lines++ {
		t.buffer.WriteByte('\n')
	}
}

// EventID is the id of a row's event.
func EventID(r *Row) string { return "rba-" + strconv.FormatInt(r.Index, 10) }

// UserID is the id of a row's user.
func UserID(r *Row) string { return strconv.FormatInt(r.User, 10) }

// line is a line of a trace. Members are as the API takes them.
type line struct {
	Decision  *event `json:"decision,omitempty"`
	Telemetry *event `json:"telemetry,omitempty"`
}

type event struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Session session   `json:"session"`
	User    user      `json:"user,omitzero"`
	Client  client    `json:"client"`
	Request request   `json:"request"`
	Place   place     `json:"place,omitzero"`
}

type session struct {
	ID        string    `json:"id"`
	StartedAt time.Time `json:"started_at,omitzero"`
	AuthTime  time.Time `json:"auth_time,omitzero"`
}

type user struct {
	ID string `json:"id"`
}

type client struct {
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent,omitempty"`
}

type request struct {
	Method string `json:"method"`
	Route  string `json:"route"`
	Class  string `json:"class"`
	Status int    `json:"status"`
}

type place struct {
	Country string `json:"country,omitempty"`
	ASN     uint32 `json:"asn,omitempty"`
}

func lineOf(r *Row) line {
	e := &event{
		ID: EventID(r), Time: r.Time,
		Session: session{ID: EventID(r), StartedAt: r.Time},
		Client:  client{r.Address.String(), r.UserAgent},
		Request: request{"POST", "/login", "standard", 401},
		// The city was drawn from the address, and the country wasn't: it says nothing.
		Place: place{r.Country, r.ASN},
	}
	if !r.Successful {
		return line{Telemetry: e}
	}
	e.Session.AuthTime, e.User.ID, e.Request.Status = r.Time, UserID(r), 200
	return line{Decision: e}
}
