//go:build integration

package examples

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything is waited for before a test gives up. It decides
// no test that passes.
const patience = 30 * time.Second

// child is a process that ends with its test, its children too, and whose output
// is shown when the test has failed.
type child struct {
	name string
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
}

func (c *child) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *child) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// startChild runs a program and waits until it listens on an address.
func startChild(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	c := &child{name: cmd.Path, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c, c
	// A process group of its own: a signal to it reaches a gateway's workers.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	go func() {
		cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-c.done
		if t.Failed() {
			t.Logf("%s %s said:\n%s", c.name, strings.Join(cmd.Args[1:], " "), c.output())
		}
	})
	c.awaitListening(t, address)
}

func (c *child) awaitListening(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-c.done:
			t.Fatalf("%s ended before it listened:\n%s", c.name, c.output())
		case <-late:
			t.Fatalf("%s doesn't listen on %s:\n%s", c.name, address, c.output())
		}
	}
}

// freePort gives a port that nothing listens on. It is none of those that the
// system gives to outgoing connections, which could take it in the meantime.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(20000 + rand.IntN(10000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("found no free port")
	return ""
}
