package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Limits of an exchange: how long it may take, and the bytes of an answer.
const (
	maxAsking = time.Minute
	maxAnswer = 64 << 20
)

// ask sends a request, with a document unless that is nil, and reads the answer
// into another. What riskd refuses is a [*refusal].
func (c *adminClient) ask(ctx context.Context, method string, to *url.URL, document, answer any) error {
	var body io.Reader
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return err
	}
	if document != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unanswered(method, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return c.unanswered(method, err)
	}
	if response.StatusCode != http.StatusOK {
		return c.refused(response, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return c.foreign(response.Status)
	}
	return nil
}

const nameAnother = "name another with -admin URL or " + adminVariable

// unanswered is the error of a request that got no answer, which says nothing of
// what has become of it once it was sent.
func (c *adminClient) unanswered(method string, err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = e.Err // which repeats neither method nor URL
	}
	err = fmt.Errorf("no answer from %s: %w", c.name, err)
	if e := (*net.OpError)(nil); errors.As(err, &e) && e.Op == "dial" {
		return &hinted{err, "start riskd there with `riskd serve`, or " + nameAnother}
	}
	if method == http.MethodGet {
		return &hinted{err, nameAnother}
	}
	return &hinted{err, "it may have been done all the same: give the command again, which does no harm"}
}

// foreign is the error of an answer that no riskd gives.
func (c *adminClient) foreign(status string) error {
	err := fmt.Errorf("%s answers %q, and not as riskd does", c.name, status)
	return &hinted{err, nameAnother}
}

// refusal is a problem document (RFC 9457), as riskd refuses with.
type refusal struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Applied bool   `json:"applied"` // it was done, but may not last
	Errors  []struct {
		Detail string `json:"detail"`
	} `json:"errors"`
}

func (r *refusal) Error() string { return plainText(r.Title + ": " + r.Detail) }

// refused reads a problem document; one that lists several faults becomes as many
// errors.
func (c *adminClient) refused(response *http.Response, text []byte) error {
	r := &refusal{}
	if err := json.Unmarshal(text, r); err != nil || r.Title == "" {
		return c.foreign(response.Status)
	}
	switch {
	case len(r.Errors) > 1:
		var all []error
		for _, e := range r.Errors {
			all = append(all, &refusal{Title: r.Title, Detail: e.Detail})
		}
		return errors.Join(all...)
	case response.StatusCode == http.StatusUnauthorized:
		return &hinted{r, "show who you are: -token-file FILE, or -cert FILE and -key FILE, or -admin unix:///path as a user that riskd knows"}
	case response.StatusCode == http.StatusNotFound && r.Type == "about:blank":
		return &hinted{r, c.name + " isn't the admin listener, or that of another version: " + nameAnother}
	}
	return r
}

// plainText is text from outside without what a terminal could take for an order.
func plainText(s string) string { return printable(s, len(s)+1) }

// operands takes off a command line what isn't a flag. Flags may come after it
// too, as in `riskd sessions show REF -json`.
func operands(flags *flag.FlagSet, args []string) ([]string, error) {
	var list []string
	for len(args) > 0 {
		list = append(list, args[0])
		if err := flags.Parse(args[1:]); err != nil {
			name := strings.TrimPrefix(flags.Name(), "riskd ")
			return nil, &usageError{name + ": " + err.Error(), fmt.Sprintf("`riskd help %s` shows its flags", name)}
		}
		args = flags.Args()
	}
	return list, nil
}

// given are the names of the flags that are on the command line. One that is
// empty is mostly a variable of the shell's that isn't set, and would widen what
// the command is about; only those that may be are let through.
func given(flags *flag.FlagSet, mayBeEmpty ...string) (map[string]bool, error) {
	names := map[string]bool{}
	var empty error
	flags.Visit(func(f *flag.Flag) {
		names[f.Name] = true
		if f.Value.String() == "" && !slices.Contains(mayBeEmpty, f.Name) && empty == nil {
			empty = &usageError{"-" + f.Name + " is empty", "give it a value, or leave it out"}
		}
	})
	return names, empty
}
