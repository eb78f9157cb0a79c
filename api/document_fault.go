package api

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

// documentFault says in terms of the wire what the JSON library has against a
// document of a type. It quotes no value, because any of them might be a session
// id.
func documentFault(err error, body []byte, document reflect.Type, depth int) *riskd.FieldError {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	var pointer jsontext.Pointer
	f := &riskd.FieldError{Path: documentPath, Detail: "is not one JSON document"}
	switch {
	case errors.As(err, &semantic):
		pointer, f.Detail = semantic.JSONPointer, expected(semantic.GoType)
	case errors.As(err, &syntactic):
		pointer, f.Detail = syntactic.JSONPointer, syntaxDetail(syntactic, body)
	}
	path, whole := dotted(pointer, document)
	f.Path = path
	switch {
	case deeperThan(body, depth):
		f.Detail = fmt.Sprintf("is nested more than %d deep", depth)
	case semantic != nil && errors.Is(semantic.Err, json.ErrUnknownName):
		f.Path, f.Detail = unknownMember(path, pointer.LastToken(), semantic.GoType)
	case !whole:
		f.Detail = "has a member that " + f.Detail
	}
	return f
}

func syntaxDetail(e *jsontext.SyntacticError, body []byte) string {
	switch {
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		return "is given twice"
	case errors.Is(e.Err, io.ErrUnexpectedEOF), errors.Is(e.Err, io.EOF):
		return "ends in the middle"
	case !utf8.Valid(body):
		return "is not valid UTF-8"
	case e.ByteOffset <= int64(len(body)) && jsontext.Value(body[:e.ByteOffset]).IsValid():
		return fmt.Sprintf("is over at byte %d, but the body goes on: send one document", e.ByteOffset)
	}
	return fmt.Sprintf("is not JSON at byte %d", e.ByteOffset+1)
}

// unknownMember names a member that isn't known and the one that was probably
// meant. Where a session id may have got into its place, the name itself isn't
// told.
func unknownMember(parent, name string, t reflect.Type) (path, detail string) {
	known := memberNames(t)
	cure := "known here are " + strings.Join(known, ", ")
	if n := riskd.Nearest(name, known); n != "" {
		cure = fmt.Sprintf("did you mean %s?", n)
	}
	top, _, _ := strings.Cut(parent, ".")
	switch {
	case !plain(name) || top == "session" || top == "target":
		return parent, "has a member that is not known; " + cure
	case parent == documentPath:
		return name, "is not known; " + cure
	}
	return parent + "." + name, "is not known; " + cure
}

// dotted writes a pointer as a path, session.amr[1], as far as the type knows
// it. Whole says that nothing was left out.
func dotted(p jsontext.Pointer, t reflect.Type) (path string, whole bool) {
	for token := range p.Tokens() {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Slice:
			path += "[" + token + "]"
			t = t.Elem()
			continue
		case reflect.Struct:
			f, ok := member(t, token)
			if !ok {
				return cmp.Or(path, documentPath), false
			}
			if path != "" {
				path += "."
			}
			path += token
			t = f
			continue
		}
		return cmp.Or(path, documentPath), false
	}
	return cmp.Or(path, documentPath), true
}

// plain reports whether a name that isn't known may be shown as a part of a path:
// a slip of a programmer's, and nothing that callers have put there by mistake.
// No 128 random bits are shorter than 22 characters in any alphabet that has no
// odd ones, and an address has its @.
func plain(name string) bool {
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-'
	}
	return name != "" && len(name) <= 20 && !strings.ContainsFunc(name, odd)
}

var timeType = reflect.TypeFor[time.Time]()

// expected says what a member of the type has to be.
func expected(t reflect.Type) string {
	if t == nil {
		return "has the wrong type"
	}
	if t == timeType {
		return `must be an RFC 3339 time such as "2026-11-21T10:00:00Z"`
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Slice:
		return "must be an array of strings"
	case reflect.Struct:
		return "must be an object"
	case reflect.Map:
		return "must be an object whose values are strings"
	case reflect.Float64:
		return "must be a number that a double can hold"
	default:
		return "must be a whole number, and not a huge one"
	}
}

// members gives the members of a wire struct, by name and type.
func members(t reflect.Type, yield func(name string, t reflect.Type)) {
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			members(f.Type, yield)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		yield(name, f.Type)
	}
}

func memberNames(t reflect.Type) (names []string) {
	members(t, func(name string, _ reflect.Type) { names = append(names, name) })
	return names
}

func member(t reflect.Type, name string) (found reflect.Type, ok bool) {
	members(t, func(n string, t reflect.Type) {
		if n == name {
			found, ok = t, true
		}
	})
	return found, ok
}

// deeperThan reports whether objects and arrays are nested deeper than a limit.
// No document that a wire struct takes is; this is for saying why one isn't.
func deeperThan(body []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
