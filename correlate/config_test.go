package correlate_test

import (
	"strings"
	"testing"

	"github.com/driftline/driftline/correlate"
)

func TestDefaultIsValid(t *testing.T) {
	if err := correlate.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateReportsEveryMistake(t *testing.T) {
	err := correlate.Config{JoinWithin: -1, WideShare: 2}.Validate()
	for _, key := range []string{"join_within", "resolve_after", "wide_share", "grow_by"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported in %v", key, err)
		}
	}
}
