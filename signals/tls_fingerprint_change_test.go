package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// What clients really send: Chrome over TCP, resumed, for a WebSocket and over QUIC
// (other ciphers, by the protocol), a later version with other extensions, and Go.
const (
	chromeTLS     = "t13d1516h2_8daaf6152771_02713d6af862"
	chromeResumed = "t13d1517h2_8daaf6152771_b0da82dd1658"
	chromeSocket  = "t13d1515h1_8daaf6152771_de4a06bb82e3"
	chromeLater   = "t13d1516h2_8daaf6152771_e5627efa2ab1"
	chromeQUIC    = "q13d0312h3_55b375c5d22e_06cda9e17597"
	goTLS         = "t13d1312h2_f57a46bbacb6_ab7e3b40a677"
	goQUIC        = "q13d0311h3_55b375c5d22e_653d0b1e2a3c"
	older         = "t12d1516h2_8daaf6152771_02713d6af862"
)

func (w *walk) ja4(s string) *walk {
	w.Event.Client.JA4 = s
	return w
}

func TestTLSFingerprintChange(t *testing.T) {
	t.Parallel()
	type step struct {
		ja4, agent  string
		value, nats float64
	}
	for name, steps := range map[string][]step{
		"a tool":                  {{goTLS, chrome145, 2, 4}},
		"another TLS version":     {{older, chrome145, 2, 4}},
		"resumption":              {{chromeResumed, chrome145, 1, 0.5}, {chromeTLS, chrome145, 1, 0.5}, {chromeResumed, chrome145, 1, 0}},
		"one extension more":      {{"t13d1517h2_8daaf6152771_02713d6af862", chrome145, 1, 0.5}},
		"an update":               {{chromeLater, chrome146, 1, 0}},
		"an update that isn't":    {{goTLS, chrome146, 2, 4}},
		"another browser":         {{goTLS, firefox, 2, 0}},
		"back":                    {{goTLS, chrome145, 2, 4}, {chromeTLS, chrome145, 3, 1}, {goTLS, chrome145, 3, 1}, {chromeTLS, chrome145, 3, 0}},
		"from one to the next":    {{goTLS, chrome145, 2, 4}, {older, chrome145, 2, 4}, {chromeTLS, chrome145, 2, 0}},
		"the same":                {{chromeTLS, chrome145, 0, 0}},
		"staying in the other":    {{goTLS, chrome145, 2, 4}, {goTLS, chrome145, 0, 0}, {goTLS, chrome145, 0, 0}},
		"back as another browser": {{goTLS, firefox, 2, 0}, {chromeTLS, chrome145, 3, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			wantMissing(t, w.ja4(chromeTLS).read("tls_fingerprint_change"), "history")
			for _, s := range steps {
				w.goOn(time.Minute)
				f := w.ja4(s.ja4).agent(s.agent).read("tls_fingerprint_change")
				want(t, f, s.value, s.nats)
				if f.texts["ja4"] != s.ja4 || f.texts["transport"] != "tcp" {
					t.Errorf("reads %v", f.texts)
				}
			}
		})
	}
}

// TCP and QUIC are compared each with itself.
func TestTLSFingerprintTransports(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	wantMissing(t, w.ja4(chromeTLS).read("tls_fingerprint_change"), "history")
	wantMissing(t, w.ja4(chromeQUIC).read("tls_fingerprint_change"), "history")
	for range 10 {
		want(t, w.ja4(chromeTLS).read("tls_fingerprint_change"), 0, 0)
		want(t, w.ja4(chromeQUIC).read("tls_fingerprint_change"), 0, 0)
	}
	f := w.ja4(goQUIC).read("tls_fingerprint_change")
	if want(t, f, 1, 0.5); f.texts["transport"] != "quic" {
		t.Errorf("transport is %q", f.texts["transport"])
	}
	want(t, w.ja4("q13d0411h3_aaaaaaaaaaaa_653d0b1e2a3c").read("tls_fingerprint_change"), 2, 4)
	want(t, w.ja4(chromeTLS).read("tls_fingerprint_change"), 0, 0)
	f = w.ja4(goQUIC).read("tls_fingerprint_change")
	if want(t, f, 3, 1); f.numbers["returns"] != 1 {
		t.Errorf("%v returns", f.numbers["returns"])
	}
}

func TestTLSFingerprintNotEvaluable(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "t13d1516h2", "t13d1516h2_8daaf6152771_02713d6af86", "d13d1516h2_8daaf6152771_02713d6af862", "t13d1516h2-8daaf6152771-02713d6af862"} {
		w := newWalk(t)
		w.ja4(chromeTLS).read("tls_fingerprint_change")
		wantMissing(t, w.ja4(s).read("tls_fingerprint_change"), "ja4")
		want(t, w.ja4(goTLS).read("tls_fingerprint_change"), 2, 4) // it launders nothing
	}
	w := newWalk(t)
	w.ja4(chromeTLS).read("tls_fingerprint_change")
	w.Event.Request.Class = riskd.ClassOpen
	wantMissing(t, w.ja4(goTLS).read("tls_fingerprint_change"), "class")
	w.Event.Request.Class = riskd.ClassStandard
	want(t, w.ja4(chromeTLS).read("tls_fingerprint_change"), 0, 0)
}

// A day of one browser, which resumes, opens WebSockets, speaks QUIC and TCP and
// updates itself at noon, comes to a nat.
func TestTLSFingerprintOnAnOrdinaryDay(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t), 0.0
	day := []string{chromeTLS, chromeQUIC, chromeResumed, chromeSocket, chromeQUIC, chromeTLS, chromeSocket, chromeResumed}
	for i := range 400 {
		agent := chrome145
		if i >= 200 {
			agent = chrome146
		}
		total += w.ja4(day[i%len(day)]).agent(agent).read("tls_fingerprint_change").Nats
		w.goOn(time.Minute)
	}
	if total > 1 {
		t.Errorf("comes to %v nats", total)
	}
}
