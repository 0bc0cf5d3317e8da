// Command gpx_driftline_datasource is the back end of Driftline's data source
// for Grafana, which starts it.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	driftline "github.com/driftline/driftline/grafana-plugin/pkg/datasource"
)

func main() {
	if err := datasource.Manage(driftline.ID, driftline.New, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error("the data source ended", "error", err)
		os.Exit(1)
	}
}
