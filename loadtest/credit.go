package loadtest

import (
	"math"
	"time"

	"github.com/driftline/driftline/loadtest/draw"
)

// Positions of the credit model's features.
const (
	creditIncome = iota
	creditAge
	creditAmount
	creditTerm
	creditUtilisation
	creditDebt
	creditEmployed
	creditAccounts
)

var (
	creditCountry = draw.Zipf(1.1, "DE", "FR", "ES", "IT", "NL", "PL", "PT", "AT")
	creditChannel = draw.Zipf(0.9, "web", "app", "branch", "partner")
	creditPurpose = draw.Zipf(0.7, "car", "home", "debt", "study", "travel", "other")
	creditTerms   = []float64{12, 24, 36, 48, 60}
)

// credit decides on consumer loans: a binary classifier, two versions of which
// share the traffic.
var credit = &model{
	name: "credit", share: 0.45,
	versions:    draw.Weighted([]string{"v1", "v2"}, []float64{0.6, 0.4}),
	numeric:     []string{"income", "age", "amount", "term_months", "utilisation", "debt_ratio", "months_employed", "open_accounts"},
	categorical: []string{"country", "channel", "purpose"},
	latency:     struct{ median, sd float64 }{18, 0.35},
	labels:      labelling{share: 0.8, doubled: 0.03, delay: 6 * time.Minute},
	draw: func(d *draw.Draws, r *row) {
		age := 18 + min(math.Abs(d.Normal(22, 14)), 70)
		income := d.Lognormal(2800*(1+0.006*(age-40)), 0.45)
		utilisation := draw.Sigmoid(d.Normal(-0.4-0.3*math.Log(income/2800), 1))
		r.numeric[creditIncome] = draw.Digits(income, 2)
		r.numeric[creditAge] = math.Floor(age)
		r.numeric[creditAmount] = draw.Digits(income*d.Lognormal(2.5, 0.6), 2)
		r.numeric[creditTerm] = creditTerms[d.IntN(len(creditTerms))]
		r.numeric[creditUtilisation] = draw.Digits(utilisation, 4)
		r.numeric[creditDebt] = draw.Digits(0.6*utilisation+0.3*d.Float64(), 4)
		r.numeric[creditEmployed] = math.Floor(min(d.Exponential(60), 12*(age-17)))
		r.numeric[creditAccounts] = math.Floor(d.Exponential(4))
		r.categorical[0] = d.Choice(creditCountry)
		r.categorical[1] = d.Choice(creditChannel)
		r.categorical[2] = d.Choice(creditPurpose)
	},
	truth: func(d *draw.Draws, r *row) string {
		if d.Float64() < draw.Sigmoid(creditRisk(r)) {
			return "default"
		}
		return "repaid"
	},
	answer: func(noise float64, r *row) {
		r.score, r.prediction = draw.Digits(draw.Sigmoid(creditRisk(r)+0.25*noise), 5), "approve"
		if r.score >= 0.3 {
			r.prediction = "decline"
		}
	},
}

// creditRisk is the logit of a default.
func creditRisk(r *row) float64 {
	n := r.numeric
	return -1.4 + 2*(n[creditUtilisation]-0.4) - 0.7*math.Log(n[creditIncome]/2800) + 1.2*(n[creditDebt]-0.4) -
		0.012*(n[creditAge]-40) - 0.002*(n[creditEmployed]-60)
}
