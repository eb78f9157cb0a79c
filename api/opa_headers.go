package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// opaHeaders are a client's: an object whose values are strings, or arrays of them
// where a header came more than once.
type opaHeaders http.Header

var errHeaders = errors.New("must be an object whose values are strings or arrays of strings")

// UnmarshalJSONFrom makes the names canonical: two that are the same then have two
// values, as they would have had on the wire.
func (h *opaHeaders) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	open, err := d.ReadToken()
	if err != nil {
		return err
	}
	if open.Kind() != '{' {
		return errHeaders
	}
	*h = opaHeaders{}
	for d.PeekKind() != '}' {
		var name string
		var value jsontext.Value
		if err := json.UnmarshalDecode(d, &name); err != nil {
			return err
		}
		if value, err = d.ReadValue(); err != nil {
			return err
		}
		if err := h.add(name, value); err != nil {
			return err
		}
	}
	_, err = d.ReadToken()
	return err
}

func (h opaHeaders) add(name string, value jsontext.Value) error {
	var values []string
	var err error
	switch value.Kind() {
	case '"':
		values = make([]string, 1)
		err = json.Unmarshal(value, &values[0])
	case '[':
		err = json.Unmarshal(value, &values)
	default:
		err = errHeaders
	}
	if err != nil {
		return errHeaders
	}
	if strings.HasPrefix(name, ":") {
		return nil // HTTP/2's own
	}
	name = http.CanonicalHeaderKey(name)
	h[name] = append(h[name], values...)
	return nil
}
