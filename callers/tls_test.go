package callers_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/callers/callerstest"
)

// secure serves who over TLS.
func secure(t *testing.T, material *callers.TLS, grants ...callers.Grant) (url string) {
	t.Helper()
	c, err := callers.New(callers.Options{Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, tls.NewListener(l, material.Config("http/1.1")), c)
	return "https://" + l.Addr().String() + "/"
}

func tlsClient(trust *callerstest.Authority, show ...tls.Certificate) *http.Client {
	config := &tls.Config{RootCAs: trust.Pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(show) == 0 {
			return &tls.Certificate{}, nil
		}
		return &show[0], nil // also where the server doesn't want that one
	}}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

func openTLS(t *testing.T, f callerstest.Files) *callers.TLS {
	t.Helper()
	material, err := callers.OpenTLS(callers.TLSFiles{Cert: f.Cert, Key: f.Key, ClientCA: f.CA})
	if err != nil {
		t.Fatal(err)
	}
	return material
}

const edgeID = "spiffe://example.com/edge"

func TestCertificatesAreCallers(t *testing.T) {
	t.Parallel()
	ours, theirs := callerstest.NewAuthority(t), callerstest.NewAuthority(t)
	secret, hash := callers.NewToken()
	url := secure(
		t, openTLS(t, ours.WriteServer(t.TempDir())),
		callers.Grant{Caller: named("edge", riskd.RoleGateway), Certificates: []string{edgeID, "edge.example.com"}},
		callers.Grant{Caller: named("idp", riskd.RoleIngest), Tokens: []callers.Token{hash}},
	)
	pair := func(change func(*x509.Certificate)) tls.Certificate {
		in, err := tls.X509KeyPair(ours.Issue(change, edgeID))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	bearer := map[string]string{"Authorization": "Bearer " + secret}
	for name, test := range map[string]struct {
		client *http.Client
		header map[string]string
		want   string
	}{
		"its URI":                           {tlsClient(ours, ours.Client(edgeID)), nil, "200 edge"},
		"its DNS name":                      {tlsClient(ours, ours.Client("edge.example.com")), nil, "200 edge"},
		"no certificate":                    {tlsClient(ours), nil, "401"},
		"no certificate, a token":           {tlsClient(ours), bearer, "200 idp"},
		"another's name":                    {tlsClient(ours, ours.Client("spiffe://example.com/other")), nil, "401"},
		"a name that isn't ours":            {tlsClient(ours, ours.Client("spiffe://example.org/edge")), nil, "401"},
		"another's name and a token":        {tlsClient(ours, ours.Client("other.example.com")), bearer, "200 idp"},
		"a certificate and another token":   {tlsClient(ours, ours.Client(edgeID)), bearer, "401"},
		"of another authority":              {tlsClient(ours, theirs.Client(edgeID)), nil, "error"},
		"of another, with a token":          {tlsClient(ours, theirs.Client(edgeID)), bearer, "error"},
		"that has ended":                    {tlsClient(ours, pair(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), nil, "error"},
		"that is for servers":               {tlsClient(ours, pair(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), nil, "error"},
		"the name is only in the subject":   {tlsClient(ours, pair(func(c *x509.Certificate) { c.URIs, c.Subject.CommonName = nil, "edge.example.com" })), nil, "401"},
		"the name is only that of an email": {tlsClient(ours, pair(func(c *x509.Certificate) { c.URIs, c.EmailAddresses = nil, []string{"edge.example.com"} })), nil, "401"},
	} {
		if got := ask(t, test.client, url, test.header); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestTLSOfOldIsRefused(t *testing.T) {
	t.Parallel()
	ours := callerstest.NewAuthority(t)
	url := secure(t, openTLS(t, ours.WriteServer(t.TempDir())), callers.Grant{Caller: named("edge", riskd.RoleGateway), UIDs: []uint32{1}})
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", strings.Trim(url, "htps:/"), &tls.Config{RootCAs: ours.Pool(), MinVersion: version, MaxVersion: version})
		if err == nil {
			c.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// Without all of its material a listener doesn't start; what has gone wrong later
// leaves what was in force before, and is told.
func TestTLSNeverFailsOpen(t *testing.T) {
	t.Parallel()
	ours := callerstest.NewAuthority(t)
	good := ours.WriteServer(t.TempDir())
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, otherKey := ours.Issue(nil, "x.example.com")
	ca := read(good.CA)
	for name, test := range map[string]struct {
		field string
		text  []byte // nil: the file isn't there
	}{
		"no cert":             {"cert", nil},
		"no key":              {"key", nil},
		"no CA":               {"client_ca", nil},
		"an empty cert":       {"cert", []byte{}},
		"an empty CA":         {"client_ca", []byte{}},
		"a CA of junk":        {"client_ca", []byte("junk")},
		"a CA cut off":        {"client_ca", ca[:len(ca)/2]},
		"a second CA cut off": {"client_ca", append(bytes.Clone(ca), ca[:len(ca)/2]...)},
		"a first CA damaged":  {"client_ca", append(bytes.Replace(ca, []byte("MII"), []byte("M!I"), 1), ca...)},
		"a key for a CA":      {"client_ca", otherKey},
		"a key beside the CA": {"client_ca", append(bytes.Clone(ca), otherKey...)},
		"another key":         {"key", otherKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := callerstest.Files{}
			dir := t.TempDir()
			for field, to := range map[string]*string{"cert": &f.Cert, "key": &f.Key, "client_ca": &f.CA} {
				*to = filepath.Join(dir, field)
				text := read(map[string]string{"cert": good.Cert, "key": good.Key, "client_ca": good.CA}[field])
				if err := os.WriteFile(*to, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			material := openTLS(t, f)
			url := secure(t, material, callers.Grant{Caller: named("edge", riskd.RoleGateway), Certificates: []string{edgeID}})
			client := tlsClient(ours, ours.Client(edgeID))

			path := filepath.Join(dir, test.field)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if test.text != nil {
				if err := os.WriteFile(path, test.text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := callers.OpenTLS(callers.TLSFiles{Cert: f.Cert, Key: f.Key, ClientCA: f.CA})
			var fault *callers.FileError
			if !errors.As(err, &fault) || fault.Field != test.field && test.field != "key" {
				t.Fatalf("a start gives %v, want a fault of %s", err, test.field)
			}
			if strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("the error holds the key: %v", err)
			}
			if changed, err := material.Reload(); !changed || err == nil {
				t.Errorf("a reload gives %t, %v", changed, err)
			}
			if changed, err := material.Reload(); changed || err == nil {
				t.Errorf("another reload gives %t, %v", changed, err)
			}
			if material.Fault(time.Now()) == nil {
				t.Error("the fault isn't told")
			}
			if got := ask(t, client, url, nil); got != "200 edge" {
				t.Errorf("the caller gets %s", got)
			}
			if got := ask(t, tlsClient(ours), url, nil); got != "401" {
				t.Errorf("nobody gets %s", got)
			}
		})
	}
}

func TestTLSTellsItsEnd(t *testing.T) {
	t.Parallel()
	material := openTLS(t, callerstest.NewAuthority(t).WriteServer(t.TempDir()))
	ends := material.Ends()
	if err := material.Fault(ends.Add(-time.Second)); err != nil {
		t.Errorf("before the end: %v", err)
	}
	if err := material.Fault(ends); err == nil || !strings.Contains(err.Error(), "cert: has ended at") {
		t.Errorf("at the end: %v", err)
	}
}

// New files come into force while requests are answered, and none is lost: on
// connections that are there, nor on new ones.
func TestTLSReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, after := callerstest.NewAuthority(t), callerstest.NewAuthority(t)
	files := before.WriteServer(dir)
	material := openTLS(t, files)
	url := secure(t, material, callers.Grant{Caller: named("edge", riskd.RoleGateway), Certificates: []string{edgeID}})
	trust := before.Pool()
	trust.AppendCertsFromPEM(after.CA())
	old, fresh := before.Client(edgeID), after.Client(edgeID)
	with := func(show tls.Certificate, keep bool) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: !keep, TLSClientConfig: &tls.Config{RootCAs: trust, Certificates: []tls.Certificate{show}}}}
	}

	var stop atomic.Bool
	var asked, lost atomic.Int64
	warm := make(chan struct{}, 4)
	var all sync.WaitGroup
	for range cap(warm) {
		all.Go(func() {
			fleeting, kept := with(old, false), with(old, true)
			for n := 0; n < 20 || !stop.Load(); n++ {
				for _, client := range []*http.Client{fleeting, kept} {
					if asked.Add(1); ask(t, client, url, nil) != "200 edge" {
						lost.Add(1)
					}
				}
				if n == 0 {
					warm <- struct{}{}
				}
			}
		})
	}
	for range cap(warm) {
		<-warm
	}
	reload := func(ca []byte) {
		t.Helper()
		after.WriteServer(dir)
		if err := os.WriteFile(files.CA, ca, 0o600); err != nil {
			t.Fatal(err)
		}
		if changed, err := material.Reload(); !changed || err != nil {
			t.Errorf("the reload gives %t, %v", changed, err)
		}
	}
	for range 20 { // both authorities count for a while, as when one follows the other
		reload(append(before.CA(), after.CA()...))
	}
	stop.Store(true)
	all.Wait()
	if n := lost.Load(); n > 0 {
		t.Errorf("%d of %d requests were lost", n, asked.Load())
	}
	t.Logf("%d requests over 20 reloads", asked.Load())
	reload(after.CA())
	if got := ask(t, with(fresh, false), url, nil); got != "200 edge" {
		t.Errorf("with the new certificate: %s", got)
	}
	if got := ask(t, with(old, false), url, nil); got == "200 edge" {
		t.Errorf("with the certificate of before: %s", got)
	}
}

func TestTLSWatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours := callerstest.NewAuthority(t)
	material := openTLS(t, ours.WriteServer(dir))
	told := make(chan error)
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		material.Watch(t.Context(), time.Millisecond, func(err error) {
			select {
			case told <- err:
			case <-stop:
			}
		})
	}()
	t.Cleanup(func() { close(stop); <-done })
	f := ours.WriteServer(t.TempDir())
	if err := os.Rename(f.Cert, filepath.Join(dir, "server.pem")); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err == nil { // the key isn't there yet
		t.Error("half a change is taken for a whole one")
	}
	if err := os.Rename(f.Key, filepath.Join(dir, "server.key")); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil || material.Fault(time.Now()) != nil {
		t.Errorf("the whole change: %v, %v", err, material.Fault(time.Now()))
	}
}

// A certificate that was shown but not verified names nobody, however it came to be
// taken.
func TestUnverifiedCertificatesHaveNoNames(t *testing.T) {
	t.Parallel()
	leaf, err := x509.ParseCertificate(callerstest.NewAuthority(t).Client(edgeID).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]*tls.ConnectionState{
		"in the clear":   nil,
		"no certificate": {},
		"not verified":   {PeerCertificates: []*x509.Certificate{leaf}},
	} {
		if names, ends := callers.CertificateNames(state); names != nil || !ends.IsZero() {
			t.Errorf("%s: %v until %s", name, names, ends)
		}
	}
	names, ends := callers.CertificateNames(&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}})
	if len(names) != 1 || names[0] != edgeID || !ends.Equal(leaf.NotAfter) {
		t.Errorf("verified: %v until %s", names, ends)
	}
}
