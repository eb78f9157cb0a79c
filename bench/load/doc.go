// Package load drives one server over HTTP/1.1 or gRPC: closed loop, to find how much it can
// take, or open loop at a fixed rate, to find how long callers wait. It checks
// every reply and keeps latencies in a histogram.
//
// One thread and one epoll instance serve all connections, so that a single
// core generates more than net/http can answer; that part needs Linux.
//
// It is not a general HTTP client: requests are bytes that the caller prepared,
// replies must be HTTP/1.1 with a length or in chunks, or a message of gRPC, and a
// connection that the server closes ends the load with an error. What to send, and what the
// figures mean, is up to the bench that uses it.
package load
