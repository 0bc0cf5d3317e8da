package retrain

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/driftline/driftline/alerting"
)

// bucket keeps data sets in an S3-compatible store. An object is written by
// one conditional PUT (If-None-Match: *), so at most 5 GiB.
type bucket struct {
	cfg    S3
	client *minio.Client
	hide   func(string) string
}

func newBucket(cfg S3, version string) (*bucket, error) {
	u, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("read the address of the S3 store: %w", err)
	}
	outward := alerting.NewOutward(cfg.Timeout, cfg.AllowPrivate, version, cfg.SecretKey.Value(), cfg.SessionToken.Value())
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey.Value(), cfg.SessionToken.Value()), Secure: u.Scheme == "https", Region: cfg.Region,
		Transport: outward.RoundTripper(), BucketLookup: minio.BucketLookupAuto, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the S3 store: %w", err)
	}
	return &bucket{cfg, client, outward.Hide}, nil
}

func (b *bucket) object(name string) string {
	if prefix := strings.Trim(b.cfg.Prefix, "/"); prefix != "" {
		return prefix + "/" + name
	}
	return name
}

func (b *bucket) put(ctx context.Context, name string, body io.ReadSeeker, size int64, contentType string) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	opts := minio.PutObjectOptions{ContentType: contentType, DisableMultipart: true}
	opts.SetMatchETagExcept("*")
	_, err := b.client.PutObject(ctx, b.cfg.Bucket, b.object(name), body, size, opts)
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return errExists
	}
	return b.wrap("put", err)
}

func (b *bucket) get(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, min(b.cfg.Timeout, time.Minute))
	defer cancel()
	object, err := b.client.GetObject(ctx, b.cfg.Bucket, b.object(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, b.wrap("get", err)
	}
	defer object.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(io.LimitReader(object, maxManifest))
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, fs.ErrNotExist
	}
	return body, b.wrap("get", err)
}

func (b *bucket) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s object in bucket %s: %s", what, b.cfg.Bucket, b.hide(err.Error()))
}

func (b *bucket) uri(name string) string { return "s3://" + b.cfg.Bucket + "/" + b.object(name) }
