package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// The test below looks for raw values in every byte that leaves ingest, under
// random policies. Its own reading of the policies is kept as plain as their
// manual, and shares no code with the package.

// mayShow is what the manual says of a field: whether its value may leave, as
// it came.
func mayShow(policies []Policy, topic string, kind Kind, tenant, model, name, value string) bool {
	chosen := func(patterns []string, s string) bool {
		return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return patternOracle(p, s) })
	}
	for _, p := range policies {
		if !chosen(p.Topics, topic) || !chosen(p.Tenants, tenant) || !chosen(p.Models, model) || len(p.Kinds) > 0 && !slices.Contains(p.Kinds, kind) {
			continue
		}
		named := chosen(p.Fields, name)
		switch {
		case p.Action == ActionAllowFields && !named,
			named && (p.Action == ActionDrop || p.Action == ActionHash),
			named && p.Action == ActionTruncate && len(value) > int(p.Bytes),
			named && p.Action == ActionAllowValues && !slices.Contains(p.Values, value):
			return false
		}
	}
	return true
}

// secretEvent is a random event in which every text that a policy may touch is
// unique.
func secretEvent(rng *rand.Rand, n int) (e map[string]any, texts map[string]string) {
	texts = map[string]string{}
	features := map[string]any{}
	e = map[string]any{
		"tenant": fmt.Sprint("t", rng.IntN(3)), "model": fmt.Sprint("m", rng.IntN(3)), "timestamp": 1772366400000,
		"features": features, "score": rng.Float64(),
	}
	secret := func(name string) string {
		texts[name] = fmt.Sprintf("RAW%d-%08x-%s", n, rng.Uint32(), name)
		return texts[name]
	}
	for _, name := range []string{"segment", "request_id", "deployment", "pod", "node", "gpu", "prediction"} {
		if rng.IntN(4) > 0 {
			e[name] = secret(name)
		}
	}
	for i := range rng.IntN(6) {
		name := fmt.Sprint("c", i)
		features[name] = secret("features." + name)
	}
	features["n0"] = 1
	return e, texts
}

// secretNumber is one that a Float32 holds, so that its bytes can be looked for.
func secretNumber(rng *rand.Rand) float64 { return float64(1_000_000 + rng.IntN(9_000_000)) }

func bits(v float64) string {
	return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v))))
}

func randomPolicies(rng *rand.Rand) (out []Policy) {
	fields := []string{"segment", "request_id", "pod", "node", "gpu", "prediction", "features.c1", "features.*", "features.c*", "*", "*e*", "d*t"}
	pick := func(from []string, n int) (out []string) {
		for range n {
			out = append(out, from[rng.IntN(len(from))])
		}
		return out
	}
	for range 1 + rng.IntN(4) {
		p := Policy{Action: Actions[rng.IntN(len(Actions))], Fields: pick(fields, 1+rng.IntN(3))}
		switch p.Action {
		case ActionTruncate:
			p.Bytes = 5
		case ActionAllowValues:
			p.Values = []string{"x", "y"}
		}
		if rng.IntN(3) == 0 {
			p.Tenants = pick([]string{"t0", "t1", "t*", "*2"}, 1)
		}
		if rng.IntN(3) == 0 {
			p.Models = pick([]string{"m0", "m1", "m*"}, 2)
		}
		if rng.IntN(8) == 0 {
			p.Kinds = []Kind{Labels, Events}
		}
		if rng.IntN(8) == 0 {
			p.Topics = []string{"i*"}
		}
		out = append(out, p)
	}
	return out
}

// spoiled makes records of which nothing can be stored, each in another way.
func spoiled(rng *rand.Rand, value []byte) []byte {
	switch rng.IntN(6) {
	case 0:
		return value[:1+rng.IntN(len(value)-1)]
	case 1:
		return bytes.Replace(value, []byte(`"score":0`), []byte(`"score":z`), 1)
	case 2:
		return bytes.Replace(value, []byte(`"segment":"`), []byte(`"score":"`), 1)
	case 3:
		return bytes.ReplaceAll(value, []byte("1772366400000"), []byte(`"RAW-when"`))
	case 4:
		return append(value, "RAW"...)
	default:
		return bytes.Replace(value, []byte(`"n0":1`), []byte(`"RAW-n":[]`), 1)
	}
}

func TestNoRawValueLeaves(t *testing.T) {
	shown, hidden, dead := 0, 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		topic := Topic{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t0"}
		if rng.IntN(4) == 0 {
			topic.DeadLetters = LettersEncrypt
		}
		cfg := Config{Topics: []Topic{topic}, Policies: randomPolicies(rng), HashKey: testKey, LetterKeys: []LetterKey{letterKey("k", 1)}}
		agreed := &listening{localSchemas: localSchemas{}}
		var log bytes.Buffer
		in := gated(cfg)
		in.Schemas, in.warn = agreed, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b := newTestBatch(in, topic)
		may, mayNot := []string{}, []string{}
		for i := range 20 {
			e, texts := secretEvent(rng, i)
			secret := secretNumber(rng)
			e["features"].(map[string]any)["cents"] = secret
			value, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			r := &kgo.Record{Topic: "in", Offset: int64(i), Value: value, Key: []byte("RAW-key"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("RAW-header")}}}
			buried := len(b.dead)
			if rng.IntN(3) == 0 {
				r.Value = spoiled(rng, value)
			}
			if err := b.add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			for name, text := range texts {
				if len(b.dead) == buried && mayShow(cfg.Policies, "in", Events, e["tenant"].(string), e["model"].(string), name, text) {
					may = append(may, text)
				} else {
					mayNot = append(mayNot, text)
				}
			}
			// A number is kept or dropped: no action leaves a part of it, and none of its values is allowed.
			if len(b.dead) == buried && mayShow(cfg.Policies, "in", Events, e["tenant"].(string), e["model"].(string), "features.cents", strings.Repeat("9", 20)) {
				may = append(may, bits(secret))
			} else {
				mayNot = append(mayNot, bits(secret), fmt.Sprintf("%.0f", secret))
			}
			dead += len(b.dead) - buried
		}
		block := string(encodedInput(b.input()))
		for _, text := range may { // or else nothing is tested
			if !strings.Contains(block, text) {
				t.Fatalf("seed %d: %s is lost under %+v", seed, text, cfg.Policies)
			}
		}
		out := []string{block, log.String(), fmt.Sprint(agreed.said)}
		for _, r := range append(b.deadLetters(), b.touches("windows")...) {
			out = append(out, all(r))
		}
		for i, text := range append(mayNot, "RAW-key", "RAW-header", "RAW-when", "RAW-n") {
			for _, place := range out {
				if strings.Contains(place, text) {
					t.Fatalf("seed %d: %s (%d) is told under %+v:\n%.2000q", seed, text, i, cfg.Policies, place)
				}
			}
		}
		shown, hidden = shown+len(may), hidden+len(mayNot)
	}
	if shown < 1000 || hidden < 1000 || dead < 1000 {
		t.Errorf("%d values were to be shown, %d to be hidden, of %d dead letters", shown, hidden, dead)
	}
	t.Logf("%d values shown, %d hidden, %d dead letters", shown, hidden, dead)
}

// Names of features that are dropped are not agreed upon either.
func TestDroppedFeaturesAreNotAgreed(t *testing.T) {
	for _, p := range []Policy{
		{Action: ActionDrop, Fields: []string{"features.user.*"}},
		{Action: ActionAllowFields, Fields: []string{"features.age"}},
	} {
		agreed := &listening{localSchemas: localSchemas{}}
		topic := Topic{Topic: "in", Kind: Events, Format: FormatJSON, Tenant: "t"}
		in := gated(Config{Topics: []Topic{topic}, Policies: []Policy{p}})
		in.Schemas = agreed
		b := newTestBatch(in, topic)
		r := &kgo.Record{Topic: "in", Value: []byte(`{"model":"m","timestamp":1772366400000,"features":{"age":1,"user.SECRET":2,"user.SECRET2":"x"}}`)}
		if err := b.add(t.Context(), r); err != nil || len(b.dead) > 0 {
			t.Fatal(err, b.dead)
		}
		if said := fmt.Sprint(agreed.said); strings.Contains(said, "SECRET") || !strings.Contains(said, "age") {
			t.Error(said)
		}
	}
}

// listening agrees in memory and remembers what it was told.
type listening struct {
	localSchemas
	said []schemas.SchemaEntry
}

func (l *listening) Extend(ctx context.Context, key schemas.SchemaKey, missing []schemas.SchemaEntry) (*schemas.FeatureSchema, error) {
	l.said = append(l.said, missing...)
	return l.localSchemas.Extend(ctx, key, missing)
}
