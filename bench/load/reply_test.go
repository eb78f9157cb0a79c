package load

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

var wholeReplies = map[string]string{
	"length":             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"a\": true}",
	"length, lower case": "HTTP/1.1 404 Not Found\r\ncontent-length:2\r\n\r\n{}",
	"empty":              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"chunks":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
	"line ends in body":  "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
}

// net/http reads the same replies: what it finds is right.
func TestParseReplyAgreesWithNetHTTP(t *testing.T) {
	t.Parallel()
	for name, text := range wholeReplies {
		t.Run(name, func(t *testing.T) {
			want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Body.Close()
			body, err := io.ReadAll(want.Body)
			if err != nil {
				t.Fatal(err)
			}
			got, size, _, err := parseReply([]byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != want.StatusCode || string(got.Body) != string(body) || size != len(text) {
				t.Errorf("got %d %q, %d bytes; want %d %q, %d bytes", got.Status, got.Body, size, want.StatusCode, body, len(text))
			}
		})
	}
}

func TestParseReplyWaitsForTheWholeOfIt(t *testing.T) {
	t.Parallel()
	for name, text := range wholeReplies {
		t.Run(name, func(t *testing.T) {
			for n := range len(text) {
				if _, size, _, err := parseReply([]byte(text[:n]), nil); size != 0 || err != nil {
					t.Fatalf("%d of %d bytes: size %d, error %v; want neither", n, len(text), size, err)
				}
			}
		})
	}
}

func TestParseReplyRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another protocol": "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no status":        "HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
		"no end":           "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx",
		"negative length":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"chunk too long":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
		"chunk size":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if r, size, _, err := parseReply([]byte(text), nil); err == nil {
				t.Errorf("took it: %d %q, %d bytes", r.Status, r.Body, size)
			}
		})
	}
}
