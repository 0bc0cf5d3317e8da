package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/driftline/driftline/schemas"
)

// Beat says that the stream is alive.
type Beat struct {
	Time time.Time `json:"timestamp"`
}

// beat is how often a stream without news shows that it is alive.
const beat = 15 * time.Second

func (s *Server) stream(api huma.API) {
	o := op(http.MethodGet, "/stream", "stream", "Incidents and signals as they come, as server-sent events; what was before is in the lists", Viewer)
	o.Metadata["stream"] = true
	sse.Register(api, o, map[string]any{"incident": schemas.Incident{}, "signal": schemas.Signal{}, "beat": Beat{}},
		func(ctx context.Context, in *struct {
			Tenant  string `query:"tenant" maxLength:"200"`
			Model   string `query:"model" maxLength:"200"`
			Signals string `query:"signals" enum:"none,alarms,all" default:"alarms"`
		}, send sse.Sender,
		) {
			who := from(ctx)
			tenant, err := who.of(in.Tenant)
			if err != nil || s.Live == nil {
				return
			}
			news, leave := s.Live.Listen()
			defer leave()
			every := time.NewTicker(beat)
			defer every.Stop()
			if send.Data(Beat{time.Now().UTC()}) != nil { // the reader knows that it is heard from here on
				return
			}
			for {
				select {
				case <-ctx.Done():
					return
				case <-every.C:
					err = send.Data(Beat{time.Now().UTC()})
				case n, open := <-news:
					if !open {
						return
					}
					key := n.model()
					if !who.sees(key.Tenant) || tenant != "" && key.Tenant != tenant || in.Model != "" && key.Model != in.Model {
						continue
					}
					switch {
					case n.Incident != nil:
						err = send.Data(*n.Incident)
					case in.Signals == "all" || in.Signals == "alarms" && n.Signal.State == schemas.StateAlarm:
						err = send.Data(*n.Signal)
					}
				}
				if err != nil {
					return
				}
			}
		})
}
