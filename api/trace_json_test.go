package api

import (
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestDecodeTraceIdentityEvent(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	body := `{"id":"i1","type":"logout","time":"2026-11-21T12:00:00Z","tenant":"shop","user":"u","device":"d","session_id":"raw-1","reason":"r","actor":"a"}`
	got, err := DecodeTraceIdentityEvent([]byte(body), key)
	if err != nil {
		t.Fatal(err)
	}
	want := riskd.IdentityEvent{
		ID: "i1", Type: "logout", Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Tenant: "shop",
		User: "u", Device: "d", Session: key.ID("shop", "raw-1"), Reason: "r", Actor: "a",
	}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	for body, fault := range map[string]string{
		`{"session":"s_00000000000000000000000000"}`: "session: is a reference",
		`{"place":{}}`: "place: is not known",
		`{"id":1}`:     "id: must be",
		`[]`:           "must be",
	} {
		if _, err := DecodeTraceIdentityEvent([]byte(body), key); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: got %v, want %s", body, err, fault)
		}
	}
}
