package loadtest

import (
	"math"
	"time"
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
	creditCountry = zipf(1.1, "DE", "FR", "ES", "IT", "NL", "PL", "PT", "AT")
	creditChannel = zipf(0.9, "web", "app", "branch", "partner")
	creditPurpose = zipf(0.7, "car", "home", "debt", "study", "travel", "other")
	creditTerms   = []float64{12, 24, 36, 48, 60}
)

// credit decides on consumer loans: a binary classifier, two versions of which
// share the traffic.
var credit = &model{
	name: "credit", share: 0.45,
	versions:    weighted([]string{"v1", "v2"}, []float64{0.6, 0.4}),
	numeric:     []string{"income", "age", "amount", "term_months", "utilisation", "debt_ratio", "months_employed", "open_accounts"},
	categorical: []string{"country", "channel", "purpose"},
	latency:     struct{ median, sd float64 }{18, 0.35},
	labels:      labelling{share: 0.8, doubled: 0.03, delay: 6 * time.Minute},
	draw: func(d *draws, r *row) {
		age := 18 + min(math.Abs(d.normal(22, 14)), 70)
		income := d.lognormal(2800*(1+0.006*(age-40)), 0.45)
		utilisation := sigmoid(d.normal(-0.4-0.3*math.Log(income/2800), 1))
		r.numeric[creditIncome] = digits(income, 2)
		r.numeric[creditAge] = math.Floor(age)
		r.numeric[creditAmount] = digits(income*d.lognormal(2.5, 0.6), 2)
		r.numeric[creditTerm] = creditTerms[d.IntN(len(creditTerms))]
		r.numeric[creditUtilisation] = digits(utilisation, 4)
		r.numeric[creditDebt] = digits(0.6*utilisation+0.3*d.Float64(), 4)
		r.numeric[creditEmployed] = math.Floor(min(d.exponential(60), 12*(age-17)))
		r.numeric[creditAccounts] = math.Floor(d.exponential(4))
		r.categorical[0] = d.choice(creditCountry)
		r.categorical[1] = d.choice(creditChannel)
		r.categorical[2] = d.choice(creditPurpose)
	},
	truth: func(d *draws, r *row) string {
		if d.Float64() < sigmoid(creditRisk(r)) {
			return "default"
		}
		return "repaid"
	},
	answer: func(noise float64, r *row) {
		r.score, r.prediction = digits(sigmoid(creditRisk(r)+0.25*noise), 5), "approve"
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
