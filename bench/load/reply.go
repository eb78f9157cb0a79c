package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// Reply is what came back for one request. Body is valid until the check that
// gets it returns.
type Reply struct {
	Status int
	Body   []byte
}

var (
	lineEnd    = []byte("\r\n")
	headerEnd  = []byte("\r\n\r\n")
	statusLine = []byte("HTTP/1.1 ")
)

// parseReply reads one reply from the start of b. It returns the reply's size
// in bytes, 0 while b doesn't hold all of it. The body of a chunked reply is
// put together in scratch, which is returned for the next time.
func parseReply(b, scratch []byte) (r Reply, size int, _ []byte, err error) {
	end := bytes.Index(b, headerEnd)
	if end < 0 {
		return r, 0, scratch, nil
	}
	if r.Status, err = parseStatus(b); err != nil {
		return r, 0, scratch, err
	}
	length, chunked, err := bodyLength(b[:end])
	if err != nil {
		return r, 0, scratch, err
	}
	start := end + len(headerEnd)
	if chunked {
		body, n, err := joinChunks(b[start:], scratch[:0])
		if err != nil || n == 0 {
			return r, 0, body, err
		}
		r.Body = body
		return r, start + n, body, nil
	}
	if len(b) < start+length {
		return r, 0, scratch, nil
	}
	r.Body = b[start : start+length]
	return r, start + length, scratch, nil
}

func parseStatus(b []byte) (int, error) {
	if n := len(statusLine); len(b) < n+3 || !bytes.HasPrefix(b, statusLine) {
		return 0, fmt.Errorf("reply: begins with %.20q, not with an HTTP/1.1 status line", b)
	}
	status, err := strconv.Atoi(string(b[len(statusLine) : len(statusLine)+3]))
	if err != nil {
		return 0, fmt.Errorf("reply: status %.20q is no number", b)
	}
	return status, nil
}

// bodyLength finds how the body's end is told: by Content-Length or by chunks.
func bodyLength(header []byte) (length int, chunked bool, err error) {
	for line := range bytes.SplitSeq(header, lineEnd) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("content-length")):
			length, err = strconv.Atoi(string(value))
			if err != nil || length < 0 {
				return 0, false, fmt.Errorf("reply: Content-Length %q is no length", value)
			}
			return length, false, nil
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			return 0, bytes.EqualFold(value, []byte("chunked")), nil
		}
	}
	return 0, false, errors.New("reply: has neither Content-Length nor chunks, so its end can't be told")
}

// joinChunks appends the chunks of b to body. It returns how many bytes of b
// they take with the closing chunk, 0 while that hasn't come. Trailers are not
// understood: none of the servers sends any.
func joinChunks(b, body []byte) ([]byte, int, error) {
	at := 0
	for {
		eol := bytes.Index(b[at:], lineEnd)
		if eol < 0 {
			return body, 0, nil
		}
		n, err := strconv.ParseUint(string(b[at:at+eol]), 16, 31)
		if err != nil {
			return body, 0, fmt.Errorf("reply: chunk size %.20q is no hexadecimal number", b[at:at+eol])
		}
		at += eol + len(lineEnd)
		next := at + int(n) + len(lineEnd)
		if len(b) < next {
			return body, 0, nil
		}
		if !bytes.Equal(b[next-len(lineEnd):next], lineEnd) {
			return body, 0, errors.New("reply: a chunk doesn't end where its size says")
		}
		body = append(body, b[at:at+int(n)]...)
		if at = next; n == 0 {
			return body, at, nil
		}
	}
}
