package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
)

// The part of HTTP/2 (RFC 9113) and gRPC that one unary call at a time on a
// connection takes. Headers go out without compression and come back unread: that
// there is a message says that a call went well. What a client does beyond that would
// be time that the generator hasn't got.

const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8

	flagEndStream  = 1 // of data and headers
	flagAck        = 1 // of settings and pings
	flagEndHeaders = 4

	frameHeader  = 9
	maxFrame     = 1 << 14 // what peers take unless they say more
	maxWindow    = 1<<31 - 1
	firstWindow  = 1<<16 - 1
	messageStart = 5 // a flag and the length
)

// call is what a connection needs to make calls.
type call struct {
	headers []byte // the block that every call begins with
	stream  uint32 // of the call under way
	out     []byte
	message []byte // what came of it so far
}

// newCall begins to speak HTTP/2, and lets the other side send without ever asking.
func (c *conn) newCall(authority, method string) error {
	c.call = &call{headers: callHeaders(authority, method)}
	c.call.stream-- // the first is 1
	b := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	settings := make([]byte, 0, 18)
	for _, s := range [...]struct {
		id    uint16
		value uint32
	}{{1, 0}, {2, 0}, {4, maxWindow}} { // no header table, no push, the window of a stream
		settings = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(settings, s.id), s.value)
	}
	b = appendFrame(b, frameSettings, 0, 0, settings)
	b = appendFrame(b, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, maxWindow-firstWindow))
	return c.write(b)
}

// callHeaders are the headers of a call, each as a literal that isn't to be
// remembered (RFC 7541 §6.2.2).
func callHeaders(authority, method string) (b []byte) {
	for _, h := range [...][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", method},
		{":authority", authority},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		b = append(b, 0)
		for _, s := range h {
			b = append(append(b, byte(len(s))), s...) // lengths below 127 are one byte
		}
	}
	return b
}

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// frames gives a message as it goes over the wire.
func (c *call) frames(message []byte) ([]byte, error) {
	if len(message)+messageStart > maxFrame {
		return nil, fmt.Errorf("load: a message has %d bytes; it must fit into a frame", len(message))
	}
	c.stream += 2
	c.message = c.message[:0]
	c.out = appendFrame(c.out[:0], frameHeaders, flagEndHeaders, c.stream, c.headers)
	n := len(message) + messageStart
	c.out = append(c.out, byte(n>>16), byte(n>>8), byte(n), frameData, flagEndStream)
	c.out = binary.BigEndian.AppendUint32(c.out, c.stream)
	c.out = binary.BigEndian.AppendUint32(append(c.out, 0), uint32(len(message)))
	return append(c.out, message...), nil
}

// take reads the whole frames at the start of b, and says how many bytes they are and
// whether the call has ended. What has to be answered is appended to answer.
func (c *call) take(b, answer []byte) (size int, ended bool, _ []byte, err error) {
	for len(b)-size >= frameHeader {
		head := b[size:]
		n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		if len(head) < frameHeader+n {
			break
		}
		kind, flags, payload := head[3], head[4], head[frameHeader:frameHeader+n]
		ours := binary.BigEndian.Uint32(head[5:]) == c.stream
		size += frameHeader + n
		switch kind {
		case frameData:
			c.message = append(c.message, payload...)
			ended = ended || ours && flags&flagEndStream != 0
		case frameHeaders:
			ended = ended || ours && flags&flagEndStream != 0
		case frameSettings:
			if flags&flagAck == 0 {
				answer = appendFrame(answer, frameSettings, flagAck, 0, nil)
			}
		case framePing:
			if flags&flagAck == 0 {
				answer = appendFrame(answer, framePing, flagAck, 0, payload)
			}
		case frameReset, frameGoAway:
			return size, false, answer, fmt.Errorf("the server ends a call or the connection: %x", payload)
		}
	}
	return size, ended, answer, nil
}

var errHalfMessage = errors.New("the server's message isn't whole")

// reply gives what came of a call: its message, or 500 if there is none.
func (c *call) reply() (Reply, error) {
	if len(c.message) == 0 {
		return Reply{Status: http.StatusInternalServerError}, nil
	}
	if len(c.message) < messageStart || c.message[0] != 0 ||
		int(binary.BigEndian.Uint32(c.message[1:])) != len(c.message)-messageStart {
		return Reply{}, errHalfMessage
	}
	return Reply{Status: http.StatusOK, Body: c.message[messageStart:]}, nil
}

// receiveCall is receive for calls. Between calls, too, there are frames to answer.
func (c *conn) receiveCall() (*Reply, error) {
	size, ended, answer, err := c.call.take(c.in, c.scratch[:0])
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	c.in = c.in[:copy(c.in, c.in[size:])]
	if c.scratch = answer; len(answer) > 0 {
		if err := c.write(answer); err != nil {
			return nil, err
		}
	}
	if !ended {
		return nil, nil
	}
	if c.reply, err = c.call.reply(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &c.reply, nil
}
