package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd/api"
)

// list is a list of the admin listener's and how it is printed.
type list struct {
	path   string
	query  url.Values
	limit  *int
	asJSON *bool
	none   string   // said where there is nothing to print
	head   []string // of the table
	row    func(document jsontext.Value) ([]string, error)
}

// listFlags give a list its limit and its form.
func listFlags(flags *flag.FlagSet, l list) *list {
	l.limit = flags.Int("limit", 100, "print `N` at most; 0 is all")
	l.asJSON = flags.Bool("json", false, "print documents as JSON, one a line")
	return &l
}

// print asks for one page after another and prints each as it comes.
func (l *list) print(ctx context.Context, std stdio, c *adminClient) error {
	if *l.limit < 0 {
		return &usageError{"-limit is below 0", "0 prints all"}
	}
	to := c.address.JoinPath(l.path)
	q := url.Values{}
	for name, values := range l.query {
		q[name] = values
	}
	printed := 0
	for more := true; more; {
		size := api.MaxPage
		if *l.limit > 0 {
			size = min(size, *l.limit-printed)
		}
		q.Set("limit", strconv.Itoa(size))
		to.RawQuery = q.Encode()
		page, next, err := c.page(ctx, to)
		if err != nil {
			return err
		}
		if err := l.printPage(std.out, page, printed == 0); err != nil {
			return err
		}
		printed += len(page)
		q.Set("cursor", next)
		more = next != ""
		if more && printed == *l.limit {
			fmt.Fprintf(std.err, "riskd: %d printed, and there may be more: -limit 0 prints all\n", printed)
			break
		}
	}
	if printed == 0 {
		fmt.Fprintln(std.err, "riskd: "+l.none)
	}
	return nil
}

// page asks for one page of a list, and for the cursor of the next.
func (c *adminClient) page(ctx context.Context, at *url.URL) (page []jsontext.Value, next string, err error) {
	var answer struct {
		Sessions    []jsontext.Value `json:"sessions"`
		Revocations []jsontext.Value `json:"revocations"`
		Decisions   []jsontext.Value `json:"decisions"`
		Next        string           `json:"next"`
	}
	err = c.ask(ctx, http.MethodGet, at, nil, &answer)
	return slices.Concat(answer.Sessions, answer.Revocations, answer.Decisions), answer.Next, err
}

func (l *list) printPage(out io.Writer, page []jsontext.Value, first bool) error {
	if *l.asJSON {
		return printDocuments(out, page...)
	}
	if !first || len(page) == 0 {
		return printTable(out, nil, page, l.row)
	}
	return printTable(out, l.head, page, l.row)
}

// printDocuments prints JSON documents, one a line.
func printDocuments(out io.Writer, documents ...jsontext.Value) error {
	for _, d := range documents {
		if err := d.Compact(); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", d); err != nil {
			return err
		}
	}
	return nil
}

// printTable prints a row for each document, below the head unless that is nil.
func printTable(out io.Writer, head []string, page []jsontext.Value, row func(jsontext.Value) ([]string, error)) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if head != nil {
		fmt.Fprintln(table, strings.Join(head, "\t"))
	}
	for _, document := range page {
		cells, err := row(document)
		if err != nil {
			return err
		}
		for i := range cells {
			cells[i] = cmp.Or(plainText(cells[i]), "-")
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// readDocument reads a document that riskd answered with.
func readDocument[T any](document jsontext.Value) (T, error) {
	var d T
	if err := json.Unmarshal(document, &d); err != nil {
		return d, fmt.Errorf("riskd answered with a document that this version can't read: %w", err)
	}
	return d, nil
}
