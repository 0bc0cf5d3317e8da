package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	store "github.com/driftline/driftline/internal/clickhouse"
	"github.com/driftline/driftline/internal/config"
)

// Settings of a data source: jsonData of its provisioning. The secrets are
// clickhousePassword and apiToken of secureJsonData.
type Settings struct {
	Addr          string `json:"addr"`          // host:port of ClickHouse's native protocol; several, separated by commas, are replicas. Required
	Database      string `json:"database"`      // default driftline
	Username      string `json:"username"`      // default default; read rights are enough
	TLS           bool   `json:"tls"`           // encryption to ClickHouse
	TLSServerName string `json:"tlsServerName"` // name to verify instead of the host's
	Tenant        string `json:"tenant"`        // nothing of another one is seen; empty: of all
	TimeoutS      int    `json:"timeoutS"`      // of one query in seconds, 1 to 300; default 30
	APIURL        string `json:"apiUrl"`        // of Driftline's API, such as http://driftline:9470; empty: no actions on incidents

	password, token string
}

// settingsOf an instance, checked.
func settingsOf(s backend.DataSourceInstanceSettings) (out Settings, err error) {
	if len(s.JSONData) > 0 {
		if err := json.Unmarshal(s.JSONData, &out); err != nil {
			return out, fmt.Errorf("jsonData of the data source: %w", err)
		}
	}
	out.password, out.token = s.DecryptedSecureJSONData["clickhousePassword"], s.DecryptedSecureJSONData["apiToken"]
	if out.TimeoutS == 0 {
		out.TimeoutS = 30
	}
	var errs []error
	if strings.TrimSpace(out.Addr) == "" {
		errs = append(errs, errors.New("addr is missing: give host:port of ClickHouse's native protocol, usually port 9000"))
	}
	for _, a := range out.addrs() {
		if !strings.Contains(a, ":") || strings.Contains(a, "//") {
			errs = append(errs, fmt.Errorf("addr %q is not host:port of the native protocol, such as clickhouse:9000", a))
		}
	}
	if out.TimeoutS < 1 || out.TimeoutS > 300 {
		errs = append(errs, fmt.Errorf("timeoutS is %d; give 1 to 300 seconds", out.TimeoutS))
	}
	if out.APIURL != "" {
		if u, err := url.Parse(out.APIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("apiUrl %q is not an address such as http://driftline:9470", out.APIURL))
		}
	}
	return out, errors.Join(errs...)
}

func (s Settings) addrs() (out []string) {
	for a := range strings.SplitSeq(s.Addr, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}

func (s Settings) timeout() time.Duration { return time.Duration(s.TimeoutS) * time.Second }

// store that the settings name. It is dialled by the first question.
func (s Settings) open() (*store.DB, error) {
	c := store.DefaultConfig()
	c.Addr, c.Password = s.addrs(), config.Secret(s.password)
	if s.Database != "" {
		c.Database = s.Database
	}
	if s.Username != "" {
		c.Username = s.Username
	}
	c.TLS = store.TLS{Enabled: s.TLS, Name: s.TLSServerName}
	return store.Open(c)
}
