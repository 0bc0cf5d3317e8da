package retrain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder keeps data sets as files.
type folder struct{ path string }

func (f folder) file(name string) string { return filepath.Join(f.path, filepath.FromSlash(name)) }

// put writes under a temporary name and links that to the real one, which
// fails when there is such a file: no reader sees half a file, and of two
// writers one is told.
func (f folder) put(_ context.Context, name string, body io.ReadSeeker, _ int64, _ string) (err error) {
	path := f.file(name)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".writing-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = io.Copy(temp, body)
	err = errors.Join(err, temp.Chmod(0o640), temp.Sync(), temp.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Link(temp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return errExists
		}
		return fmt.Errorf("name %s: %w", path, err)
	}
	return syncFolder(dir)
}

// syncFolder makes a new name durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f folder) get(_ context.Context, name string) ([]byte, error) {
	file, err := os.Open(f.file(name))
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(file, maxManifest))
}

func (f folder) uri(name string) string {
	path, err := filepath.Abs(f.file(name))
	if err != nil {
		path = f.file(name)
	}
	return "file://" + filepath.ToSlash(path)
}
