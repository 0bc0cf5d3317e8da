package influx

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"github.com/driftline/driftline/ingest/metricnames"
	"github.com/driftline/driftline/schemas"
)

var (
	update   = flag.Bool("update", false, "write the golden files")
	received = time.Date(2026, 1, 2, 15, 4, 6, 0, time.UTC)
)

func TestFieldsBecomeSamples(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)
	type tags = map[string]string
	for lines, want := range map[string][]schemas.Sample{
		"cpu,host=n1,cpu=cpu0 idle=98.5,n=7i,u=8u,on=true,off=F 1767366245123456789\n": {
			{Metric: "cpu_idle", Time: at, Value: 98.5, Node: "n1", Labels: tags{"cpu": "cpu0"}},
			{Metric: "cpu_n", Time: at, Value: 7, Node: "n1", Labels: tags{"cpu": "cpu0"}},
			{Metric: "cpu_u", Time: at, Value: 8, Node: "n1", Labels: tags{"cpu": "cpu0"}},
			{Metric: "cpu_on", Time: at, Value: 1, Node: "n1", Labels: tags{"cpu": "cpu0"}},
			{Metric: "cpu_off", Time: at, Value: 0, Node: "n1", Labels: tags{"cpu": "cpu0"}},
		},
		"m a=1":                                 {{Metric: "m_a", Time: received, Value: 1, Labels: tags{}}},
		"m,k\\ 1=v\\,\\=1 a=1\n\n":              {{Metric: "m_a", Time: received, Value: 1, Labels: tags{"k 1": "v,=1"}}},
		"m s=\"x\",a=1,b=2":                     {{Metric: "m_a", Time: received, Value: 1, Labels: tags{}}, {Metric: "m_b", Time: received, Value: 2, Labels: tags{}}},
		"m s=\"gauge=1 2\"":                     nil,
		"# a comment\n":                         nil,
		"m value=1":                             {{Metric: "m", Time: received, Value: 1, Labels: tags{}}},
		"m gauge=1":                             {{Metric: "m", Time: received, Value: 1, Labels: tags{}}},
		"m value=1,gauge=2":                     {{Metric: "m_value", Time: received, Value: 1, Labels: tags{}}, {Metric: "m_gauge", Time: received, Value: 2, Labels: tags{}}},
		"m value=1,s=\"x\"":                     {{Metric: "m_value", Time: received, Value: 1, Labels: tags{}}},
		"prometheus,node=n1 up=1,down=2":        {{Metric: "up", Time: received, Value: 1, Node: "n1", Labels: tags{}}, {Metric: "down", Time: received, Value: 2, Node: "n1", Labels: tags{}}},
		"prometheus,model=WD smartctl_device=1": {{Metric: "smartctl_device", Time: received, Value: 1, Labels: tags{"model": "WD"}}},
		"m big=18446744073709551615u -1":        {{Metric: "m_big", Time: time.Unix(0, -1).UTC(), Value: math.MaxUint64, Labels: tags{}}},
	} {
		got, err := Lines(nil, []byte(lines), received)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", lines, err, got, want)
		}
	}
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	for lines, want := range map[string]string{
		"":                           "the record is empty",
		"up 1\n":                     "line protocol, line 1, byte ",
		"m a=1\nm a=\n":              "line protocol, line 2, byte ",
		"m a=1\nm a=1 b\n":           "line protocol, line 2, byte ",
		"m,t a=1":                    "line protocol, line 1, byte ",
		"m a=1e999":                  "out of range",
		"m a=99999999999999999999i":  "out of range",
		"m a=1 99999999999999999999": "out of range",
		"m,k=\xff a=1":               "invalid utf-8",
		"{\"name\":\"up\"}":          "line protocol, line 1, byte ",
		"m,k=" + strings.Repeat("v", 5000) + " a=1":   "has 5000 bytes, more than 4096: drop or shorten it",
		"m" + strings.Repeat(",k=v", 200) + " a=1":    "has more than 128 tags: drop some with tagexclude",
		"m,k=v a=1" + strings.Repeat(",a=1", 1<<19):   "more than 2097152 tags over all fields: lower metric_batch_size",
		strings.Repeat("x", 5000) + " a=1":            "measurement \"",
		"m,k=" + strings.Repeat("\xff", 300) + " a=1": "invalid utf-8",
		"m " + strings.Repeat("\x01", 9000) + "=1":    "line protocol, line 1, byte ",
	} {
		got, err := Lines([]schemas.Sample{{Metric: "before"}}, []byte(lines), received)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 500 {
			t.Errorf("%.60q: %v, want %q", lines, err, want)
		}
		if len(got) != 1 || got[0].Metric != "before" {
			t.Errorf("%.60q: %d samples come with an error", lines, len(got))
		}
	}
}

// What the library's encoder writes comes back.
func TestRandomLinesComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	words := []string{"a", "b b", "c,c", "d=d", `e\e`, "f\"f", "é😀", "g:h"}
	for range 3000 {
		var enc lineprotocol.Encoder
		enc.SetLax(true) // tags come unsorted
		var want []schemas.Sample
		for range rng.IntN(4) + 1 {
			measurement, tags := words[rng.IntN(len(words))]+"1", map[string]string{}
			enc.StartLine(measurement)
			for range rng.IntN(4) {
				k := "t" + words[rng.IntN(len(words))]
				if _, ok := tags[k]; !ok {
					tags[k] = words[rng.IntN(len(words))]
					enc.AddTag(k, tags[k])
				}
			}
			at := time.Unix(0, rng.Int64N(4e18)).UTC()
			for i := range 1 + rng.IntN(4) {
				k, v := words[rng.IntN(len(words))]+strconv.Itoa(i), rng.NormFloat64()*math.Exp(rng.NormFloat64()*99)
				f, ok := lineprotocol.FloatValue(v)
				if !ok {
					continue
				}
				enc.AddField(k, f)
				want = append(want, schemas.Sample{Metric: measurement + "_" + k, Value: v, Time: at, Labels: tags})
			}
			enc.EndLine(at)
		}
		if enc.Err() != nil {
			t.Fatal(enc.Err())
		}
		got, err := Lines(nil, enc.Bytes(), received)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v\ngot  %+v\nwant %+v", enc.Bytes(), err, got, want)
		}
	}
}

// Samples of one line must not share their labels, for Normalize changes them.
func TestEverySampleHasItsOwnLabels(t *testing.T) {
	got, err := Lines(nil, []byte("nvidia_smi,index=0 memory_used=1i,temperature_gpu=50i"), received)
	if err != nil || len(got) != 2 {
		t.Fatal(err, got)
	}
	for i, want := range []string{"nvidia_smi_memory_used", "nvidia_smi_temperature_gpu"} {
		metricnames.Normalize(&got[i])
		if raw := got[i].Labels[metricnames.RawName]; raw != want {
			t.Errorf("sample %d: raw name %s, want %s", i, raw, want)
		}
	}
	if got[0].Labels[metricnames.RawName] == got[1].Labels[metricnames.RawName] {
		t.Error("shared")
	}
}

// What Telegraf writes, through normalisation, as it would be stored. The
// lines are of our own making, in the form of Telegraf's manual.
func TestTelegrafAsStored(t *testing.T) {
	text, err := os.ReadFile("testdata/telegraf.influx")
	if err != nil {
		t.Fatal(err)
	}
	samples, err := Lines(nil, text, received)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for i := range samples {
		if why := metricnames.Normalize(&samples[i]); why != metricnames.Kept {
			fmt.Fprintf(&out, "dropped %s: %s\n", samples[i].Metric, why)
			continue
		}
		b, err := json.Marshal(samples[i])
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	const file = "testdata/telegraf.influx.golden"
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, out.Bytes()) {
		t.Errorf("%s is stale (%v): run go test with -update and read the difference", file, err)
	}
}

func FuzzLines(f *testing.F) {
	text, err := os.ReadFile("testdata/telegraf.influx")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		got, err := Lines(make([]schemas.Sample, 1, 4), b, received)
		if !bytes.Equal(b, before) {
			t.Fatal("the input was written to")
		}
		if err != nil && (len(got) != 1 || len(err.Error()) > 600) {
			t.Fatalf("%d samples with an error of %d bytes", len(got), len(err.Error()))
		}
		again, err2 := Lines(nil, b, received)
		if (err == nil) != (err2 == nil) || len(again) != len(got)-1 {
			t.Fatalf("not the same twice: %v and %v", err, err2)
		}
		for i := range got[1:] {
			s := &got[1+i]
			if s.Metric == "" || !utf8.ValidString(fmt.Sprint(s.Metric, s.Labels)) || s.Time.IsZero() || math.IsNaN(s.Value) {
				t.Fatalf("%+v", s)
			}
			metricnames.Normalize(s)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	line := "nvidia_smi,arch=Ampere,compute_mode=Default,host=gpu-node-1,index=0,name=NVIDIA\\ A100-SXM4-80GB,pstate=P0,uuid=GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52 " +
		"clocks_current_sm=1395i,driver_version=\"550.54.15\",memory_free=8931i,memory_used=72113i,power_draw=351.73,temperature_gpu=61i,utilization_gpu=97i,utilization_memory=58i 1767366245000000000\n"
	record := []byte(strings.Repeat(line, 100))
	for name, after := range map[string]func(*schemas.Sample){
		"decode": func(*schemas.Sample) {}, "decode and normalize": func(s *schemas.Sample) { metricnames.Normalize(s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []schemas.Sample
			n := 0
			for b.Loop() {
				var err error
				if dst, err = Lines(dst[:0], record, received); err != nil {
					b.Fatal(err)
				}
				for i := range dst {
					after(&dst[i])
				}
				n += len(dst)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
