package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells on standard error what the run is at: on a terminal in one
// line that is written over, elsewhere in a line each.
type progress struct {
	w       io.Writer
	inPlace bool
	started time.Time
}

func newProgress(f *os.File) *progress {
	info, err := f.Stat()
	return &progress{w: f, inPlace: err == nil && info.Mode()&os.ModeCharDevice != 0, started: time.Now()}
}

func (p *progress) step(format string, args ...any) {
	line := fmt.Sprintf("%4.0f s  ", time.Since(p.started).Seconds()) + fmt.Sprintf(format, args...)
	if p.inPlace {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// done leaves the terminal's line to what follows.
func (p *progress) done() {
	if p.inPlace {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
