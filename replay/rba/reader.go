package rba

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Reader reads rows as they come; it holds one.
type Reader struct {
	name   string
	csv    *csv.Reader
	header bool // has been read
	row    Row
}

// NewReader reads the CSV of a file, which errors call by name.
func NewReader(name string, in io.Reader) *Reader {
	r := &Reader{name: name, csv: csv.NewReader(in)}
	r.csv.ReuseRecord = true
	r.csv.FieldsPerRecord = -1 // told below, with the columns' names
	return r
}

// Fault is what is wrong at a place of the file.
type Fault struct {
	Name   string // of the file
	Line   int
	Column string // "" for the whole line
	Detail string
}

func (f *Fault) Error() string {
	if f.Column == "" {
		return fmt.Sprintf("%s:%d: %s", f.Name, f.Line, f.Detail)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.Name, f.Line, f.Column, f.Detail)
}

// Next gives the next row, which is overwritten by the one after it. At the end it
// gives io.EOF; what is wrong with a row are [*Fault]s joined, and what is wrong with
// the header a single one. There is nothing to be read after an error.
func (r *Reader) Next() (*Row, error) {
	if !r.header {
		if err := r.readHeader(); err != nil {
			return nil, err
		}
		r.header = true
	}
	fields, err := r.csv.Read()
	if err != nil {
		return nil, r.fault(err)
	}
	line, _ := r.csv.FieldPos(0)
	if len(fields) != len(columns) {
		return nil, &Fault{r.name, line, "", fmt.Sprintf("has %d columns, not %d", len(fields), len(columns))}
	}
	r.row = Row{Line: line}
	var faults []error
	for i := range columns {
		if err := columns[i].take(&r.row, fields[i]); err != nil {
			at, _ := r.csv.FieldPos(i)
			faults = append(faults, &Fault{r.name, at, columns[i].name, err.Error()})
		}
	}
	return &r.row, errors.Join(faults...)
}

func (r *Reader) readHeader() error {
	fields, err := r.csv.Read()
	if err == io.EOF {
		return &Fault{r.name, 1, "", "is empty: the RBA data set begins with a line of column names"}
	}
	if err != nil {
		return r.fault(err)
	}
	for i := range columns {
		switch {
		case i >= len(fields):
			return &Fault{r.name, 1, columns[i].name, "is missing: the columns of the RBA data set are " + columnNames()}
		case strings.TrimPrefix(fields[i], "\ufeff") != columns[i].name:
			return &Fault{r.name, 1, columns[i].name, fmt.Sprintf("is missing: %q stands in its place; the columns of the RBA data set are %s", fields[i], columnNames())}
		}
	}
	if len(fields) > len(columns) {
		return &Fault{r.name, 1, fields[len(columns)], "is no column of the RBA data set"}
	}
	return nil
}

func columnNames() string {
	var names []string
	for i := range columns {
		names = append(names, columns[i].name)
	}
	return strings.Join(names, ", ")
}

// fault puts what is wrong with the CSV into this package's form.
func (r *Reader) fault(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return &Fault{r.name, parse.Line, "", "is no CSV: " + parse.Err.Error()}
	}
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("%s: %w", r.name, err)
}
