package process_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/riskd/riskd/bench/process"
)

// The test's program is its own server when this names an address.
const serveAt = "RISKD_TEST_SERVE_AT"

func TestMain(m *testing.M) {
	if addr := os.Getenv(serveAt); addr != "" {
		serve(addr)
		return
	}
	os.Exit(m.Run())
}

func serve(addr string) {
	http.Handle("/metrics", promhttp.Handler())
	http.HandleFunc("/procs", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, runtime.GOMAXPROCS(0))
	})
	http.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		var garbage [][]byte
		for i := range 100_000 {
			garbage = append(garbage, make([]byte, 64+i%2))
		}
		runtime.KeepAlive(garbage)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(addr, nil))
}

func start(t *testing.T, core int) (p *process.Process, url string) {
	t.Helper()
	addr, err := process.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url = "http://" + addr
	p, err = process.Start(t.Context(), process.Options{
		Name: "server", Command: []string{"/usr/bin/env", serveAt + "=" + addr, self}, Core: core,
		Ready: url + "/metrics", Metrics: url + "/metrics",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p, url
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 16)
	n, _ := resp.Body.Read(b)
	return string(b[:n])
}

func TestAServerIsPinnedAndMeasured(t *testing.T) {
	cores, err := process.Cores()
	if err != nil {
		t.Fatal(err)
	}
	p, url := start(t, cores[len(cores)-1])
	if got := get(t, url+"/procs"); got != "1" {
		t.Errorf("GOMAXPROCS of a pinned server is %s; want 1", got)
	}
	measure := func() (int64, float64) {
		cpu, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		n, err := p.Allocations(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return int64(cpu), n
	}
	cpu, allocs := measure()
	get(t, url+"/spin")
	moreCPU, moreAllocs := measure()
	if moreCPU <= cpu {
		t.Errorf("CPU time went from %d to %d ns over 100,000 allocations", cpu, moreCPU)
	}
	if d := moreAllocs - allocs; d < 100_000 || d > 110_000 {
		t.Errorf("counted %v allocations of 100,000", d)
	}
	p.Stop()
	if _, err := p.CPU(); err == nil {
		t.Error("a stopped server still has a CPU clock")
	}
}

func TestAServerMayUseAllCores(t *testing.T) {
	_, url := start(t, process.AnyCore)
	if got := get(t, url+"/procs"); got != strconv.Itoa(runtime.GOMAXPROCS(0)) {
		t.Errorf("GOMAXPROCS is %s; want %d", got, runtime.GOMAXPROCS(0))
	}
}

func TestAServerThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"ends":       {[]string{"/bin/sh", "-c", "echo no such pack >&2; exit 3"}, "no such pack"},
		"not there":  {[]string{"/nonexistent"}, "server: start"},
		"exit value": {[]string{"/bin/sh", "-c", "exit 3"}, "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := process.Start(t.Context(), process.Options{
				Name: "server", Command: c.command, Core: process.AnyCore, Ready: "http://127.0.0.1:1/",
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v; want one with %q", err, c.want)
			}
		})
	}
}
