package clickhouse

import "testing"

// SketchesOnly keeps small windows from being counted exactly during a test.
func SketchesOnly(t testing.TB) {
	was := exactValues
	exactValues = 0
	t.Cleanup(func() { exactValues = was })
}
