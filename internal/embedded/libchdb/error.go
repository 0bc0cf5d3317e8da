package libchdb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Codes of ClickHouse exceptions that this project treats specially. The
// names are those of ClickHouse's ErrorCodes.
const (
	CodeNotImplemented    = 48
	CodeCannotOpenFile    = 76
	CodeUnexpectedPacket  = 99
	CodeUnknownSetting    = 115
	CodeNoFreeConnection  = 203
	CodeNetwork           = 210
	CodeMemoryLimit       = 241
	CodeAuthentication    = 516
	CodeUnknownException  = 1002
	messagePrefix         = "DB::Exception: "
	unknownExceptionClass = "DB::Exception"
)

// Error is an exception of the engine, or one that the server in front of it
// raises in the engine's form.
type Error struct {
	Code    int
	Message string // starts with "DB::Exception: "
}

// NewError makes an exception; message comes without the class name.
func NewError(code int, message string) *Error {
	return &Error{Code: code, Message: messagePrefix + message}
}

// Error implements the error interface.
func (e *Error) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Message) }

var errorForm = regexp.MustCompile(`(?s)^Code: (\d+)\. (DB::.*)$`)

// parseError reads the text form of an exception, "Code: 62. DB::Exception: ...".
func parseError(text string) *Error {
	text = strings.TrimSpace(text)
	if m := errorForm.FindStringSubmatch(text); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil {
			return &Error{Code: code, Message: m[2]}
		}
	}
	return NewError(CodeUnknownException, text)
}
