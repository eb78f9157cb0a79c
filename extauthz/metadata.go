package extauthz

import (
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// metadataOf is what Envoy's later filters and its access log can read under
// envoy.filters.http.ext_authz. Its members are the same in every answer, but for
// the score, which only decisions have.
func metadataOf(a *gateway.Answer, d *riskd.Decision) *structpb.Struct {
	texts := [...]struct{ name, text string }{
		{"decision", a.Outcome},
		{"decision_id", a.Values[valueID]},
		{"level", a.Values[valueLevel]},
		{"session", a.Values[valueSession]},
		{"policy", ""},
		{"policy_revision", ""},
	}
	fields := make(map[string]*structpb.Value, len(texts)+3)
	if d != nil {
		texts[4].text, texts[5].text = d.Pack, d.Revision
		fields["score"] = structpb.NewNumberValue(float64(d.Score))
	}
	values, kinds := make([]structpb.Value, len(texts)), make([]structpb.Value_StringValue, len(texts))
	for i := range texts {
		kinds[i].StringValue = text(texts[i].text)
		values[i].Kind = &kinds[i]
		fields[texts[i].name] = &values[i]
	}
	fields["reasons"], fields["degraded"] = codesOf(a.Values[valueReasons]), codesOf(a.Values[valueDegraded])
	return &structpb.Struct{Fields: fields}
}

// The places of gateway.Headers whose values are metadata, too.
const (
	valueLevel    = 2
	valueReasons  = 3
	valueID       = 4
	valueSession  = 6
	valueDegraded = 7
)

var noCodes = structpb.NewListValue(&structpb.ListValue{})

// codesOf takes a list of codes apart.
func codesOf(joined string) *structpb.Value {
	if joined == "" {
		return noCodes
	}
	list := &structpb.ListValue{}
	for code := range strings.SplitSeq(joined, ",") {
		list.Values = append(list.Values, structpb.NewStringValue(text(code)))
	}
	return structpb.NewListValue(list)
}

// text is what protobuf takes for a string: a whole answer can't be written that
// holds another.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
