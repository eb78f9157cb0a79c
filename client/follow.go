package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// The bounds of following.
const (
	firstBackOff = 100 * time.Millisecond
	lastBackOff  = 5 * time.Second
	longestLine  = 1 << 20
)

// follow follows the stream until ctx ends, and comes back whenever it breaks.
func (c *Client) follow(ctx context.Context) {
	wait := firstBackOff
	for ctx.Err() == nil {
		beats := c.beats.Load()
		err := c.stream(ctx)
		c.synced.Store(false)
		if ctx.Err() != nil {
			return
		}
		c.o.Log("stream", err)
		if c.beats.Load() != beats { // it was well for a time
			wait = firstBackOff
		}
		pause := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		wait = min(2*wait, lastBackOff)
	}
}

// streamEvent is the data of an event of the stream.
type streamEvent struct {
	Epoch    uint64    `json:"epoch"`
	Effect   string    `json:"effect"`
	Target   string    `json:"target"`
	Tenant   string    `json:"tenant"`
	User     string    `json:"user"`
	Device   string    `json:"device"`
	At       time.Time `json:"at"`
	Sessions []string  `json:"sessions"`
	Status   string    `json:"status"`
	Lifted   uint64    `json:"lifted"`
}

// stream follows once, until something breaks.
func (c *Client) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(c.o.MaxStaleness, func() { cancel(errSilent) })
	defer silence.Stop()
	path := "/v1/revocations/stream"
	if c.o.Gateway != "" {
		path += "?gateway=" + url.QueryEscape(c.o.Gateway)
	}
	r, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if c.position != "" {
		r.Header.Set("Last-Event-ID", c.position)
	}
	answer, err := c.streams.Do(r)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return fmt.Errorf("the stream is answered %s", answer.Status)
	}
	c.begun.Add(1)
	err = c.read(answer.Body, func() { silence.Reset(c.o.MaxStaleness) })
	return cmp.Or(context.Cause(ctx), err)
}

var errSilent = errors.New("nothing was heard for longer than MaxStaleness")

// read takes events in, as they are framed by the HTML standard (9.2.6), until the
// stream ends.
func (c *Client) read(from io.Reader, heard func()) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4<<10), longestLine)
	var event, id string
	var data []byte
	for lines.Scan() {
		field, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			event = string(value)
		case "id":
			id = string(value)
		case "data":
			data = append(data, value...)
		case "":
			if len(lines.Bytes()) > 0 { // a comment
				continue
			}
			if err := c.take(event, id, data); err != nil {
				c.position = "" // begin anew
				return err
			}
			heard()
			event, data = "", data[:0]
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			c.position = ""
		}
		return err
	}
	return io.EOF
}

// take applies an event.
func (c *Client) take(event, id string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var in streamEvent
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("an event of the stream can't be read: %w", err)
	}
	switch event {
	case "reset":
		c.synced.Store(false)
		c.notices.reset()
	case "current":
	default:
		c.apply(event, &in)
	}
	c.position = id
	if id == "" { // orders from before the number at which the stream begins
		return nil
	}
	instance := id[:max(0, strings.LastIndexByte(id, '-'))]
	c.instance.Store(&instance)
	c.notices.applied.Store(in.Epoch)
	if event == "current" {
		now := momentOf(c.o.now())
		c.heard.Store(&now)
		c.synced.Store(true)
		c.beats.Add(1)
	}
	select {
	case c.acking <- struct{}{}:
	default: // it will look
	}
	return nil
}

// apply puts a notice where it is looked up. What isn't known is about everything.
func (c *Client) apply(event string, in *streamEvent) {
	n := c.notices
	n.mu.Lock()
	defer n.mu.Unlock()
	switch event {
	case "order":
		n.order(in)
	case "session":
		for _, ref := range in.Sessions {
			n.concern(subject{aSession, "", ref}, in.Epoch)
			switch in.Status {
			case "revoked", "expired":
				n.orders.put(standing{riskd.EffectRevoke, subject{aSession, "", ref}}, order{in.Epoch, time.Time{}})
			case "step_up", "suspended":
				n.orders.put(standing{riskd.EffectStepUp, subject{aSession, "", ref}}, order{in.Epoch, time.Time{}})
			}
		}
	case "lifted":
		for k, o := range n.orders.m {
			if o.value.number == in.Lifted {
				delete(n.orders.m, k)
			}
		}
		c.cache.forgetWords()
	default:
		n.concern(subject{everybody, "", ""}, in.Epoch)
	}
}

// order takes one in. The caller holds mu.
func (n *notices) order(in *streamEvent) {
	var about []subject
	switch {
	case in.Target == "session":
		for _, ref := range in.Sessions {
			about = append(about, subject{aSession, "", ref})
		}
	case in.Target == "user" && in.User != "":
		about = []subject{{aUser, in.Tenant, in.User}}
		n.concern(subject{aUser, in.Tenant, anybody}, in.Epoch)
	case in.Target == "device" && in.Device != "":
		about = []subject{{aDevice, in.Tenant, in.Device}}
		n.concern(subject{aDevice, in.Tenant, anybody}, in.Epoch)
	default:
		n.concern(subject{aTenant, in.Tenant, ""}, in.Epoch)
		if in.Target == "tenant" {
			about = []subject{{aTenant, in.Tenant, ""}}
		}
	}
	effect, err := riskd.ParseEffect(in.Effect)
	for _, s := range about {
		n.concern(s, in.Epoch)
		switch {
		case err != nil: // one that this version doesn't know
		case effect == riskd.EffectResume:
			if o, ok := n.orders.m[standing{riskd.EffectSuspend, s}]; ok && !o.value.at.After(in.At) {
				delete(n.orders.m, standing{riskd.EffectSuspend, s})
			}
		case effect == riskd.EffectRevoke, effect == riskd.EffectSuspend, effect == riskd.EffectStepUp:
			n.orders.put(standing{effect, s}, order{in.Epoch, in.At})
		}
	}
}

// applied is the number up to which everything is applied.
func (c *Client) applied() uint64 { return c.notices.applied.Load() }

// fresh reports whether everything that ends leases is known, but for what riskd
// has told within MaxStaleness.
func (c *Client) fresh(now moment) bool {
	heard := c.heard.Load()
	return heard != nil && now.within(c.o.MaxStaleness, *heard)
}

// ack tells riskd how far the stream was applied, whenever that has changed.
func (c *Client) ack(ctx context.Context) {
	acked := ""
	for {
		select {
		case <-c.acking:
		case <-ctx.Done():
			return
		}
		instance := c.instance.Load()
		number := c.applied()
		if now := *instance + "-" + strconv.FormatUint(number, 10); now != acked {
			body, _ := json.Marshal(map[string]any{"gateway": c.o.Gateway, "epoch": number, "instance": *instance}) // which always has a form
			if err := c.post(ctx, "/v1/revocations/acks", body, nil); err != nil {
				c.o.Log("ack", err)
				continue
			}
			acked = now
		}
	}
}
