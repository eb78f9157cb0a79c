package main

import (
	"fmt"
	"io"
	"os"
)

// tuneTrace is a part of the trace. It is read several times.
type tuneTrace struct {
	name string
	in   *os.File
}

// openTuneTraces opens the parts of a trace. What isn't a file is put into one first.
func openTuneTraces(names []string, in io.Reader) (traces []tuneTrace, done func(), err error) {
	done = func() {
		for _, t := range traces {
			t.in.Close()
		}
	}
	for _, name := range names {
		input, err := openInput(name, in)
		if err != nil {
			return nil, done, err
		}
		file, ok := input.(*os.File)
		if !ok || !isRegular(file) {
			file, err = spooled(input)
			input.Close()
			if err != nil {
				return nil, done, fmt.Errorf("%s: can't be kept to be read again: %w", name, err)
			}
		}
		traces = append(traces, tuneTrace{name, file})
	}
	return traces, done, nil
}

func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// spooled copies what can be read once into a file without a name, which is gone when it
// is closed.
func spooled(in io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "riskd-tune-*")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		_, err = io.Copy(file, in)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
