package prometheus

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// An encoder of its own, so that the decoder is not its own oracle.

type (
	encPoint struct {
		value  float64
		millis int64
	}
	encSeries struct {
		labels     [][2]string
		points     []encPoint
		histograms [][]byte
		late       bool // labels after the points
	}
)

func encode(all ...encSeries) (b []byte) {
	for _, s := range all {
		b = message(b, 1, s.encode())
	}
	return message(b, 3, []byte{8, 1}) // metadata, which comes along
}

func message(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func (s encSeries) encode() []byte {
	var labels, values []byte
	for _, l := range s.labels {
		labels = message(labels, 1, message(message(nil, 1, []byte(l[0])), 2, []byte(l[1])))
	}
	for _, p := range s.points {
		v := fixed(nil, 1, p.value)
		v = protowire.AppendVarint(protowire.AppendTag(v, 2, protowire.VarintType), uint64(p.millis))
		values = message(values, 2, v)
	}
	values = message(values, 3, []byte{0x11, 1, 2, 3, 4, 5, 6, 7, 8}) // an exemplar
	for _, h := range s.histograms {
		values = message(values, 4, h)
	}
	if s.late {
		return append(values, labels...)
	}
	return append(labels, values...)
}

func fixed(b []byte, num protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(v))
}

func native(count uint64, sum float64, millis int64) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), count)
	b = fixed(b, 3, sum)
	b = protowire.AppendVarint(protowire.AppendTag(b, 4, protowire.VarintType), 6) // schema
	return protowire.AppendVarint(protowire.AppendTag(b, 15, protowire.VarintType), uint64(millis))
}
