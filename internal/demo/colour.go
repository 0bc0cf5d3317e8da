package demo

import "os"

// Colour tells whether a file may be written in colour: it is a terminal, and
// NO_COLOR (https://no-color.org) is not set.
func Colour(f *os.File, env func(string) string) bool {
	if env("NO_COLOR") != "" || env("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull
}
