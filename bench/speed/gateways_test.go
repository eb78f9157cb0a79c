//go:build linux

package main

import (
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/riskd/riskd/bench/process"
)

// Both floors of gateways answer what riskd would, over real connections.
func TestBenchMeasuresGatewayFloors(t *testing.T) {
	l := &lab{dir: t.TempDir(), core: process.AnyCore, progress: &progress{w: io.Discard}}
	addr, err := process.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := proto.Marshal(check(0))
	if err != nil {
		t.Fatal(err)
	}
	f := &target{name: "floor", addr: addr, work: map[string]*workload{
		forwardAuth: {request: always(auth(addr, 0)), decision: "allow", says: []string{`{"decision":"allow"}`}},
	}}
	if err := l.serveGateways(t.Context(), f, asked); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Stop)
	b := &bench{targets: []*target{f}, rounds: 1, slice: 20 * time.Millisecond, connections: 4, progress: l.progress}
	got, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != forwardAuth || got[1].Name != extAuthz {
		t.Fatalf("measured %+v", got)
	}
	for _, c := range got {
		if c.Cells[0].Rounds[0].Rate <= 0 || c.Cells[0].Rounds[0].CPU <= 0 {
			t.Errorf("%s: %+v", c.Name, c.Cells[0])
		}
	}
}
