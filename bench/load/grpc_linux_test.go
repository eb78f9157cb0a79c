package load

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// echo answers the number that is asked for as the status, and refuses "no".
type echo struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (echo) Check(_ context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	number, _, _ := strings.Cut(r.Service, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "no")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_ServingStatus(n)}, nil
}

func serveEcho(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, echo{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func message(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every call gets its own reply, over far more bytes than any window lets through.
func TestCalls(t *testing.T) {
	t.Parallel()
	ask := func(i int) *grpc_health_v1.HealthCheckRequest {
		return &grpc_health_v1.HealthCheckRequest{Service: strconv.Itoa(i+1) + " " + strings.Repeat("x", 3000)}
	}
	g, err := Dial(Options{
		Addr: serveEcho(t), Connections: 4, Call: grpc_health_v1.Health_Check_FullMethodName,
		Request: func(i int) []byte { return message(t, ask(i)) },
		Check: func(i int, r *Reply) error {
			want := message(t, &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_ServingStatus(i + 1)})
			if r.Status != 200 || !bytes.Equal(r.Body, want) {
				t.Errorf("call %d: %d %x, want %x", i, r.Status, r.Body, want)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if r, err := g.Closed(Limit{Requests: 2000}); err != nil || r.Replies != 2000 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := g.Open(5000, Limit{Requests: 100}); err != nil || r.Replies != 100 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRefusedCallsAreNoReplies(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	g, err := Dial(Options{
		Addr: serveEcho(t), Connections: 1, Call: grpc_health_v1.Health_Check_FullMethodName,
		Request: func(int) []byte { return message(t, &grpc_health_v1.HealthCheckRequest{Service: "no"}) },
		Check: func(_ int, r *Reply) error {
			if r.Status == 500 && len(r.Body) == 0 {
				return refused
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Closed(Limit{Requests: 1}); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
