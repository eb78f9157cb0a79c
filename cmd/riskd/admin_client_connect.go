package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/riskd/riskd/callers"
)

// Where the admin listener is, and what it is shown, unless flags say otherwise.
const (
	adminVariable = "RISKD_ADMIN"
	tokenVariable = "RISKD_TOKEN_FILE"
	caVariable    = "RISKD_CA"
	certVariable  = "RISKD_CERT"
	keyVariable   = "RISKD_KEY"
	defaultAdmin  = "http://127.0.0.1:8182"
)

// adminClient asks a riskd at its admin listener.
type adminClient struct {
	name    string // of the listener, for people
	address *url.URL
	token   string
	http    http.Client
}

// adminPlace is where the admin listener is, and which files are shown to it.
type adminPlace struct{ address, token, ca, cert, key string }

// adminFlag gives a command the flags that say which riskd it asks, and as whom.
func adminFlag(flags *flag.FlagSet) (connect func() (*adminClient, error)) {
	var given adminPlace
	flags.StringVar(&given.address, "admin", "", "ask at the admin listener `URL`, or unix:///path, else at $"+adminVariable+", else at "+defaultAdmin)
	flags.StringVar(&given.token, "token-file", "", "show the token in `FILE`, else in $"+tokenVariable)
	flags.StringVar(&given.ca, "ca", "", "trust the authorities in `FILE`, else in $"+caVariable+", else the system's")
	flags.StringVar(&given.cert, "cert", "", "show the certificate in `FILE`, else in $"+certVariable)
	flags.StringVar(&given.key, "key", "", "it goes with the key in `FILE`, else in $"+keyVariable)
	return func() (*adminClient, error) {
		return newAdminClient(adminPlace{
			cmp.Or(given.address, os.Getenv(adminVariable), defaultAdmin), cmp.Or(given.token, os.Getenv(tokenVariable)),
			cmp.Or(given.ca, os.Getenv(caVariable)), cmp.Or(given.cert, os.Getenv(certVariable)), cmp.Or(given.key, os.Getenv(keyVariable)),
		})
	}
}

func newAdminClient(p adminPlace) (*adminClient, error) {
	c := &adminClient{}
	c.http.Timeout = maxAsking
	// What an order names is for no other place than the one that was asked.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	c.http.Transport = transport
	if err := c.find(p.address, transport); err != nil {
		return nil, err
	}
	if err := c.show(&p, transport); err != nil {
		return nil, err
	}
	return c, nil
}

// find takes in where the listener is.
func (c *adminClient) find(address string, transport *http.Transport) error {
	if path, ok := callers.SocketPath(address); ok {
		c.name, c.address, transport.Proxy = "unix://"+path, &url.URL{Scheme: "http", Host: "localhost"}, nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return nil
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return &usageError{"-admin, or " + adminVariable + ", doesn't hold the URL of a listener", "give one such as " + defaultAdmin}
	}
	c.name, c.address = u.Redacted(), u
	return nil
}

// show takes in what the client shows of itself, and whom it trusts.
func (c *adminClient) show(p *adminPlace, transport *http.Transport) error {
	if p.token != "" {
		text, err := os.ReadFile(p.token)
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		if c.token = strings.TrimSpace(string(text)); !c.private() {
			return &usageError{"a token isn't sent in the clear to " + c.address.Hostname(), "ask there by https, or through a tunnel to this machine"}
		}
	}
	if p.ca+p.cert+p.key == "" {
		return nil
	}
	if c.address.Scheme != "https" {
		return &usageError{"-ca, -cert and -key do nothing without https", "give an -admin such as https://riskd.example.com:8182"}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	transport.TLSClientConfig = config
	if p.ca != "" {
		text, err := os.ReadFile(p.ca)
		if err != nil {
			return fmt.Errorf("ca: %w", err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("ca: %s holds no certificate in PEM", p.ca)
		}
	}
	if (p.cert == "") != (p.key == "") {
		return &usageError{"-cert and -key go together", "name the files of both"}
	}
	if p.cert != "" {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return fmt.Errorf("cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// private reports whether nobody on the way can read what is sent.
func (c *adminClient) private() bool {
	host := c.address.Hostname()
	ip, err := netip.ParseAddr(host)
	return c.address.Scheme == "https" || host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
