package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

// problem is an answer to a request that couldn't be served (RFC 9457).
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitzero"`
	Errors []problemError `json:"errors,omitempty"`
	// Applied and Durable are there where something was done that may not last.
	Applied *bool `json:"applied,omitzero"`
	Durable *bool `json:"durable,omitzero"`
	// Matched and Share are there where too many would be met.
	Matched *int     `json:"matched,omitzero"`
	Share   *float64 `json:"share,omitzero"`
	// StepUp is what a proof has to be.
	StepUp *stepUpJSON `json:"step_up,omitzero"`
}

// problemError is one fault of the request's document. Its detail begins with
// the dotted path of the field that its pointer (RFC 6901) points to.
type problemError struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitzero"`
}

// problemTypes is where the types of problem are explained.
const problemTypes = "https://riskd.dev/problems/"

// invalid is the problem of a request that can't be understood.
func invalid(status int, detail string) *problem {
	return &problem{Type: problemTypes + "invalid-request", Title: "Invalid request", Status: status, Detail: detail}
}

// invalidDocument is the problem of a body with faults, all of which it lists.
func invalidDocument(status int, faults []*riskd.FieldError) *problem {
	p := invalid(status, faults[0].Error())
	if more := len(faults) - 1; more > 0 {
		p.Detail += fmt.Sprintf(" (and %d more, see errors)", more)
	}
	p.Errors = problemErrors(faults)
	return p
}

func problemErrors(faults []*riskd.FieldError) []problemError {
	out := make([]problemError, len(faults))
	for i, f := range faults {
		out[i] = problemError{Detail: f.Error(), Pointer: pointerOf(f.Path)}
	}
	return out
}

// refused is the problem of a document with faults, or of one whose tenant isn't the
// caller's.
func refused(err error) *problem { return refusedAt("", err) }

// refusedAt is refused for one document of several.
func refusedAt(at string, err error) *problem {
	p := invalidDocument(http.StatusBadRequest, inArray(at, err))
	if errors.Is(err, errForeignTenant) {
		f := forbidden("")
		p.Type, p.Title, p.Status = f.Type, f.Title, f.Status
	}
	return p
}

func forbidden(detail string) *problem {
	return &problem{Type: problemTypes + "forbidden", Title: "Forbidden", Status: http.StatusForbidden, Detail: detail}
}

// blank is a problem that its status alone explains.
func blank(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// documentPath stands in a FieldError for the document as a whole.
const documentPath = "document"

// pointerOf turns a dotted path such as [3].user.roles[1] into the JSON pointer
// of the same place, as a URI fragment. Paths hold only names of members that
// events have, and plain ones that they don't: nothing to escape.
func pointerOf(path string) string {
	if path == documentPath {
		return "#"
	}
	path = strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(path)
	return "#/" + strings.TrimPrefix(path, "/")
}

// faultsOf takes a joined error apart.
func faultsOf(err error) []*riskd.FieldError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*riskd.FieldError
		for _, e := range joined.Unwrap() {
			out = append(out, faultsOf(e)...)
		}
		return out
	}
	var f *riskd.FieldError
	if errors.As(err, &f) {
		return []*riskd.FieldError{f}
	}
	return []*riskd.FieldError{{Path: documentPath, Detail: "can't be read"}}
}

// repeatIt is the cure of what was done but may not last, where doing it again
// tries again to make it last.
const repeatIt = "repeat the request until it is answered 200"

// fail answers for a part that couldn't do what it was asked. What it did, but
// can't promise to keep, is never a success; cure says what to do about it then.
func (a *API) fail(w http.ResponseWriter, err error, cure string) int {
	var f *riskd.FieldError
	if errors.As(err, &f) {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	a.Failed("admin", err)
	if !errors.Is(err, riskd.ErrNotDurable) {
		return failProblem(w)
	}
	yes, no := true, false
	return writeProblem(w, &problem{
		Type: problemTypes + "not-durable", Title: "Not durable", Status: http.StatusServiceUnavailable,
		Detail:  "it is in force, but not on disk, and would be lost with the process: " + cure,
		Applied: &yes, Durable: &no,
	})
}

func writeProblem(w http.ResponseWriter, p *problem) int {
	return write(w, p.Status, problemType, marshal(p))
}

// Header values that every answer shares; net/http only reads them.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
)

func write(w http.ResponseWriter, status int, contentType []string, body []byte) int {
	h := w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may be gone; there is nobody left to tell
	return status
}

// writeJSON answers with a document that isn't on the hot path.
func writeJSON(w http.ResponseWriter, status int, v any) int {
	return write(w, status, jsonType, marshal(v))
}

// marshal encodes a document of this package; none of them holds anything that
// JSON has no way to write.
func marshal(v any) []byte {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err)
	}
	return b
}
