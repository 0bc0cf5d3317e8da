package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads the project with each profile, as docker compose config does.
func (c checker) compose() error {
	for _, profile := range []string{"demo", "prod"} {
		options, err := cli.NewProjectOptions([]string{c.path("compose", "compose.yaml")},
			cli.WithEnv([]string{"CLICKHOUSE_PASSWORD=secret", "DRIFTLINE_API_TOKEN=0123456789abcdef01234567"}), cli.WithProfiles([]string{profile}), cli.WithInterpolation(true))
		if err != nil {
			return err
		}
		project, err := options.LoadProject(context.Background())
		if err != nil {
			return fmt.Errorf("profile %s: %w", profile, err)
		}
		for name, s := range project.Services {
			for _, p := range s.Ports {
				if p.HostIP != "127.0.0.1" {
					return fmt.Errorf("profile %s: service %s publishes port %s beyond loopback", profile, name, p.Published)
				}
			}
			for _, v := range s.Volumes {
				if v.Type != types.VolumeTypeBind {
					continue
				}
				if _, err := os.Stat(v.Source); err != nil && c.dir == "deploy" {
					return fmt.Errorf("profile %s: service %s mounts what is not there: %w", profile, name, err)
				}
			}
		}
	}
	text, err := os.ReadFile(c.path("compose", "driftline.yaml"))
	if err != nil {
		return err
	}
	return c.config(string(text))
}
