// Package embedded runs a ClickHouse and a Kafka inside the process, so that
// Driftline starts on one machine with nothing else installed. Both speak
// their real network protocols on loopback: the rest of the program connects
// to them as to any other server, and cannot tell.
//
// The ClickHouse is the real engine (libchdb) behind the protocol server of
// package native. It has no users, so it listens on loopback only; the engine
// is one per process. The Kafka is franz-go's kfake with its log on disk: one
// process, no replication, for trying out, tests and small single nodes.
package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
)

// lockName is the file in a data directory that its owner holds locked.
const lockName = "driftline.lock"

// errLocked says that another process holds a data directory.
var errLocked = errors.New("locked")

// checkLoopback refuses an address that other machines could reach: neither
// engine knows users or encryption.
func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port: %w", listen, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen address %q: the embedded engines have no users or encryption and serve loopback only: use 127.0.0.1", listen)
}

// lockDir makes dir and locks it for this process. The lock ends with the
// process, however it ends.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// inUse is the message for a data directory that another process has.
func inUse(setting string) error {
	return fmt.Errorf("another process uses this directory: stop it or choose another %s", setting)
}
