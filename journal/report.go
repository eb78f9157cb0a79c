package journal

import (
	"fmt"
	"strings"
)

// Report is what was found in a journal's files.
type Report struct {
	Files   int
	Records int64 // that are there
	Bytes   int64 // of the files
	// Torn is what a write that ended early left at the end of the last file; nobody
	// was told that it was on disk.
	Torn Torn
	// Lost is the damage that was gone past, which Options.Repair or Read did.
	Lost []*Damage
	// Last is the number of the last record, lost ones included.
	Last uint64
	// Gaps counts the records that earlier repairs gave up.
	Gaps uint64
}

// Torn is a part of a file that isn't read.
type Torn struct {
	File   string // empty: nothing was torn
	Offset int64
	Bytes  int64
}

// Damage is a part of a journal that can't be read although it was on disk. As an
// error it says how to go on.
type Damage struct {
	File   string // its path
	Offset int64  // in bytes
	Line   int    // from 1
	// From and To are the numbers of the records that are lost, both 0 if none is.
	From, To uint64
	Fault    string
}

// Place says where the damage is.
func (d *Damage) Place() string { return fmt.Sprintf("%s:%d (byte %d)", d.File, d.Line, d.Offset) }

// What says what is damaged.
func (d *Damage) What() string {
	switch {
	case d.From == 0:
		return d.Fault
	case d.From == d.To:
		return fmt.Sprintf("record %d %s", d.From, d.Fault)
	}
	return fmt.Sprintf("records %d to %d %s", d.From, d.To, d.Fault)
}

func (d *Damage) Error() string {
	return fmt.Sprintf("journal %s: %s: bring the file back from a copy, or start once with --repair to go on without what is lost; the file is kept as *%s",
		d.Place(), d.What(), damagedSuffix)
}

const (
	faultSum     = "can't be read: checksum and content don't agree"
	faultMissing = "is missing"
	faultHeader  = "the header, its first line, can't be read: checksum and content don't agree"
)

// lossAt describes records that are missing where a file has something else.
func lossAt(file string, bad *stretch, from, to uint64) *Damage {
	d := &Damage{File: file, Offset: bad.offset, Line: bad.line, From: from, To: to, Fault: faultSum}
	if bad.end == bad.offset {
		d.Fault = faultMissing
		if from != to {
			d.Fault = strings.Replace(faultMissing, "is", "are", 1)
		}
	}
	return d
}

// String tells what was found, in a line.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records in %d files", r.Records, r.Files)
	if r.Torn.File != "" {
		fmt.Fprintf(&b, "; %s: %d torn bytes at %d left out", r.Torn.File, r.Torn.Bytes, r.Torn.Offset)
	}
	if r.Gaps > 0 {
		fmt.Fprintf(&b, "; %d records given up before", r.Gaps)
	}
	for _, d := range r.Lost {
		fmt.Fprintf(&b, "; %s: %s", d.Place(), d.What())
	}
	return b.String()
}
