//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chaos: needs Linux: it mounts a tmpfs, traces system calls and reads /proc")
	os.Exit(1)
}
