package ingest

import (
	"fmt"
	"strconv"
	"strings"
)

// decoderVersion is part of tokens and intents: a decoder that makes other
// rows of the same records must not count as a repetition.
const decoderVersion = 1

// intentOf is the commit metadata that announces a batch up to offset b.
func intentOf(b int64) string { return fmt.Sprintf("v1|pend=%d|dec=%d", b, decoderVersion) }

// parseIntent finds the end of the pending batch; 0 when none is.
func parseIntent(metadata string) (int64, error) {
	if metadata == "" {
		return 0, nil
	}
	rest, ok := strings.CutPrefix(metadata, "v1|pend=")
	if !ok {
		return 0, fmt.Errorf("commit metadata %q is not of this program: is the consumer group used by another one?", metadata)
	}
	end, _, _ := strings.Cut(rest, "|")
	b, err := strconv.ParseInt(end, 10, 64)
	if err != nil || b <= 0 {
		return 0, fmt.Errorf("commit metadata %q names no offset", metadata)
	}
	return b, nil
}
