package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
)

// batchTime is how long the events of an array may be evaluated for, all together;
// whoever decides answers the rest without. A gateway waits for all of them.
const batchTime = 2 * time.Second

// batch answers POST /v1/decisions/batch: one answer for each event, in order,
// a decision or {"error":{…}}.
func (a *API) batch(w http.ResponseWriter, r *http.Request) int {
	body, p := readBody(r, MaxBatchBody)
	if p != nil {
		return writeProblem(w, p)
	}
	defer body.free()
	values, p := splitArray(body.b)
	if p != nil {
		return writeProblem(w, p)
	}
	ctx, cancel := context.WithTimeout(r.Context(), batchTime)
	defer cancel()
	out := newBuffer()
	defer out.free()
	out.b = append(out.b, '[')
	for i, value := range values {
		if i > 0 {
			out.b = append(out.b, ',')
		}
		d, p := a.decideOne(ctx, "batch", value, fmt.Sprintf("[%d]", i))
		if p != nil {
			out.b = appendError(out.b, p)
			continue
		}
		out.b = AppendDecision(out.b, &d)
	}
	out.b = append(out.b, ']')
	return write(w, http.StatusOK, jsonType, out.b)
}

func appendError(b []byte, p *problem) []byte {
	return append(append(append(b, `{"error":`...), marshal(p)...), '}')
}

// told is the answer to telemetry.
type told struct {
	Accepted int            `json:"accepted"`
	Errors   []problemError `json:"errors"`
}

// telemetry answers POST /v1/telemetry: events whose decision nobody waits for,
// one or an array of them. They count for their sessions as any others do. A bad
// event keeps no other from being taken; only if none was good is the answer a
// problem.
func (a *API) telemetry(w http.ResponseWriter, r *http.Request) int {
	body, p := readBody(r, MaxBatchBody)
	if p != nil {
		return writeProblem(w, p)
	}
	defer body.free()
	if firstByte(body.b) != '[' {
		if p := a.tell(r.Context(), body.b, ""); p != nil {
			return writeProblem(w, p)
		}
		return writeJSON(w, http.StatusAccepted, told{Accepted: 1})
	}
	values, p := splitArray(body.b)
	if p != nil {
		return writeProblem(w, p)
	}
	var answer told
	var worst *problem
	for i, value := range values {
		p := a.tell(r.Context(), value, fmt.Sprintf("[%d]", i))
		if p == nil {
			answer.Accepted++
			continue
		}
		answer.Errors = append(answer.Errors, p.Errors...)
		if worst == nil || p.Status > worst.Status {
			worst = p
		}
	}
	if answer.Accepted == 0 && worst != nil {
		worst.Errors = answer.Errors
		return writeProblem(w, worst)
	}
	return writeJSON(w, http.StatusAccepted, answer)
}

// overloaded is the engine's code of an event that there was no room to evaluate.
const overloaded = "overloaded"

// tell takes one event of telemetry. One that wasn't evaluated for lack of room has
// told riskd nothing, and is no more accepted than a bad one.
func (a *API) tell(ctx context.Context, value []byte, at string) *problem {
	d, p := a.decideOne(ctx, "telemetry", value, at)
	if p == nil && d.Source == riskd.SourceFallback && slices.Contains(d.Degraded, overloaded) {
		const detail = "was not evaluated: there is too much to do; send it again later"
		p = &problem{Type: problemTypes + overloaded, Title: "Overloaded", Status: http.StatusServiceUnavailable, Detail: "the event " + detail}
		p.Errors = problemErrors(inArray(at, &riskd.FieldError{Path: documentPath, Detail: detail}))
	}
	return p
}

// firstByte gives the first byte that isn't white space.
func firstByte(body []byte) byte {
	if body = bytes.TrimLeft(body, jsonSpace); len(body) == 0 {
		return 0
	}
	return body[0]
}

const jsonSpace = " \t\r\n"

// decideOne answers one event of several; at is its place among them. If it
// makes the engine panic, the others still get their answers.
func (a *API) decideOne(ctx context.Context, surface string, value []byte, at string) (d riskd.Decision, p *problem) {
	defer func() {
		if v := recover(); v != nil {
			a.Panicked(surface, v, debug.Stack())
			p = blank(http.StatusInternalServerError, failedDetail)
			p.Errors = problemErrors(inArray(at, &riskd.FieldError{Path: documentPath, Detail: failedDetail}))
		}
	}()
	e, err := a.event(ctx, value)
	if err == nil {
		d, err = a.decide(ctx, e)
	}
	if err != nil {
		p = refusedAt(at, err)
	}
	return d, p
}

// splitArray finds the values of a JSON array, as parts of body. It looks only
// at where they begin and end, so that what is wrong with one doesn't harm the
// others, and stops at the first one past MaxBatch.
func splitArray(body []byte) ([][]byte, *problem) {
	// The values are decoded strictly one by one afterwards.
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if start, err := d.ReadToken(); err != nil || start.Kind() != '[' {
		return nil, arrayProblem(&riskd.FieldError{Path: documentPath, Detail: "must be an array of events"})
	}
	var values [][]byte
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, arrayProblem(documentFault(err, body, arrayType, MaxDepth+1))
		}
		if len(values) == MaxBatch {
			p := arrayProblem(&riskd.FieldError{Path: fmt.Sprintf("[%d]", MaxBatch), Detail: fmt.Sprintf("is one event too many: send at most %d at once", MaxBatch)})
			p.Status = http.StatusRequestEntityTooLarge
			return nil, p
		}
		end := d.InputOffset()
		values = append(values, body[end-int64(len(v)):end])
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, arrayProblem(documentFault(err, body, arrayType, MaxDepth+1))
	}
	if len(bytes.Trim(body[d.InputOffset():], jsonSpace)) > 0 {
		return nil, arrayProblem(&riskd.FieldError{Path: documentPath, Detail: "goes on after its end: send one array"})
	}
	return values, nil
}

var arrayType = reflect.TypeFor[[]wireEvent]()

func arrayProblem(f *riskd.FieldError) *problem {
	return invalidDocument(http.StatusBadRequest, []*riskd.FieldError{f})
}

// inArray puts an event's faults in their place in an array; at is "" for an
// event that stands alone.
func inArray(at string, err error) []*riskd.FieldError {
	faults := faultsOf(err)
	if at == "" {
		return faults
	}
	for i, f := range faults {
		path := at
		if f.Path != documentPath {
			path += "." + f.Path
		}
		faults[i] = &riskd.FieldError{Path: path, Detail: f.Detail}
	}
	return faults
}
