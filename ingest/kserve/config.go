package kserve

import (
	"errors"
	"time"
)

// Config of a [Joiner]. Owners of a partition that differ in it make different
// events of the same records.
type Config struct {
	// Window is how many offsets a half waits for the other one, and how far
	// apart repeats may be. More finds partners after longer; taking over a
	// partition reads twice as many records back, and every half in the window
	// takes some 300 bytes beside its rows. Default 50,000.
	Window int64
	// MaxAge is how long a half waits by the timestamps of records. It should
	// exceed the slowest inference by far. Default 5m; negative is no limit.
	MaxAge time.Duration
	// MaxRows is how many instances may wait in a partition; beyond, the oldest
	// halves become events without their partners. One record makes no more
	// events than this and its own instances. Default 50,000.
	MaxRows int
	// MaxBytes is how much memory waiting halves may take, by an estimate.
	// Default 64 MiB.
	MaxBytes int64
}

// orDefault fills in what is zero.
func (c Config) orDefault() Config {
	if c.Window == 0 {
		c.Window = 50_000
	}
	if c.MaxAge == 0 {
		c.MaxAge = 5 * time.Minute
	}
	if c.MaxRows == 0 {
		c.MaxRows = 50_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	return c
}

// maxWindow keeps sums of offsets from overflowing, and marks in memory.
const maxWindow = 1 << 30

// Validate returns all faults.
func (c Config) Validate() error {
	c = c.orDefault()
	var errs []error
	if c.Window < 1 || c.Window > maxWindow {
		errs = append(errs, errors.New("window must be between 1 and 2^30 offsets"))
	}
	if c.MaxRows < 1 {
		errs = append(errs, errors.New("max_rows must be positive"))
	}
	if c.MaxBytes < 1 {
		errs = append(errs, errors.New("max_bytes must be positive"))
	}
	return errors.Join(errs...)
}

// Lookback is how many offsets before the first one of its own an owner reads.
func (c Config) Lookback() int64 { return 2 * c.orDefault().Window }

// From is the offset from which the owner of a partition gives records to a
// new joiner, dropping the events of those before committed. It is the lookback
// before committed, if the record before committed is still there; the log's
// start if that is later.
func (c Config) From(committed int64) int64 { return max(0, committed-c.Lookback()) }
