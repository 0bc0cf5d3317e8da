package clickhouse

import (
	"errors"
	"slices"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cenkalti/backoff/v5"
)

// What becomes of a block by the code of the server's answer: all others are
// tried again, since what they tell of may pass (the server is overloaded,
// restarting, read-only, out of memory or of disk).
var (
	// final are faults of tables and rights, which a person has to mend.
	final = []proto.Error{
		proto.ErrUnknownTable, proto.ErrUnknownDatabase, proto.ErrNoSuchColumnInTable, proto.ErrUnknownIdentifier,
		proto.ErrTypeMismatch, proto.ErrThereIsNoColumn, proto.ErrIllegalColumn, proto.ErrUnknownSetting,
		proto.ErrAuthenticationFailed, proto.ErrNotImplemented, proto.ErrIncorrectNumberOfColumns, proto.ErrAccessDenied,
	}
	// data are faults of values: the block would be taken without one of its rows.
	data = []proto.Error{
		proto.ErrViolatedConstraint, proto.ErrIncorrectData, proto.ErrValueIsOutOfRangeOfDataType, proto.ErrTooLargeStringSize, proto.ErrTooLargeArraySize,
		proto.ErrArgumentOutOfBound, proto.ErrCannotConvertType, proto.ErrCannotParseText, proto.ErrCannotParseNumber, proto.ErrCannotParseDate,
		proto.ErrCannotParseDatetime, proto.ErrCannotParseUUID, proto.ErrDecimalOverflow, proto.ErrSizesOfArraysDontMatch,
	}
	// crowded are faults of too many small blocks: later and larger ones help.
	crowded = []proto.Error{proto.ErrTooManyParts}
)

// refusedError is a block that the server never takes, by the fault of a row.
type refusedError struct{ error }

// Refused makes the error known to who filled the block.
func (refusedError) Refused() bool { return true }

func (e refusedError) Unwrap() error { return e.error }

// classify marks errors that the same block would meet again: retrying them
// only hides the fault.
func classify(err error) error {
	switch code := codeOf(err); {
	case slices.Contains(final, code):
		return backoff.Permanent(err)
	case slices.Contains(data, code):
		return backoff.Permanent(refusedError{err})
	}
	return err
}

// codeOf is the code of the server's answer to an insert or a query; 0 when it
// gave none.
func codeOf(err error) proto.Error {
	if insert, ok := errors.AsType[*ch.Exception](err); ok {
		return insert.Code
	}
	if query, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return proto.Error(query.Code)
	}
	return 0
}

func isCrowded(err error) bool {
	return slices.Contains(crowded, codeOf(err))
}
