package replay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// batchLines are so many that handing them on costs little next to deciding them, so
// few that the stages hold little.
const batchLines = 256

// batch is some lines that follow each other. Batches are used again.
type batch struct {
	text  []byte // of the lines, one after the other
	items []item // as many as there are lines
	// decoded says that the items hold what their lines do.
	decoded chan struct{}
	// over are the sessions that nothing is expected of after this batch.
	over []*story
}

// item is one line on its way.
type item struct {
	place
	from, to int // its text in the batch
	Line
	fault error

	sighting
	answers [2]Answer
	proved  [2]bool  // a proof was made up
	refused [2]error // why an identity event can't be acted on
}

// place is where a line is.
type place struct {
	trace string
	line  int
}

func (p *place) String() string { return fmt.Sprintf("%s:%d", p.trace, p.line) }

// maxFaults is after how many lines that are none a trace isn't one.
const maxFaults = 20

// progressEvery is after how many lines progress is told.
const progressEvery = 50_000

// read puts the lines of all traces into batches, and each batch into both channels.
func (p *pipeline) read(ctx context.Context) error {
	var b *batch
	hand := func() error {
		if b == nil || len(b.items) == 0 {
			return nil
		}
		full := b
		b = nil
		return errors.Join(send(ctx, p.ordered, full), send(ctx, p.undecoded, full))
	}
	for i := range p.options.Traces {
		t := &p.options.Traces[i]
		in := bufio.NewReaderSize(t.In, p.options.MaxLine)
		for at := (place{t.Name, 1}); ; at.line++ {
			if b == nil {
				var err error
				if b, err = receive(ctx, p.free); err != nil {
					return err
				}
				b.text, b.items, b.over = b.text[:0], b.items[:0], nil
			}
			end, err := p.line(in, b, at)
			if err != nil {
				return err
			}
			if len(b.items) == p.options.BatchLines {
				if err := hand(); err != nil {
					return err
				}
			}
			if end {
				break
			}
		}
	}
	return hand()
}

// line reads one line into the batch, unless it is empty, and reports whether it is the
// trace's last.
func (p *pipeline) line(in *bufio.Reader, b *batch, at place) (end bool, err error) {
	text, err := in.ReadSlice('\n')
	var fault error
	if errors.Is(err, bufio.ErrBufferFull) {
		fault = fmt.Errorf("is longer than %d bytes", p.options.MaxLine)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		text = nil
	}
	if err != nil && err != io.EOF {
		if strings.HasPrefix(err.Error(), at.trace+":") { // it has its place
			return true, err
		}
		return true, fmt.Errorf("%s: %w", &at, err)
	}
	if text = trim(text); len(text) > 0 || fault != nil {
		from := len(b.text)
		b.text = append(b.text, text...)
		b.items = append(b.items, item{place: at, from: from, to: len(b.text), fault: fault})
	}
	return err == io.EOF, nil
}

func trim(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r' || line[len(line)-1] == ' ') {
		line = line[:len(line)-1]
	}
	return line
}

// decode decodes batches as they come.
func (p *pipeline) decode(ctx context.Context) error {
	for {
		b, err := receive(ctx, p.undecoded)
		if err != nil {
			return end(err)
		}
		for i := range b.items {
			if in := &b.items[i]; in.fault == nil {
				in.Line, in.fault = p.options.Decode(b.text[in.from:in.to])
			}
		}
		b.decoded <- struct{}{}
	}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
