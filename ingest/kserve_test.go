package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/driftline/driftline/schemas"
)

// halves is a log of requests and responses: most have a partner close by, some
// fail, come twice, or cannot be read.
func halves(rng *rand.Rand, n int) (log []*kgo.Record) {
	var open []int
	for i := range n {
		id, kind, body := i, "request", `{"instances":[[1,2]]}`
		if k := len(open); k > 0 && rng.IntN(2) == 0 {
			at := rng.IntN(k)
			id, kind, body = open[at], "response", `{"predictions":["yes"]}`
			if rng.IntN(10) > 0 {
				open = slices.Delete(open, at, at+1)
			}
		} else if rng.IntN(10) > 0 {
			open = append(open, i)
		}
		if rng.IntN(12) == 0 {
			body = "{"
		}
		r := &kgo.Record{Topic: "in", Offset: int64(len(log)), Timestamp: time.UnixMilli(1e12 + int64(i)*50), Value: []byte(body)}
		if rng.IntN(40) == 0 { // after all who wait have given up
			r.Timestamp = r.Timestamp.Add(10 * time.Minute)
		}
		for key, value := range map[string]string{
			"ce_id": fmt.Sprint(id), "ce_type": "org.kubeflow.serving.inference." + kind, "ce_time": r.Timestamp.UTC().Format(time.RFC3339Nano), "ce_specversion": "1.0",
			"ce_source": "http://localhost", "ce_inferenceservicename": "iris", "ce_namespace": "ml", "content-type": "application/json",
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
		log = append(log, r)
	}
	return log
}

// keeper is a log, its group's offset, and a store that knows tokens.
type keeper struct {
	log    []*kgo.Record
	offset int64
	intent string
	tokens map[string]bool
	stored map[schemas.Origin]struct{}
	rows   []string
}

func (k *keeper) Commit(_ context.Context, offset int64, metadata string) error {
	k.offset, k.intent = offset, metadata
	return nil
}

func (k *keeper) LogStart(context.Context) (int64, error) { return 0, nil }

func (k *keeper) Read(_ context.Context, from, to int64) ([]*kgo.Record, error) {
	return k.log[from:to], nil
}

func (k *keeper) Insert(_ context.Context, table, token string, in proto.Input) error {
	if table != "inference_events" || k.tokens[token] {
		return nil
	}
	k.tokens[token] = true
	cols := map[string]proto.ColInput{}
	for _, c := range in {
		cols[c.Name] = c.Data
	}
	for i := range cols["request_id"].Rows() {
		day := schemas.Day(cols["timestamp"].(*proto.ColDateTime64).Row(i))
		k.stored[schemas.Origin{Offset: (*cols["_offset"].(*proto.ColInt64))[i], Day: day}] = struct{}{}
		cat := cols["cat"].(*wordArrays)
		var words []string
		for _, key := range cat.words.keys[start(cat.offsets, uint32(i)):cat.offsets[i]] {
			words = append(words, cat.words.dict.Row(int(key)))
		}
		k.rows = append(k.rows, fmt.Sprint((*cols["_offset"].(*proto.ColInt64))[i], cols["request_id"].(*proto.ColStr).Row(i), words))
	}
	return nil
}

func (k *keeper) Stored(context.Context, string, string, int32, int64, int64) (map[schemas.Origin]struct{}, error) {
	return k.stored, nil
}

func (k *keeper) Owed(_ context.Context, minutes []schemas.Minute) ([]int64, error) {
	return make([]int64, len(minutes)), nil
}
func (k *keeper) Retries() uint64 { return 0 }

func (k *keeper) Atomic() bool  { return true }
func (k *keeper) Crowded() bool { return false }
func (k *keeper) ProduceSync(_ context.Context, records ...*kgo.Record) (out kgo.ProduceResults) {
	return nil
}

// through runs the log through owners that crash at random, or never.
func (k *keeper) through(t *testing.T, rng *rand.Rand, crashes int) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Topics = []Topic{{Topic: "in", Kind: Events, Format: FormatKServe, Tenant: "t"}}
	cfg.BatchRows, cfg.FlushInterval = 1+rng.IntN(9), time.Hour
	schema := localSchemas{}
	for k.offset < int64(len(k.log)) {
		in := New(cfg, Options{Windows: "w", Store: k, Schemas: schema, Producer: k, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
		p, err := in.handler(k, k.offset, k.intent, assignment{topic: "in", token: "x"})
		if err != nil {
			t.Fatal(err)
		}
		end := int64(len(k.log))
		if crashes > 0 {
			crashes--
			end = min(end, k.offset+rng.Int64N(60))
		}
		if err := p.Handle(t.Context(), k.log[k.offset:end]); err != nil {
			t.Fatal(err)
		}
		if end == int64(len(k.log)) {
			if err := p.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Owners that crash and are succeeded store the same events as one who reads
// the log from its beginning to its end.
func TestHalvesAreJoinedThroughTakeovers(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		log := halves(rng, 400)
		once := &keeper{log: log, tokens: map[string]bool{}, stored: map[schemas.Origin]struct{}{}}
		once.through(t, rng, 0)
		often := &keeper{log: log, tokens: map[string]bool{}, stored: map[schemas.Origin]struct{}{}}
		often.through(t, rng, 30)
		slices.Sort(once.rows)
		slices.Sort(often.rows)
		if len(once.rows) < 100 || !slices.Equal(once.rows, often.rows) {
			for _, row := range often.rows {
				if !slices.Contains(once.rows, row) {
					t.Log("only after crashes: ", row)
				}
			}
			t.Fatalf("seed %d: %d events at once, %d after crashes", seed, len(once.rows), len(often.rows))
		}
		all := strings.Join(once.rows, "\n")
		for _, outcome := range []string{"ok", "unmatched", "orphan"} {
			if seed == 0 && !strings.Contains(all, outcome) {
				t.Errorf("no event is %s", outcome)
			}
		}
	}
}
