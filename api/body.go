package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
)

// Limits of what callers may send.
const (
	MaxEvent     = 64 << 10 // bytes of one event or any other document
	MaxBatchBody = 1 << 20  // bytes of an array of events
	MaxBatch     = 1000     // events of an array
	MaxDepth     = 16       // of nested objects and arrays
)

// buffer is a reusable byte slice, for bodies and answers.
type buffer struct{ b []byte }

// keptBuffer is the largest buffer that goes back into the pool: one batch must
// not leave a megabyte behind for every connection.
const keptBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4096)} }}

func newBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) free() {
	if cap(b.b) <= keptBuffer {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// readBody reads a JSON body of at most limit bytes into a buffer, which the
// caller frees once nothing looks at it any more. The problem is nil if all is
// well.
func readBody(r *http.Request, limit int) (*buffer, *problem) {
	if p := checkType(r.Header); p != nil {
		return nil, p
	}
	if r.ContentLength > int64(limit) {
		return nil, tooLong(limit)
	}
	b := newBuffer()
	err := b.fill(r.Body, limit+1)
	var p *problem
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = &problem{Type: problemTypes + "timeout", Title: "Timeout", Status: http.StatusRequestTimeout, Detail: "the body took too long to arrive"}
	case err != nil:
		p = invalid(http.StatusBadRequest, "the body ended early or was not sent as announced")
	case len(b.b) == 0:
		p = invalid(http.StatusBadRequest, "the body is empty: send a JSON document")
	case len(b.b) > limit:
		p = tooLong(limit)
	default:
		return b, nil
	}
	b.free()
	return nil, p
}

// readDocument reads a body that is one document into a wire struct. The problem
// is nil if all is well.
func readDocument(r *http.Request, into any) *problem {
	body, p := readBody(r, MaxEvent)
	if p != nil {
		return p
	}
	defer body.free()
	if err := decode(body.b, into); err != nil {
		return invalidDocument(http.StatusBadRequest, faultsOf(err))
	}
	return nil
}

func tooLong(limit int) *problem {
	return invalid(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", limit))
}

// fill reads to the end, or until there are limit bytes.
func (b *buffer) fill(r io.Reader, limit int) error {
	for len(b.b) < limit {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := r.Read(b.b[len(b.b):min(cap(b.b), limit)])
		b.b = b.b[:len(b.b)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkType refuses bodies that aren't plain JSON. Compressed ones are refused
// because a few bytes of them could stand for gigabytes.
func checkType(h http.Header) *problem {
	if e := h.Values("Content-Encoding"); len(e) > 1 || len(e) == 1 && !strings.EqualFold(e[0], "identity") {
		return invalid(http.StatusUnsupportedMediaType, "Content-Encoding: only identity is taken: send the body uncompressed")
	}
	values := h["Content-Type"]
	if len(values) == 1 && (values[0] == "application/json" || isJSON(values[0])) {
		return nil
	}
	return invalid(http.StatusUnsupportedMediaType, "Content-Type: must be application/json")
}

func isJSON(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return len(params) == 0 || len(params) == 1 && ok && strings.EqualFold(charset, "utf-8")
}
