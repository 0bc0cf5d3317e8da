package tables

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/driftline/driftline/detectors/silent"
	"github.com/driftline/driftline/schemas"
)

// Bounds of what is read of a job: its newest runs, and of each the newest
// signs of life.
const jobsSQL = `SELECT job, argMax(model, timestamp), run_id,
	countIf(state = 'started'), minIf(timestamp, state = 'started'), maxIf(timestamp, state = 'started'),
	min(timestamp), max(timestamp) AS last, maxIf(timestamp, state IN ('succeeded', 'failed', 'cancelled')) AS ended,
	argMaxIf(state, timestamp, state IN ('succeeded', 'failed', 'cancelled')), max(attempt), countIf(state = 'heartbeat'),
	arraySort(arrayPopFront(arrayDifference(arraySort(groupArrayLast(4096)(toUnixTimestamp64Milli(timestamp)))))) AS gaps,
	max(items_in), argMaxIf(items_out, timestamp, state = 'succeeded'), argMaxIf(bytes_out, timestamp, state = 'succeeded')
	FROM job_events WHERE `

// jobs reads the runs of the lookback, the newest 2,000 of each job.
func (q *question) jobs(ctx context.Context) error {
	from := q.Now.Add(-q.Lookback)
	args := q.args(map[string]time.Time{"from": from, "until": q.Now})
	return q.each(ctx, jobsSQL+between("timestamp", "from", "until")+" GROUP BY job, run_id ORDER BY job, last DESC, run_id LIMIT 2000 BY job", args, func(rows driver.Rows) error {
		var r silent.Run
		var job, model, state string
		var starts uint64
		var restarted, first time.Time
		var gaps []int64
		if err := rows.Scan(&job, &model, &r.ID, &starts, &r.Started, &restarted, &first, &r.Last, &r.Ended, &state,
			&r.Attempts, &r.Beats, &gaps, &r.ItemsIn, &r.ItemsOut, &r.BytesOut); err != nil {
			return err
		}
		r.HasStart = starts > 0
		if !r.HasStart {
			r.Started = time.Time{}
		}
		if r.Ended.Unix() <= 0 || r.HasStart && r.Ended.Before(restarted) { // none, or started again
			r.Ended, state = time.Time{}, ""
		}
		r.State = schemas.JobState(state)
		r.Truncated = !r.HasStart && first.Sub(from) < q.Lookback/10
		if n := len(gaps); n > 0 {
			r.Gap, r.MaxGap = time.Duration(gaps[n/2])*time.Millisecond, time.Duration(gaps[n-1])*time.Millisecond
		}
		all := &q.snapshot.Jobs
		if n := len(*all); n == 0 || (*all)[n-1].Name != job {
			*all = append(*all, silent.Job{Name: job, Model: model}) // of its newest run
		}
		j := &(*all)[len(*all)-1]
		j.Runs = append(j.Runs, r)
		return nil
	})
}
