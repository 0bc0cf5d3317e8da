package demo

import (
	"os"
	"testing"
)

func TestColourOnlyOnATerminal(t *testing.T) {
	none := func(string) string { return "" }
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if Colour(file, none) {
		t.Error("a file is no terminal")
	}
	if Colour(os.Stdout, func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }) {
		t.Error("NO_COLOR is ignored")
	}
}
