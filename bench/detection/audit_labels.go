package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
)

// crime is an attack as its labels tell it, and what the trace tells of it.
type crime struct {
	name, family string
	events       int
	onset        string // id of the event that it begins with
	seen         int    // events met in a pass
	met          *visit // the session that its onset came to
}

// mark is what the labels say of an event.
type mark struct {
	crime *crime
	onset bool
}

// readMarks reads the labels of attacks; lines about users and causes aren't needed.
func readMarks(name string) (map[string]mark, []*crime, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	marks, byName := map[string]mark{}, map[string]*crime{}
	var all []*crime
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var in struct {
			Event  string `json:"event"`
			Attack string `json:"attack"`
			Family string `json:"family"`
			Onset  bool   `json:"onset"`
		}
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return nil, nil, fmt.Errorf("%s:%d: is no label: %w", name, number, err)
		}
		if in.Attack == "" {
			continue
		}
		c := byName[in.Attack]
		if c == nil {
			c = &crime{name: in.Attack, family: in.Family}
			byName[in.Attack] = c
			all = append(all, c)
		}
		if c.events++; c.onset == "" || in.Onset {
			c.onset = in.Event
		}
		marks[in.Event] = mark{crime: c}
	}
	for _, c := range all {
		marks[c.onset] = mark{c, true}
	}
	return marks, all, lines.Err()
}
