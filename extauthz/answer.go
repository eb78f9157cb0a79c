package extauthz

import (
	"encoding/json"
	"net/http"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// Parts that all answers share; they are only read.
var (
	passed          = &rpc.Status{Code: int32(codes.OK)}
	unauthenticated = &rpc.Status{Code: int32(codes.Unauthenticated), Message: "a sign-in is needed"}
	denied          = &rpc.Status{Code: int32(codes.PermissionDenied), Message: "not allowed"}
	appended        = wrapperspb.Bool(false)
	riskHeaders     = lowered(gateway.Headers[:])
)

func lowered(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	return out
}

// answer writes an answer in Envoy's words. d is nil where nothing was decided.
func answer(a *gateway.Answer, d *riskd.Decision, in *authv3.CheckRequest) *authv3.CheckResponse {
	out := &authv3.CheckResponse{DynamicMetadata: metadataOf(a, d)}
	switch a.Status {
	case http.StatusOK:
		out.Status = passed
		out.HttpResponse = &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			Headers: overwrite(riskHeaders, a.Values[:]), HeadersToRemove: disguised(in),
		}}
	case http.StatusUnauthorized:
		out.Status = unauthenticated
		out.HttpResponse = denial(typev3.StatusCode_Unauthorized, challengedHeaders, a, d)
	default:
		out.Status = denied
		out.HttpResponse = denial(typev3.StatusCode_Forbidden, deniedHeaders, a, d)
	}
	return out
}

// The headers of denials, which Envoy gives to the client. Those of the risk aren't
// among them: they would tell an attacker what he was noticed by.
var (
	deniedHeaders     = []string{"content-type", "cache-control"}
	challengedHeaders = []string{"content-type", "cache-control", "www-authenticate"}
)

func denial(code typev3.StatusCode, names []string, a *gateway.Answer, d *riskd.Decision) *authv3.CheckResponse_DeniedResponse {
	values := [...]string{"application/problem+json", "no-store", a.Challenge}
	return &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
		Status: &typev3.HttpStatus{Code: code}, Headers: overwrite(names, values[:len(names)]), Body: problem(a, d),
	}}
}

// overwrite gives headers that take the place of any others of their names. Which of
// the two fields counts depends on Envoy's version, and left out either appends.
func overwrite(names, values []string) []*corev3.HeaderValueOption {
	options, headers := make([]corev3.HeaderValueOption, len(names)), make([]corev3.HeaderValue, len(names))
	out := make([]*corev3.HeaderValueOption, len(names))
	for i := range names {
		headers[i].Key, headers[i].Value = names[i], text(values[i])
		options[i].Header = &headers[i]
		//lint:ignore SA1019 older Envoys look at nothing else
		options[i].Append = appended
		options[i].AppendAction = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
		out[i] = &options[i]
	}
	return out
}

var dashes = strings.NewReplacer("_", "-", ".", "-")

// disguised gives the client's headers that some servers would take for riskd's own.
func disguised(in *authv3.CheckRequest) (names []string) {
	h := in.GetAttributes().GetRequest().GetHttp()
	look := func(name string) {
		if !strings.ContainsAny(name, "_.") {
			return
		}
		plain := dashes.Replace(name)
		for _, own := range riskHeaders {
			if strings.EqualFold(plain, own) {
				names = append(names, name)
			}
		}
	}
	for name := range h.GetHeaders() {
		look(name)
	}
	for _, line := range h.GetHeaderMap().GetHeaders() {
		look(line.GetKey())
	}
	return names
}

// problem is the body that the client gets (RFC 9457): what to do, and the number to
// ask about; nothing of what riskd knows.
func problem(a *gateway.Answer, d *riskd.Decision) string {
	p := struct {
		Type       string `json:"type"`
		Title      string `json:"title"`
		Status     int    `json:"status"`
		Detail     string `json:"detail,omitempty"`
		Decision   string `json:"decision"`
		DecisionID string `json:"decision_id,omitempty"`
	}{Type: "about:blank", Title: http.StatusText(a.Status), Status: a.Status, Decision: a.Outcome}
	if d != nil {
		p.Detail, p.DecisionID = d.UserText, d.ID
	}
	text, err := json.Marshal(&p)
	if err != nil {
		panic(err) // it holds nothing that JSON couldn't
	}
	return string(text)
}
