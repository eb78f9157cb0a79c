//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "speed: needs Linux: it pins processes to cores, reads their CPU clocks and drives epoll")
	os.Exit(1)
}
