package dlq

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Filter chooses dead letters. The zero value chooses all.
type Filter struct {
	Reason     string    // exactly
	Partition  *int32    // of the original record
	FromOffset *int64    // of the original record, inclusive
	ToOffset   *int64    // of the original record, inclusive
	Since      time.Time // of the original record, inclusive
	Until      time.Time // of the original record, exclusive
	Contains   string    // part of the error, case matters
}

// Validate reports every mistake.
func (f Filter) Validate() error {
	var errs []error
	if f.Partition != nil && *f.Partition < 0 {
		errs = append(errs, fmt.Errorf("partition is %d; give 0 or more", *f.Partition))
	}
	if f.FromOffset != nil && f.ToOffset != nil && *f.FromOffset > *f.ToOffset {
		errs = append(errs, fmt.Errorf("offsets from %d to %d are none; give the smaller one first", *f.FromOffset, *f.ToOffset))
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		errs = append(errs, fmt.Errorf("no time lies between %s and %s; give the earlier one first", f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

func (f Filter) match(l *Letter) bool {
	switch {
	case f.Reason != "" && l.Reason != f.Reason,
		f.Partition != nil && l.Partition != *f.Partition,
		f.FromOffset != nil && l.Offset < *f.FromOffset,
		f.ToOffset != nil && l.Offset > *f.ToOffset,
		!f.Since.IsZero() && l.Timestamp.Before(f.Since),
		!f.Until.IsZero() && !l.Timestamp.Before(f.Until):
		return false
	}
	return strings.Contains(l.Error, f.Contains)
}
