package ddl

import "fmt"

// Rebuild is the statement that sums up rows of inference_events once more,
// where a condition holds: into the table that ingest fills with states of its
// own making. This is the plain form of what ingest does, and its oracle; with
// the minutes deleted first it also repairs them.
func Rebuild(form Form, where string) string {
	return fmt.Sprintf(`INSERT INTO %s
SELECT
    tenant, model, version, segment,
    toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute,
    count() AS rows,
    sumForEachState(arrayMap(x -> toUInt8(NOT isNaN(x)), num)) AS present,
    sumForEachState(arrayMap(x -> toUInt8(x = round(x)), num)) AS integers,
    sumForEachState(arrayMap(x -> if(isNaN(x), 0., toFloat64(x)), num)) AS sums,
    sumForEachState(arrayMap(x -> if(isNaN(x), 0., toFloat64(x) * x), num)) AS squares,
    minForEachState(arrayMap(x -> if(isNaN(x), toFloat32(inf), x), num)) AS minima,
    maxForEachState(arrayMap(x -> if(isNaN(x), toFloat32(-inf), x), num)) AS maxima,
    quantilesTDigestForEachState(%s)(num) AS quantiles,
    sumMapForEachState(arrayMap(x -> map(toString(x), toUInt64(1)), cat)) AS categories
FROM %s
WHERE %s
GROUP BY tenant, model, version, segment, minute`, form.Local("feature_sketches_1m"), LevelList(), form.Local("inference_events"), where)
}
