package ingest

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// decoderVersion changes when a decoder makes other rows of the same records:
// those must not count as a repetition.
const decoderVersion = 1

// intent is what a commit says of the batch that begins at its offset.
type intent struct {
	end   int64     // of the batch; 0 when none is under way
	clock time.Time // when it was opened: too old and too young are told by it, also when it is repeated
	rules string    // fingerprint of what decides how its records decode
	parts bool      // the store refused it as a whole: it is written in parts
}

const intentVersion = "v1"

func (i intent) String() string {
	text := fmt.Sprintf("%s|pend=%d|at=%d|rules=%s", intentVersion, i.end, i.clock.UnixMilli(), i.rules)
	if i.parts {
		text += "|parts=1"
	}
	return text
}

// parseIntent reads a commit's metadata. Fields that it does not know are
// those of a later version, whose rules are others anyway.
func parseIntent(metadata string) (intent, error) {
	if metadata == "" {
		return intent{}, nil
	}
	fields := strings.Split(metadata, "|")
	if fields[0] != intentVersion {
		return intent{}, fmt.Errorf("commit metadata %.200q is not of this program: is the consumer group used by another one?", metadata)
	}
	var i intent
	for _, f := range fields[1:] {
		var err error
		switch key, value, _ := strings.Cut(f, "="); key {
		case "pend":
			i.end, err = strconv.ParseInt(value, 10, 64)
		case "at":
			var ms int64
			ms, err = strconv.ParseInt(value, 10, 64)
			i.clock = time.UnixMilli(ms)
		case "rules":
			i.rules = value
		case "parts":
			i.parts = value == "1"
		}
		if err != nil {
			return intent{}, fmt.Errorf("commit metadata %.200q: %w", metadata, err)
		}
	}
	if i.end <= 0 {
		return intent{}, fmt.Errorf("commit metadata %.200q names no offset", metadata)
	}
	return i, nil
}

// rulesOf is the fingerprint of all that decides how a topic's records decode.
func (in *Ingester) rulesOf(t Topic) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %+v %d %s %s %s", decoderVersion, t, in.cfg.MaxFeatures, in.cfg.MaxAge, in.cfg.MaxAhead, in.privacyRules(t))
	return hex.EncodeToString(h.Sum(nil))
}
