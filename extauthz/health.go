package extauthz

import (
	"context"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// health is gRPC's health service. It tells whoever can connect whether riskd is
// ready, as /readyz does, and nothing else.
type health struct {
	healthv1.UnimplementedHealthServer
	server *Server
}

// watchEvery is how soon those who watch are told of a change.
const watchEvery = time.Second

// Check says whether riskd is ready.
func (h health) Check(_ context.Context, r *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if !known(r) {
		return nil, status.Error(codes.NotFound, "there is no such service here")
	}
	return &healthv1.HealthCheckResponse{Status: h.server.status()}, nil
}

// Watch says whether riskd is ready, and again whenever that changes.
func (h health) Watch(r *healthv1.HealthCheckRequest, out grpc.ServerStreamingServer[healthv1.HealthCheckResponse]) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	told := healthv1.HealthCheckResponse_UNKNOWN
	for {
		now := healthv1.HealthCheckResponse_SERVICE_UNKNOWN
		if known(r) {
			now = h.server.status()
		}
		if now != told {
			if err := out.Send(&healthv1.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			told = now
		}
		select {
		case <-tick.C:
		case <-out.Context().Done():
			return out.Context().Err()
		case <-h.server.over:
			return status.Error(codes.Unavailable, "riskd ends")
		}
	}
}

func known(r *healthv1.HealthCheckRequest) bool {
	return r.GetService() == "" || r.GetService() == authv3.Authorization_ServiceDesc.ServiceName
}

// status is also asked while riskd drains, when checks are still answered but
// Envoys should turn elsewhere.
func (s *Server) status() healthv1.HealthCheckResponse_ServingStatus {
	select {
	case <-s.over:
		return healthv1.HealthCheckResponse_NOT_SERVING
	default:
	}
	if len(s.Ready()) > 0 {
		return healthv1.HealthCheckResponse_NOT_SERVING
	}
	return healthv1.HealthCheckResponse_SERVING
}
