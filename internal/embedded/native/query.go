package native

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
)

// query is a client's Query packet, without what we do not use.
type query struct {
	body     string
	settings []proto.Setting
	params   []libchdb.Param
	compress bool
}

// brokenError ends the connection, not only the statement.
type brokenError struct{ error }

func (b *brokenError) Unwrap() error { return b.error }

func broken(err error) error {
	if err == nil {
		return nil
	}
	return &brokenError{err}
}

// handleQuery serves one Query packet. The error it returns is the
// connection's; a statement's goes to the client.
func (x *session) handleQuery() error {
	x.metrics.queries.Add(1)
	q, err := x.readQuery()
	if err != nil {
		return fmt.Errorf("read query packet: %w", err)
	}
	x.compress = q.compress
	x.comp = compressorFor(q.settings, x.comp)
	external, err := x.externalTables()
	if err != nil {
		return fmt.Errorf("read external tables: %w", err)
	}
	err = x.applySettings(q.settings)
	switch {
	case err != nil:
	case external != "":
		err = libchdb.NewError(libchdb.CodeNotImplemented, "External tables are not supported by the embedded ClickHouse ("+external+")")
	default:
		err = x.statement(q)
	}
	if b := (*brokenError)(nil); errors.As(err, &b) {
		return err
	}
	if err != nil {
		x.exception(err)
	} else {
		proto.ServerCodeEndOfStream.Encode(&x.out)
	}
	return x.flush()
}

func (x *session) readQuery() (q query, err error) {
	p := &packet{r: x.br}
	p.word() // query id
	p.clientInfo(x.rev)
	q.settings = p.settings(proto.FeatureSettingsSerializedAsStrings.In(x.rev))
	if proto.FeatureInterServerSecret.In(x.rev) {
		p.word()
	}
	if stage := p.uint(); p.err == nil && stage != uint64(proto.StageComplete) {
		p.err = fmt.Errorf("stage %d", stage)
	}
	q.compress = p.uint() != 0
	q.body = p.str(maxBody)
	if proto.FeatureParameters.In(x.rev) {
		for _, s := range p.settings(true) {
			q.params = append(q.params, libchdb.Param{Name: s.Key, Value: sqltext.Undump(s.Value)})
		}
	}
	return q, p.err
}

// externalTables reads past the tables a client sends along, up to the empty
// block, and returns the name of one.
func (x *session) externalTables() (name string, err error) {
	for {
		code, err := binary.ReadUvarint(x.br)
		if err != nil {
			return "", err
		}
		if proto.ClientCode(code) != proto.ClientCodeData {
			return "", fmt.Errorf("packet %d where their end belongs", code)
		}
		table, rows, err := x.readData()
		if err != nil || rows == endOfData {
			return name, err
		}
		name = table
	}
}

// compressorFor honours network_compression_method; the client's own choice
// of codec is not in the Query packet.
func compressorFor(settings []proto.Setting, old *compress.Writer) *compress.Writer {
	for _, s := range settings {
		if s.Key == "network_compression_method" {
			switch strings.ToUpper(sqltext.Undump(s.Value)) {
			case "ZSTD":
				return compress.NewWriter(compress.LevelZero, compress.ZSTD)
			case "NONE":
				return compress.NewWriter(compress.LevelZero, compress.None)
			}
			return compress.NewWriter(compress.LevelZero, compress.LZ4)
		}
	}
	return old
}
