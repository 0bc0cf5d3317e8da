// Package scenario reads what is to happen to a fleet: YAML with the fleet, what
// goes wrong, where, when and how strong. A library of them is part of the
// program.
package scenario

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/driftline/driftline/internal/config"
	"github.com/driftline/driftline/loadtest/wire"
	"github.com/driftline/driftline/loadtest/world"
)

//go:embed library/*.yaml
var library embed.FS

// Scenario is what happens to a fleet.
type Scenario struct {
	Name   string        `yaml:"-"`      // of the file, without its ending
	About  string        `yaml:"about"`  // one line, for people
	Length time.Duration `yaml:"length"` // event time. Default 40m
	Fleet  world.Config  `yaml:"fleet"`  // size and habits
	Wire   wire.Formats  `yaml:"wire"`   // how records are written
	Faults []world.Fault `yaml:"faults"` // what goes wrong, or seems to
}

// Validate reports every mistake that can be seen without the fleet.
func (s Scenario) Validate() error {
	var errs []error
	if s.Length < time.Minute || s.Length > 30*24*time.Hour {
		errs = append(errs, config.Faultf("length", "is %s; give 1m to 720h", s.Length))
	}
	return errors.Join(errs...)
}

// World of the scenario.
func (s *Scenario) World(seed uint64, start time.Time) (*world.World, error) {
	return world.New(world.Options{Config: s.Fleet, Seed: seed, Start: start, Length: s.Length, Faults: s.Faults, Wire: s.Wire})
}

// Names of the library, ascending.
func Names() (out []string) {
	files, err := library.ReadDir("library")
	if err != nil { // it is part of the program
		panic("scenario: " + err.Error())
	}
	for _, f := range files {
		out = append(out, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(out)
	return out
}

// Open a scenario: one of the library by its name, or a file.
func Open(name string) (*Scenario, error) {
	s := &Scenario{Length: 40 * time.Minute, Fleet: world.DefaultConfig(), Wire: wire.DefaultFormats()}
	file := name
	if slices.Contains(Names(), name) {
		text, err := library.ReadFile("library/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		if err := config.Parse(name+".yaml", text, s); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("there is no scenario %q in the library, nor a file of that name; library: %s", name, strings.Join(Names(), ", "))
	} else if err := config.Load(file, s); err != nil {
		return nil, err
	}
	s.Name = strings.TrimSuffix(path.Base(name), ".yaml")
	return s, nil
}
