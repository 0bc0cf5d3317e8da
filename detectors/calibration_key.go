package detectors

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/driftline/driftline/schemas"
)

// calibrationMethod counts changes of how null distributions are made: what an
// earlier program made is then made anew.
const calibrationMethod = 1

// calibrationKey names all that a calibration depends on: the reference, the
// windows that it is cut into, the detectors and how they count. Cut says how a
// file's rows lie in windows; the version of production says it already.
func (p *Plan) calibrationKey(ref *schemas.Reference, cut string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %s %s %d/%d %d", calibrationMethod, ref.ID(), cut, p.Window, p.k, p.of, p.MinRows)
	for i := range p.detectors {
		fmt.Fprintf(h, " %s", p.detectors[i].Name)
	}
	for i := range ref.Features {
		f := ref.Features[i].Feature
		// Params are numbers and pointers to such: JSON says what they point to.
		params, err := json.Marshal(p.paramsOf(f))
		if err != nil { // a limit that is no number is refused by Validate
			params = []byte(err.Error())
		}
		fmt.Fprintf(h, "\n%q %t %s", f, p.features[f].Ignore, params)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
