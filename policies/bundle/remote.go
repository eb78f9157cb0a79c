package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Remote is a bundle on a server, fetched as OPA fetches its bundles: with the
// ETag of the one at hand, and with the server's leave to answer only when there
// is another.
type Remote struct {
	// URL is where the bundle is.
	URL *url.URL
	// Token gives the bearer token, anew for each request; nil sends none.
	Token func() (string, error)

	wait   time.Duration
	client *http.Client
}

// How long a server may take.
const (
	dialLimit   = 5 * time.Second
	headerLimit = 10 * time.Second // beyond what it was asked to wait
	bodyLimit   = 30 * time.Second
	maxHops     = 3
	maxETag     = 1024
)

// NewRemote takes an address and how long its server may wait until there is
// another bundle, 0 for an answer at once. The address must be https, or http where a signature is checked or the
// server is on this machine, for nobody else vouches for what comes then; and no
// password in it, as it is shown.
func NewRemote(address string, wait time.Duration, verified bool) (*Remote, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("is no URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("must be an http or https URL")
	case u.User != nil:
		return nil, errors.New("must not hold a password: put a token into policy.token_file")
	case u.Scheme == "http" && !verified && !loopback(u.Hostname()):
		return nil, errors.New("is http, where anybody on the way can change the pack: use https, or set policy.verify.key_file")
	}
	r := &Remote{URL: u, wait: wait}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // a tarball is gzip in itself
	transport.DialContext = (&net.Dialer{Timeout: dialLimit}).DialContext
	transport.TLSHandshakeTimeout = dialLimit
	transport.ResponseHeaderTimeout = wait + headerLimit
	r.client = &http.Client{Transport: transport, CheckRedirect: r.follow}
	return r, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Clear reports whether what is sent can be read on the way.
func (r *Remote) Clear() bool { return r.URL.Scheme == "http" && !loopback(r.URL.Hostname()) }

// String is the address without its query, which may hold a secret.
func (r *Remote) String() string {
	u := *r.URL
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// Answer is what a server said.
type Answer struct {
	// Bundle is the tarball, nil if it is the one at hand.
	Bundle []byte
	ETag   string
	// LongPoll says that the server waits until there is another.
	LongPoll bool
}

// longPollType is the Content-Type by which a server says that it waits.
const longPollType = "application/vnd.openpolicyagent.bundles"

// Fetch asks for the bundle, unless it still is the one of the ETag, "" for none.
func (r *Remote) Fetch(ctx context.Context, etag string) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.wait+headerLimit+bodyLimit)
	defer cancel()
	request, err := r.request(ctx, etag)
	if err != nil {
		return nil, err
	}
	response, err := r.client.Do(request)
	if err != nil {
		var at *url.Error // whose text has the whole address in it
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	a := &Answer{ETag: response.Header.Get("ETag"), LongPoll: kind == longPollType}
	if len(a.ETag) > maxETag {
		a.ETag = ""
	}
	switch {
	case response.StatusCode == http.StatusNotModified && etag != "":
		a.ETag = etag
		return a, nil
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answered %s", response.Status)
	}
	if a.Bundle, err = io.ReadAll(io.LimitReader(response.Body, MaxCompressed+1)); err != nil {
		return nil, err
	}
	if len(a.Bundle) > MaxCompressed {
		return nil, fmt.Errorf("the answer is larger than %d bytes", MaxCompressed)
	}
	return a, nil
}

func (r *Remote) request(ctx context.Context, etag string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	prefer := "modes=snapshot"
	if r.wait > 0 {
		prefer += fmt.Sprintf(";wait=%d", int(r.wait.Seconds()))
	}
	request.Header.Set("Prefer", prefer)
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	if r.Token == nil {
		return request, nil
	}
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	return request, nil
}

// follow keeps a redirect, and the token with it, on the host that was asked.
func (r *Remote) follow(to *http.Request, via []*http.Request) error {
	if to.URL.Host != r.URL.Host || to.URL.Scheme != r.URL.Scheme || len(via) > maxHops {
		return fmt.Errorf("redirects are followed on the same host only, and %d at most: this one goes to %s", maxHops, to.URL.Host)
	}
	return nil
}
