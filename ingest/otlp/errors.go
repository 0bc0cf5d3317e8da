package otlp

import (
	"errors"
	"fmt"
)

// errWireType and errLimit mark what is refused although it is valid protobuf:
// a field whose type no version of OTLP gave it, and a record that would take
// far more memory than it has bytes.
var (
	errWireType = errors.New("unexpected wire type")
	errLimit    = errors.New("over the limit")
)

// pathError says in which field of a record the fault is.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// in puts a field in front of the path of err.
func in(field string, err error) error {
	if inner := (*pathError)(nil); errors.As(err, &inner) {
		return &pathError{field + "." + inner.path, inner.err}
	}
	return &pathError{field, err}
}

// at puts a repeated field's i-th value in front of the path of err.
func at(field string, i int, err error) error { return in(fmt.Sprintf("%s[%d]", field, i), err) }
