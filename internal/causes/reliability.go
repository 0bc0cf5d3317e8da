package causes

import (
	"fmt"
	"math"

	"github.com/driftline/driftline/correlate/rank"
)

// judged is a diagnosis beside the truth.
type judged struct {
	features   rank.Features
	confidence float64
	right      bool
	named      bool
}

func judge(r rank.Result, truth string) judged {
	j := judged{features: r.Features, named: r.Abstained == ""}
	if j.named && len(r.Causes) > 0 {
		j.confidence, j.right = r.Causes[0].Confidence, r.Causes[0].Entity == truth
	}
	return j
}

// Reliability holds confidences against how often they were right.
type Reliability struct {
	On    string  `json:"on"`
	N     int     `json:"n"`     // diagnoses that name a cause
	Brier float64 `json:"brier"` // mean squared error of the confidences; 0.25 is what a coin has
	Bands []Band  `json:"bands"`
}

// Band of confidences.
type Band struct {
	From  float64 `json:"from"`
	Until float64 `json:"until"`
	N     int     `json:"n"`
	Mean  float64 `json:"mean"`  // confidence
	Right float64 `json:"right"` // share
}

var bands = []float64{0, 0.5, 0.7, 0.8, 0.9, 0.95, 1}

func reliability(on string, of []judged) Reliability {
	r := Reliability{On: on}
	for i := range bands[1:] {
		b := Band{From: bands[i], Until: bands[i+1]}
		for _, j := range of {
			if !j.named || j.confidence < b.From || j.confidence >= b.Until && b.Until < 1 {
				continue
			}
			b.N++
			b.Mean += j.confidence
			if j.right {
				b.Right++
			}
		}
		if b.N > 0 {
			b.Mean, b.Right = b.Mean/float64(b.N), b.Right/float64(b.N)
			r.Bands = append(r.Bands, b)
		}
	}
	for _, j := range of {
		if j.named {
			r.N++
			r.Brier += math.Pow(j.confidence-truth(j.right), 2)
		}
	}
	r.Brier /= float64(max(r.N, 1))
	return r
}

func truth(right bool) float64 {
	if right {
		return 1
	}
	return 0
}

func reliabilities(of []Reliability) grid {
	g := grid{header: []string{"ON", "CONFIDENCE", "CASES", "MEAN", "RIGHT", "BRIER"}}
	for _, r := range of {
		for i, b := range r.Bands {
			brier := ""
			if i == 0 {
				brier = fmt.Sprintf("%.3f of %d", r.Brier, r.N)
			}
			g.add(r.On, fmt.Sprintf("%.2f–%.2f", b.From, b.Until), fmt.Sprint(b.N), fmt.Sprintf("%.2f", b.Mean), fmt.Sprintf("%.2f", b.Right), brier)
		}
	}
	return g
}
