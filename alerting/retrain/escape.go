package retrain

import (
	"fmt"
	"strings"
)

// escape makes a name from records fit for one part of a path: letters,
// digits, "-", "_" and a "." that does not begin it stay, all other bytes
// become %XX. Different names stay different, and none leads out of a folder.
func escape(name string) string {
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0
		if plain {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	if out.Len() == 0 {
		return "%"
	}
	return out.String()
}
