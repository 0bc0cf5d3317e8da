package causes

import (
	"os"
	"testing"
)

func TestScratch(t *testing.T) {
	sys, all, err := EvaluatePetShop(t.Context(), "../../../shared/data/petshop")
	if err != nil {
		t.Skip(err)
	}
	for _, s := range sys {
		for _, g := range [][]Score{s.All, s.Test, s.Late, {s.Dropped}} {
			g := scores(g)
			_ = g.text(os.Stdout)
		}
		t.Log(s.Normal)
	}
	g := reliabilities([]Reliability{reliability("petshop", all)})
	_ = g.text(os.Stdout)
}
