package api

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

// Limits of AuthZEN's documents, beside those of all bodies.
const (
	MaxEvaluations = 100 // of one request
	maxMembers     = 256 // of one object
)

// evaluations is a request to either of AuthZEN's evaluation endpoints.
type evaluations struct {
	evaluation // of the single request, or the defaults of the others
	items      []evaluation
	semantic   string
	faults     faultList // of the document as a whole
}

// evaluation is one question; what it leaves out is nil.
type evaluation struct {
	subject, action, resource, context *entity
	faults                             faultList // of an element that is no object at all
}

// entity is one of the four parts of a question. A context has properties only, an
// action's name is its id. A part that can't be used has faults.
type entity struct {
	kind, id   string
	properties []property
	faults     faultList
}

// property is a member of an entity's properties, or of a context: a scalar's text,
// a list of strings, or something that riskd has no use for.
type property struct {
	name string
	kind jsontext.Kind // '"', '0', 't', 'f', '[' for lists of strings, '{' for all else
	text string        // a string's, a number's as it was written
	list []string
}

func (p *property) equal(q *property) bool {
	return p.kind == q.kind && p.text == q.text && slices.Equal(p.list, q.list)
}

// authzenShape is what faults of AuthZEN's documents are told in terms of.
type authzenShape struct {
	Subject     entityShape         `json:"subject"`
	Action      actionShape         `json:"action"`
	Resource    entityShape         `json:"resource"`
	Context     map[string]struct{} `json:"context"`
	Evaluations []evaluationShape   `json:"evaluations"`
	Options     struct {
		Semantic string `json:"evaluations_semantic"`
	} `json:"options"`
}

type evaluationShape struct {
	Subject  entityShape         `json:"subject"`
	Action   actionShape         `json:"action"`
	Resource entityShape         `json:"resource"`
	Context  map[string]struct{} `json:"context"`
}

type entityShape struct {
	Type       string              `json:"type"`
	ID         string              `json:"id"`
	Properties map[string]struct{} `json:"properties"`
}

type actionShape struct {
	Name       string              `json:"name"`
	Properties map[string]struct{} `json:"properties"`
}

// readEvaluations reads a request in one pass. The error is of a body that is no
// JSON document, or one in which a name could be read in two ways; what is wrong with
// a part of the request stays with that part.
func readEvaluations(body []byte) (*evaluations, error) {
	if deeperThan(body, MaxDepth) {
		return nil, &riskd.FieldError{Path: documentPath, Detail: fmt.Sprintf("is nested more than %d deep", MaxDepth)}
	}
	r := &authzenReader{jsontext.NewDecoder(bytes.NewBuffer(body))}
	in := &evaluations{}
	err := r.document(in)
	if err == nil && len(bytes.Trim(body[r.InputOffset():], jsonSpace)) > 0 {
		return nil, &riskd.FieldError{Path: documentPath, Detail: "goes on after its end: send one document"}
	}
	if err != nil {
		return nil, documentFault(err, body, reflect.TypeFor[authzenShape](), MaxDepth)
	}
	if len(in.faults) > 0 {
		return nil, in.faults.err()
	}
	return in, nil
}

type authzenReader struct{ *jsontext.Decoder }

func (r *authzenReader) document(in *evaluations) error {
	known := []string{"subject", "action", "resource", "context", "evaluations", "options"}
	return r.object("", known, &in.faults, func(name string) error {
		switch name {
		case "evaluations":
			return r.items(in)
		case "options":
			return r.options(in)
		}
		return r.part(&in.evaluation, name)
	})
}

// part reads one of a question's members; others are none of riskd's business.
func (r *authzenReader) part(q *evaluation, name string) error {
	var to **entity
	switch name {
	case "subject":
		to = &q.subject
	case "action":
		to = &q.action
	case "resource":
		to = &q.resource
	case "context":
		to = &q.context
	default:
		return r.SkipValue()
	}
	if r.PeekKind() == 'n' {
		return r.SkipValue()
	}
	*to = &entity{}
	if name == "context" {
		return r.properties("context", *to)
	}
	return r.entity(name, *to)
}

func (r *authzenReader) entity(at string, e *entity) error {
	known, id := []string{"type", "id", "properties"}, "id"
	if at == "action" {
		known, id = []string{"name", "properties"}, "name"
	}
	err := r.object(at, known, &e.faults, func(name string) error {
		switch name {
		case "properties":
			return r.properties(at+".properties", e)
		case id:
			return r.word(at+"."+id, &e.id, &e.faults)
		case "type":
			if at != "action" {
				return r.word(at+".type", &e.kind, &e.faults)
			}
		}
		return r.SkipValue()
	})
	if err == nil && len(e.faults) == 0 {
		if e.kind == "" && at != "action" {
			e.faults.add(at+".type", "is required")
		}
		if e.id == "" {
			e.faults.add(at+"."+id, "is required")
		}
	}
	return err
}

func (r *authzenReader) properties(at string, e *entity) error {
	return r.object(at, nil, &e.faults, func(name string) error {
		p := property{name: name, kind: r.PeekKind()}
		var err error
		switch p.kind {
		case 'n':
			return r.SkipValue()
		case '"', '0', 't', 'f':
			var t jsontext.Token
			if t, err = r.ReadToken(); err == nil {
				p.text = t.String()
			}
		case '[':
			err = r.list(&p)
		default:
			p.kind = '{'
			err = r.SkipValue()
		}
		e.properties = append(e.properties, p)
		return err
	})
}

// list reads an array; one that holds anything but strings is of no use.
func (r *authzenReader) list(p *property) error {
	_, err := r.ReadToken()
	for err == nil && r.PeekKind() != ']' {
		if r.PeekKind() != '"' {
			p.kind = '{'
			if err = r.SkipValue(); err != nil {
				return err
			}
			continue
		}
		var t jsontext.Token
		if t, err = r.ReadToken(); err == nil {
			p.list = append(p.list, t.String())
		}
	}
	if err == nil {
		_, err = r.ReadToken()
	}
	return err
}

func (r *authzenReader) items(in *evaluations) error {
	const at = "evaluations"
	switch r.PeekKind() {
	case 'n':
		return r.SkipValue()
	case '[':
	default:
		in.faults.add(at, "must be an array of objects")
		return r.SkipValue()
	}
	_, err := r.ReadToken()
	for err == nil && r.PeekKind() != ']' {
		if len(in.items) == MaxEvaluations {
			in.faults.add(fmt.Sprintf("%s[%d]", at, MaxEvaluations), fmt.Sprintf("is one too many: send at most %d at once", MaxEvaluations))
			return r.skipRest()
		}
		var q evaluation
		err = r.object("", []string{"subject", "action", "resource", "context"}, &q.faults, func(name string) error { return r.part(&q, name) })
		in.items = append(in.items, q)
	}
	if err == nil {
		_, err = r.ReadToken()
	}
	return err
}

// skipRest reads on to the end of an array.
func (r *authzenReader) skipRest() error {
	for r.PeekKind() != ']' {
		if err := r.SkipValue(); err != nil {
			return err
		}
	}
	_, err := r.ReadToken()
	return err
}

func (r *authzenReader) options(in *evaluations) error {
	if r.PeekKind() == 'n' {
		return r.SkipValue()
	}
	return r.object("options", []string{"evaluations_semantic"}, &in.faults, func(name string) error {
		if name != "evaluations_semantic" {
			return r.SkipValue()
		}
		at := "options.evaluations_semantic"
		err := r.word(at, &in.semantic, &in.faults)
		switch in.semantic {
		case "", executeAll, denyOnFirstDeny, permitOnFirstPermit:
		default:
			in.faults.add(at, "must be "+executeAll+", "+denyOnFirstDeny+" or "+permitOnFirstPermit)
		}
		return err
	})
}

// word reads a string.
func (r *authzenReader) word(at string, to *string, faults *faultList) error {
	switch r.PeekKind() {
	case 'n':
		return r.SkipValue()
	case '"':
		t, err := r.ReadToken()
		if err == nil {
			*to = t.String()
		}
		return err
	}
	faults.add(at, "must be a string")
	return r.SkipValue()
}

// object reads an object, member by member: each has to read the value. Names that
// differ from a known one, or from another, by case alone are refused: two programs
// that read the same document must not see two different subjects.
func (r *authzenReader) object(at string, known []string, faults *faultList, each func(name string) error) error {
	path := at
	if path == "" {
		path = documentPath
	}
	if r.PeekKind() != '{' {
		faults.add(path, "must be an object")
		return r.SkipValue()
	}
	if _, err := r.ReadToken(); err != nil {
		return err
	}
	var room [16]string
	seen := room[:0]
	for r.PeekKind() != '}' {
		t, err := r.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		alike := func(other string) bool { return other != name && strings.EqualFold(other, name) }
		switch {
		case len(seen) == maxMembers:
			faults.add(path, fmt.Sprintf("has more than %d members", maxMembers))
		case slices.ContainsFunc(known, alike), slices.ContainsFunc(seen, alike):
			faults.add(path, "has a member that differs from another only by case")
		}
		if len(seen) < maxMembers {
			seen = append(seen, name)
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := r.ReadToken()
	return err
}
