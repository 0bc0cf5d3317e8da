package dlq

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The encodings of a [Payload].
const (
	EncodingText = "text"
	EncodingHex  = "hex"
	EncodingNull = "null" // there are no bytes, which is not the same as zero bytes
)

// Payload is bytes fit for people and for JSON: text where they are text, and
// hexadecimal otherwise.
type Payload struct {
	Encoding string `json:"encoding"`
	Data     string `json:"data"`
}

// Header of an original record.
type Header struct {
	Name  string  `json:"name"`
	Value Payload `json:"value"`
}

func payload(b []byte) Payload {
	switch {
	case b == nil:
		return Payload{Encoding: EncodingNull}
	case isText(b):
		return Payload{EncodingText, string(b)}
	default:
		return Payload{EncodingHex, hex.EncodeToString(b)}
	}
}

// isText refuses control characters too: on a terminal they are commands.
func isText(b []byte) bool {
	return utf8.Valid(b) && strings.IndexFunc(string(b), func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r'
	}) < 0
}
