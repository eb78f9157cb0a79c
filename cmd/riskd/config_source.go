package main

import (
	"fmt"
	"strings"
)

// source knows where the fields of a config stand, for errors that are found
// long after it was read.
type source struct {
	file   string
	lines  map[string]int  // by dotted path
	faulty map[string]bool // paths that couldn't be read
}

func newSource(file string) source {
	return source{file, map[string]int{}, map[string]bool{}}
}

// unread reports whether a field, or one around it, couldn't be read: its value
// is none that was written.
func (s *source) unread(path string) bool {
	for {
		if s.faulty[path] {
			return true
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return false
		}
		path = path[:cut]
	}
}

// at puts a field's place in front of what is wrong with it: the place of the
// field itself or of the nearest one around it.
func (s *source) at(path string, format string, args ...any) error {
	err := fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))
	if s.file == "" {
		return err
	}
	for near := path; ; {
		if line := s.lines[near]; line > 0 {
			return fmt.Errorf("%s:%d: %w", s.file, line, err)
		}
		cut := strings.LastIndexAny(near, ".[")
		if cut < 0 {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		near = near[:cut]
	}
}
