// Package client asks riskd about requests, from Go programs.
//
// A [Client] holds leases: while riskd's last answer for a session is still good it
// lets the like of the request pass without asking, follows the stream that ends
// leases early, and tells riskd afterwards of what it has let pass. Where riskd
// doesn't answer in time, the class of the request decides, and what is known of
// the session: nothing that is known to be revoked passes. docs/leases.md tells it
// in full.
//
// It judges nothing, and needs nothing but the standard library.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// What a Client does when its Options don't say.
const (
	DefaultDeadline     = 50 * time.Millisecond
	DefaultMaxStaleness = 5 * time.Second
	DefaultMaxSessions  = 1 << 16
	DefaultMaxReports   = 4096
	DefaultReportEvery  = time.Second
	DefaultLastFor      = time.Minute
)

// Options are those of a Client; zero means the default.
type Options struct {
	// URL is where riskd's gateway listener is: http://127.0.0.1:8181, an https one,
	// or unix:///run/riskd.sock. Required.
	URL string
	// TLS is how an https URL is spoken to. Optional.
	TLS *tls.Config
	// Token gives the bearer token; it is asked for each request, so that one may
	// take the place of another. Optional.
	Token func() string
	// Gateway is the name under which this process tells riskd what it has applied,
	// 1 to 64 letters, digits, dots, hyphens or underscores. Without it, it doesn't.
	Gateway string
	// Deadline bounds the time that asking riskd may take.
	Deadline time.Duration
	// NoLeases has every request asked about.
	NoLeases bool
	// MaxStaleness is how long leases go on being good without a word from the
	// stream. At least 2 s: riskd speaks every second.
	MaxStaleness time.Duration
	// MaxSessions is how many sessions are remembered, some 2 KB each.
	MaxSessions int
	// MaxReports is how many requests under leases may wait to be told of; where it
	// is reached, leases aren't used. ReportEvery is how often they're told.
	MaxReports  int
	ReportEvery time.Duration
	// OnFailure is what requests of standard class get when riskd doesn't answer.
	// Those of open class pass; sensitive and admin ones need a step-up.
	// [riskd.FailLast] is what riskd has allowed of the like within LastFor.
	OnFailure riskd.Failure
	LastFor   time.Duration
	// Event reads what [Client.Middleware] asks about, and says which of its errors
	// are [ErrNoSession]. Required there.
	Event func(*http.Request) (Event, error)
	// Refuse answers for requests that Middleware doesn't let pass. Optional: without
	// it they're answered as riskd's forward-auth would.
	Refuse func(http.ResponseWriter, *http.Request, Decision)
	// Log is told of what goes wrong while nobody waits, by what was being done:
	// "stream", "ack" or "telemetry". Optional.
	Log func(doing string, err error)

	now func() time.Time
}

// Client asks riskd. It is safe for concurrent use.
type Client struct {
	o       Options
	base    string
	asks    *http.Client
	streams *http.Client
	cache   *cache
	notices *notices
	told    *telemetry

	heard    atomic.Pointer[moment] // when everything up to then was applied
	synced   atomic.Bool            // the stream is there, and up to date
	instance atomic.Pointer[string] // of the numbers
	acking   chan struct{}
	position string // in the stream; only the follower looks at it

	leased, asked, failed, overdue, begun, beats atomic.Uint64

	end  context.CancelFunc
	done sync.WaitGroup
}

// New makes a Client, which has to be closed. riskd needn't be there yet.
func New(o Options) (*Client, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Client{o: o, notices: newNotices(), cache: newCache(o.MaxSessions), told: newTelemetry(o.MaxReports), acking: make(chan struct{}, 1)}
	var err error
	if c.base, c.asks, err = transport(&o); err != nil {
		return nil, err
	}
	_, c.streams, _ = transport(&o)
	ctx, end := context.WithCancel(context.Background())
	c.end = end
	if !o.NoLeases {
		c.done.Go(func() { c.follow(ctx) })
		c.done.Go(func() { c.report(ctx) })
		if o.Gateway != "" {
			c.done.Go(func() { c.ack(ctx) })
		}
	}
	return c, nil
}

// complete sets what isn't set, and reports what can't be.
func (o *Options) complete() error {
	for name, d := range map[string]struct {
		value *time.Duration
		usual time.Duration
	}{
		"Deadline": {&o.Deadline, DefaultDeadline}, "MaxStaleness": {&o.MaxStaleness, DefaultMaxStaleness},
		"ReportEvery": {&o.ReportEvery, DefaultReportEvery}, "LastFor": {&o.LastFor, DefaultLastFor},
	} {
		if *d.value < 0 {
			return fmt.Errorf("client.Options.%s: must not be negative; 0 is %s", name, d.usual)
		}
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	switch {
	case o.MaxStaleness < 2*time.Second:
		return errors.New("client.Options.MaxStaleness: must be 2s or more: riskd speaks every second")
	case o.MaxSessions < 0 || o.MaxReports < 0:
		return errors.New("client.Options: MaxSessions and MaxReports must not be negative; 0 is the default")
	case o.OnFailure > riskd.FailAllow:
		return errors.New("client.Options.OnFailure: is none of riskd's ways to fail")
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = DefaultMaxSessions
	}
	if o.MaxReports == 0 {
		o.MaxReports = DefaultMaxReports
	}
	if o.Token == nil {
		o.Token = func() string { return "" }
	}
	if o.Log == nil {
		o.Log = func(string, error) {}
	}
	if o.now == nil {
		o.now = time.Now
	}
	return nil
}

// transport gives what speaks to the URL: no proxy, no redirects, and no more
// connections than a bounded number, whatever hangs.
func transport(o *Options) (base string, _ *http.Client, _ error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "unix" && (u.Host == "" || u.Path != "" && u.Path != "/") || u.Scheme == "unix" && (u.Path == "" || u.Host != "") {
		return "", nil, errors.New("client.Options.URL: must be like http://127.0.0.1:8181, https://riskd.example:8181 or unix:///run/riskd.sock")
	}
	t := &http.Transport{
		TLSClientConfig: o.TLS, MaxConnsPerHost: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, DisableCompression: true,
	}
	switch u.Scheme {
	case "http", "https":
		base = u.Scheme + "://" + u.Host
	case "unix":
		base = "http://riskd"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
	default:
		return "", nil, fmt.Errorf("client.Options.URL: has the scheme %q; it must be http, https or unix", u.Scheme)
	}
	return base, &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// Close tells riskd of what it hasn't been told of yet, for as long as ctx lets it,
// and ends everything that the client does. The error is that of events that riskd
// wasn't told of.
func (c *Client) Close(ctx context.Context) error {
	c.end()
	c.done.Wait()
	var err error
	for err == nil && c.told.waiting() > 0 {
		if err = ctx.Err(); err == nil {
			err = c.reportBatch(ctx)
		}
	}
	c.asks.CloseIdleConnections()
	c.streams.CloseIdleConnections()
	if n := c.told.waiting(); n > 0 {
		return fmt.Errorf("riskd wasn't told of %d requests under leases: %w", n, err)
	}
	return nil
}

// Stats are a client's counters since it was made.
type Stats struct {
	Leased   uint64 // requests that a lease has let pass
	Asked    uint64 // answers of riskd
	Failed   uint64 // requests that it didn't answer
	Overdue  uint64 // answers that were asked for again: what they didn't know had come in meanwhile
	Rejected uint64 // events under leases that riskd has refused
	Waiting  int    // events that it will be told of
	Applied  uint64 // the number up to which the stream is applied
	Current  bool   // leases are good
	Streams  uint64 // that were begun
	Beats    uint64 // how often riskd has said that nothing is missing
}

// Stats counts.
func (c *Client) Stats() Stats {
	return Stats{
		Leased: c.leased.Load(), Asked: c.asked.Load(), Failed: c.failed.Load(), Overdue: c.overdue.Load(),
		Rejected: c.told.rejected.Load(), Waiting: c.told.waiting(), Applied: c.applied(), Current: c.fresh(momentOf(c.o.now())),
		Streams: c.begun.Load(), Beats: c.beats.Load(),
	}
}

// request makes one.
func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := c.o.Token(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 1 << 20

// exchange posts a document and gives the answer; one of another status than 2xx is
// a *refusal.
func (c *Client) exchange(ctx context.Context, path string, body []byte) ([]byte, error) {
	r, err := c.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	answer, err := c.asks.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		var problem struct{ Detail string }
		_ = json.Unmarshal(text, &problem) // what is no problem has no detail
		return nil, &refusal{answer.StatusCode, fmt.Sprintf("%s is answered %s: %s", path, answer.Status, problem.Detail)}
	}
	return text, nil
}

// post is exchange, within the time of a report.
func (c *Client) post(ctx context.Context, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, telemetryTimeout)
	defer cancel()
	text, err := c.exchange(ctx, path, body)
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return err
}
