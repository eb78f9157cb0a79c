package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// streams answers with the stream's text, which then breaks off.
type streams func() string

func (s streams) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(s())),
	}, nil
}

// Who follows comes back soon to a stream that was well, whatever there was to tell,
// and ever later to one that wasn't.
func TestBackOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		min, max time.Duration // that 20 streams take
	}{
		"was well": {"id: first-0\nevent: current\ndata: {\"epoch\":0}\n\n", 0, 20 * firstBackOff * 3 / 2},
		"was not":  {"", 14 * lastBackOff / 2, 20 * lastBackOff * 3 / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := New(Options{URL: "http://riskd.example", NoLeases: true})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				begun, began := 0, time.Now()
				client.streams.Transport = streams(func() string {
					if begun++; begun > 20 {
						cancel()
					}
					return c.text
				})
				client.follow(ctx)
				if took := time.Since(began); took < c.min || took > c.max {
					t.Errorf("20 streams took %s, want %s to %s", took, c.min, c.max)
				}
			})
		})
	}
}
