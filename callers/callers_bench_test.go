package callers_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/callers"
)

// BenchmarkHTTP says what it costs to know the caller of a request by its token,
// among ten.
func BenchmarkHTTP(b *testing.B) {
	var grants []callers.Grant
	secret := ""
	for i := range 10 {
		s, token := callers.NewToken()
		grants, secret = append(grants, callers.Grant{Caller: named(fmt.Sprint("c", i), riskd.RoleGateway), Tokens: []callers.Token{token}}), s
	}
	c, err := callers.New(callers.Options{Grants: grants})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/v1/decisions", nil)
	r.Header.Set("Authorization", "Bearer "+secret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.HTTP(r); err != nil {
			b.Fatal(err)
		}
	}
}
