package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Rules for what is printed when something is wrong: every refusal says what to
// do instead. Problems that have a place in a file stand at the beginning of
// their line, as file:line: …, where editors find them; what riskd itself says
// begins with riskd: error: or riskd: hint:.

// usageError is a command line that riskd doesn't understand.
type usageError struct{ problem, hint string }

func (e *usageError) Error() string { return e.problem }
func (e *usageError) Hint() string  { return e.hint }

// hinted is an error together with what to do about it.
type hinted struct {
	error
	hint string
}

func (e *hinted) Hint() string  { return e.hint }
func (e *hinted) Unwrap() error { return e.error }

// problems are all that is wrong with something, each with its place.
type problems struct {
	summary string
	list    []error
}

func (p *problems) Error() string {
	var b strings.Builder
	for _, err := range p.list {
		fmt.Fprintln(&b, err)
	}
	return b.String() + p.summary
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

// count gives a number with its noun: 1 problem, 2 problems.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// report prints an error and its hint.
func report(out io.Writer, err error) {
	var all *problems
	if errors.As(err, &all) {
		for _, e := range all.list {
			fmt.Fprintln(out, e)
		}
		err = errors.New(all.summary)
	}
	for _, e := range flatten(err) {
		fmt.Fprintf(out, "riskd: error: %v\n", e)
		var h interface{ Hint() string }
		if errors.As(e, &h) {
			fmt.Fprintf(out, "riskd: hint: %s\n", h.Hint())
		}
	}
}
