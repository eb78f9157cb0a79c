package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// opaPath is where gateways' plugins for OPA find riskd: it is OPA's own path of a
// document of data, with the profile for the document's name.
const opaPath = "/v1/data/riskd/{profile}"

// opaData answers POST /v1/data/riskd/{profile} as OPA's Data API answers the
// plugins of gateways: always 200 where there is a decision or a refusal, since they
// take anything else for a failure of OPA. A body that is none of theirs gets a
// problem, which has no result, and so they close.
func (a *API) opaData(w http.ResponseWriter, r *http.Request) int {
	body, p := readBody(r, MaxEvent)
	if p != nil {
		return writeProblem(w, p)
	}
	in, err := decodeOPAInput(body.b)
	body.free()
	if err != nil {
		return writeProblem(w, refused(err))
	}
	e, code := a.Gateways.Event(r.PathValue("profile"), in)
	if code != "" {
		return writeJSON(w, http.StatusOK, tellOPA(gateway.Refuse(code), nil))
	}
	d, err := a.decide(r.Context(), e)
	if err != nil {
		return writeProblem(w, refused(err))
	}
	return writeJSON(w, http.StatusOK, tellOPA(gateway.Tell(&d), &d))
}

// opaAnswer is what plugins get. Its result has the same under each of the names
// that they look for.
type opaAnswer struct {
	Result     opaResult `json:"result"`
	DecisionID string    `json:"decision_id,omitzero"`
}

type opaResult struct {
	Allow      bool              `json:"allow"`       // APISIX, Kong
	Allowed    bool              `json:"allowed"`     // Envoy's
	StatusCode int               `json:"status_code"` // APISIX
	Status     int               `json:"status"`      // Kong
	HTTPStatus int               `json:"http_status"` // Envoy's
	Headers    map[string]string `json:"headers"`
	Reason     string            `json:"reason"`  // APISIX's body
	Message    string            `json:"message"` // Kong's body
	Decision   string            `json:"decision"`
	Score      int               `json:"score"`
	Reasons    []string          `json:"reasons"`
}

func tellOPA(a gateway.Answer, d *riskd.Decision) *opaAnswer {
	headers := make(map[string]string, len(gateway.Headers)+1)
	for i, name := range gateway.Headers {
		headers[name] = a.Values[i]
	}
	if a.Challenge != "" {
		headers["WWW-Authenticate"] = a.Challenge
	}
	out := &opaAnswer{Result: opaResult{
		Allow: a.Status == http.StatusOK, StatusCode: a.Status, Headers: headers, Decision: a.Outcome, Reason: a.Outcome, Reasons: []string{},
	}}
	if d != nil {
		out.DecisionID, out.Result.Score = d.ID, d.Score
		for i := range d.Reasons {
			out.Result.Reasons = append(out.Result.Reasons, d.Reasons[i].Code)
		}
	} else {
		out.Result.Reason = a.Values[3] // why there is no decision
	}
	r := &out.Result
	r.Allowed, r.Status, r.HTTPStatus, r.Message = r.Allow, r.StatusCode, r.StatusCode, r.Reason
	return out
}

// opaInput is what plugins send, as far as riskd looks at it: of the three forms
// exactly one has to be there.
type opaInput struct {
	Input struct {
		// Kong: request.http and client_ip. APISIX: type, request and var.
		Type     string `json:"type"`
		ClientIP string `json:"client_ip"`
		Request  *struct {
			HTTP    *opaRequest `json:"http"`
			Method  string      `json:"method"`
			Headers opaHeaders  `json:"headers"`
		} `json:"request"`
		Var *struct {
			RemoteAddr string `json:"remote_addr"`
		} `json:"var"`
		// Envoy: a CheckRequest.
		Attributes *struct {
			Source struct {
				Address struct {
					SocketAddress struct {
						Address string `json:"address"`
					} `json:"socketAddress"`
				} `json:"address"`
			} `json:"source"`
			Request struct {
				HTTP *opaRequest `json:"http"`
			} `json:"request"`
		} `json:"attributes"`
	} `json:"input"`
}

type opaRequest struct {
	Method  string     `json:"method"`
	Path    string     `json:"path"`
	Headers opaHeaders `json:"headers"`
}

// maxOPADepth is how deep a plugin's document may be nested: what there is beside
// what riskd looks at is the plugins' matter, routes, services and consumers.
const maxOPADepth = 32

// decodeOPAInput reads the body of a plugin. Lua sends the bytes of headers as they
// are, and some old agents' are Latin-1, so text that is no UTF-8 is mended.
func decodeOPAInput(body []byte) (*gateway.Request, error) {
	var o opaInput
	if deeperThan(body, maxOPADepth) {
		return nil, &riskd.FieldError{Path: documentPath, Detail: fmt.Sprintf("is nested more than %d deep", maxOPADepth)}
	}
	if err := json.Unmarshal(body, &o, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, documentFault(err, body, reflect.TypeFor[opaInput](), maxOPADepth)
	}
	return o.read()
}

// read finds the form, and in it what the client asked for. The path is taken of
// Envoy alone: the others tell it decoded and cleaned, and send another to the
// application.
func (o *opaInput) read() (*gateway.Request, error) {
	in, address := &o.Input, ""
	var asked opaRequest
	kong := in.Request != nil && in.Request.HTTP != nil
	apisix := in.Request != nil && in.Type != ""
	switch {
	case in.Attributes != nil && in.Attributes.Request.HTTP != nil && in.Request == nil:
		asked, address = *in.Attributes.Request.HTTP, in.Attributes.Source.Address.SocketAddress.Address
	case kong && !apisix && in.Attributes == nil:
		asked, address = *in.Request.HTTP, in.ClientIP
		asked.Path = ""
	case apisix && !kong && in.Type == "http" && in.Var != nil && in.Attributes == nil:
		asked.Method, asked.Headers, address = in.Request.Method, in.Request.Headers, in.Var.RemoteAddr
	default:
		return nil, &riskd.FieldError{Path: "input", Detail: "must be what the OPA plugin of Kong, of APISIX or of Envoy sends"}
	}
	peer, err := netip.ParseAddr(address)
	if err != nil {
		return nil, &riskd.FieldError{Path: "input", Detail: "has no address of the client: client_ip, var.remote_addr or attributes.source.address.socketAddress.address"}
	}
	if asked.Method == "" {
		return nil, &riskd.FieldError{Path: "input", Detail: "has no method of the request"}
	}
	return &gateway.Request{
		Header: http.Header(asked.Headers), Peer: peer.Unmap().WithZone(""), Told: true, Method: asked.Method, Path: asked.Path,
	}, nil
}
