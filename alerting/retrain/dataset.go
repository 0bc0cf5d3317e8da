package retrain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/driftline/driftline/schemas"
)

// Feedback reads the labelled rows of a model.
type Feedback interface {
	// FeatureSchemas of the versions of a model that have events in the span.
	FeatureSchemas(ctx context.Context, key schemas.ModelKey, span schemas.Span) ([]*schemas.FeatureSchema, error)

	// EachLabelled gives the events of the span that have a label, one of each
	// request id, ascending by time and request id, the first limit ones. It
	// streams, and ends with the first error of do.
	EachLabelled(ctx context.Context, key schemas.ModelKey, span schemas.Span, limit uint64, do func(*schemas.LabelledEvent) error) error
}

// Manifest is the JSON beside a data set: what is in it and where it is from.
type Manifest struct {
	Format       int          `json:"format"` // 1
	Key          string       `json:"key"`
	Tenant       string       `json:"tenant"`
	Model        string       `json:"model"`
	Versions     []string     `json:"versions"` // that the incident is about
	Incident     string       `json:"incident"`
	Reference    string       `json:"reference"` // that the drift was measured against
	Window       schemas.Span `json:"window"`    // event time, the end excluded
	DecidedAt    time.Time    `json:"decided_at"`
	Rows         uint64       `json:"rows"`
	Bytes        int64        `json:"bytes"`
	File         string       `json:"file"` // beside the manifest
	URI          string       `json:"uri"`
	SHA256       string       `json:"sha256"`        // of the file
	Columns      []Column     `json:"columns"`       // in their order
	SchemaSHA256 string       `json:"schema_sha256"` // of columns as compact JSON
}

// errExists says that an object is there already.
var errExists = errors.New("exists already")

// errNoRows says that nothing of the window is labelled.
var errNoRows = errors.New("no labelled rows in the window: they may have expired")

// depot keeps files under names of parts that are fit for a path. What is
// written is whole and never changed.
type depot interface {
	put(ctx context.Context, name string, body io.ReadSeeker, size int64, contentType string) error // errExists when it is there
	get(ctx context.Context, name string) ([]byte, error)                                           // fs.ErrNotExist when it is not
	uri(name string) string
}

// maxManifest is the size of a manifest that is read back, in bytes.
const maxManifest = 16 << 20

// export writes the feedback data set of a retraining once and returns its
// manifest. The file is named by its contents, the manifest by the retraining:
// whoever comes second finds the manifest and leaves everything as it is.
func export(ctx context.Context, d depot, from Feedback, r *schemas.Retraining, limit uint64) (m Manifest, manifestURI string, err error) {
	folder := strings.Join([]string{escape(r.Tenant), escape(r.Model), escape(r.Key)}, "/")
	name := folder + "/manifest.json"
	if m, err := stored(ctx, d, name); err == nil || !errors.Is(err, os.ErrNotExist) {
		return m, d.uri(name), err
	}
	temp, err := os.CreateTemp("", "driftline-feedback-*.parquet")
	if err != nil {
		return m, "", fmt.Errorf("make temporary file: %w", err)
	}
	defer func() { _ = temp.Close(); _ = os.Remove(temp.Name()) }()
	if m, err = writeParquet(ctx, temp, from, r, limit); err != nil {
		return m, "", err
	}
	m.File = m.SHA256[:16] + ".parquet"
	m.URI = d.uri(folder + "/" + m.File)
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return m, "", err
	}
	if err := d.put(ctx, folder+"/"+m.File, temp, m.Bytes, "application/vnd.apache.parquet"); err != nil && !errors.Is(err, errExists) {
		return m, "", fmt.Errorf("store data set: %w", err)
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, "", err
	}
	err = d.put(ctx, name, bytes.NewReader(body), int64(len(body)), "application/json")
	if errors.Is(err, errExists) { // another instance was quicker: its word counts
		m, err = stored(ctx, d, name)
	}
	if err != nil {
		return m, "", fmt.Errorf("store manifest: %w", err)
	}
	return m, d.uri(name), nil
}

func stored(ctx context.Context, d depot, name string) (m Manifest, err error) {
	body, err := d.get(ctx, name)
	if err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read manifest %s: %w", d.uri(name), err)
	}
	return m, nil
}

// writeParquet writes the file and tells what is in it.
func writeParquet(ctx context.Context, w io.Writer, from Feedback, r *schemas.Retraining, limit uint64) (m Manifest, err error) {
	span := schemas.Span{Start: r.WindowStart, End: r.WindowEnd}
	versions, err := from.FeatureSchemas(ctx, r.ModelKey(), span)
	if err != nil {
		return m, err
	}
	columns := columnsOf(versions)
	m = Manifest{
		Format: 1, Key: r.Key, Tenant: r.Tenant, Model: r.Model, Versions: append([]string{}, r.Versions...), Incident: r.IncidentID,
		Reference: r.Reference, Window: span,
	}
	if r.DecidedAt != nil {
		m.DecidedAt = r.DecidedAt.UTC()
	}
	for _, c := range columns {
		m.Columns = append(m.Columns, c.Column)
	}
	described, err := json.Marshal(m.Columns)
	if err != nil {
		return m, err
	}
	sum := sha256.Sum256(described)
	m.SchemaSHA256 = hex.EncodeToString(sum[:])

	hash, size := sha256.New(), &counter{}
	out, err := newParquetWriter(io.MultiWriter(w, hash, size), columns, m.lineage())
	if err != nil {
		return m, err
	}
	if err := from.EachLabelled(ctx, r.ModelKey(), span, limit, out.write); err != nil {
		return m, err
	}
	if out.rows == 0 {
		return m, errNoRows
	}
	if err := out.close(); err != nil {
		return m, fmt.Errorf("write parquet: %w", err)
	}
	m.Rows, m.Bytes, m.SHA256 = out.rows, size.n, hex.EncodeToString(hash.Sum(nil))
	return m, nil
}

// lineage is what the Parquet file itself says of its origin.
func (m *Manifest) lineage() [][2]string {
	versions, _ := json.Marshal(m.Versions) // strings always marshal
	return [][2]string{
		{"driftline.format", "1"},
		{"driftline.key", m.Key},
		{"driftline.tenant", m.Tenant},
		{"driftline.model", m.Model},
		{"driftline.versions", string(versions)},
		{"driftline.incident", m.Incident},
		{"driftline.reference", m.Reference},
		{"driftline.window_start", m.Window.Start.UTC().Format(time.RFC3339Nano)},
		{"driftline.window_end", m.Window.End.UTC().Format(time.RFC3339Nano)},
		{"driftline.decided_at", m.DecidedAt.Format(time.RFC3339Nano)},
		{"driftline.schema_sha256", m.SchemaSHA256},
	}
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
