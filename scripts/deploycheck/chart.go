package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func replaced(text []byte, from, to string) ([]byte, bool) {
	return bytes.Replace(text, []byte(from), []byte(to), 1), bytes.Contains(text, []byte(from))
}

// variants of values that bring every template to light.
var variants = map[string]map[string]any{
	"defaults": {},
	"everything": {
		"roles":          map[string]any{"ingest": map[string]any{"autoscaling": map[string]any{"enabled": true}}},
		"serviceMonitor": map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}},
		"secretFiles":    []any{"kafka-ca"},
		"nodeSelector":   map[string]any{"disk": "ssd"},
		"podAnnotations": map[string]any{"team": "ml"},
		"image":          map[string]any{"pullSecrets": []any{map[string]any{"name": "pull"}}, "tag": "1.0.0"},
	},
	"least": {
		"migrate": map[string]any{"enabled": false}, "topics": map[string]any{"enabled": false},
		"networkPolicy": map[string]any{"enabled": false}, "podDisruptionBudget": map[string]any{"enabled": false},
		"serviceAccount": map[string]any{"create": false},
	},
}

// chart lints the chart and renders it with every variant of values.
func (c checker) chart() error {
	dir := c.path("helm", "driftline")
	for _, m := range lint.All(dir, nil, "driftline", true).Messages {
		if m.Severity >= support.WarningSev {
			return m
		}
	}
	for name, values := range variants {
		manifests, err := render(dir, values)
		if err == nil {
			err = c.manifests(manifests)
		}
		if err != nil {
			return fmt.Errorf("with %s: %w", name, err)
		}
	}
	return nil
}

func render(dir string, values map[string]any) (string, error) {
	loaded, err := loader.Load(dir)
	if err != nil {
		return "", err
	}
	install := action.NewInstall(new(action.Configuration))
	install.DryRun, install.ClientOnly, install.ReleaseName, install.Namespace = true, true, "driftline", "ml"
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.33.0", Major: "1", Minor: "33"}
	release, err := install.Run(loaded, values)
	if err != nil {
		return "", err
	}
	all := release.Manifest
	for _, h := range release.Hooks {
		all += "\n---\n" + h.Manifest
	}
	return all, nil
}

// manifests decodes every document strictly: a key that its API does not know is
// an error.
func (c checker) manifests(text string) error {
	types := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(types), monitoring.AddToScheme(types)); err != nil {
		return err
	}
	decoder := serializer.NewCodecFactory(types, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
	for n := 0; ; n++ {
		b := make([]byte, len(text))
		size, err := documents.Read(b)
		if errors.Is(err, io.EOF) {
			if n < 5 {
				return fmt.Errorf("%d manifests", n)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(bytes.TrimPrefix(b[:size], []byte("---")))) == 0 {
			continue
		}
		object, _, err := decoder.Decode(b[:size], nil, nil)
		if err != nil {
			return fmt.Errorf("%w, in\n%s", err, b[:size])
		}
		if conf, ok := object.(*core.ConfigMap); ok {
			if err := c.config(conf.Data["driftline.yaml"]); err != nil {
				return err
			}
		}
	}
}

// config lets driftline check a configuration.
func (c checker) config(text string) error {
	file, err := os.CreateTemp("", "driftline-*.yaml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	cmd := exec.Command(c.bin, "check-config", file.Name())
	cmd.Env = append(os.Environ(), "CLICKHOUSE_PASSWORD=secret", "DRIFTLINE_API_TOKEN=0123456789abcdef01234567")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("check-config: %s", strings.ReplaceAll(string(out), filepath.Dir(file.Name()), ""))
	}
	return nil
}
