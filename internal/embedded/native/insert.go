package native

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/sqltext"
	"github.com/driftline/driftline/internal/embedded/native/wire"
)

// insert tells the client which columns to send, then feeds its blocks to the
// engine and commits at the empty one. A client that leaves before that has
// inserted nothing that was not already a whole part.
func (x *session) insert(q query, ins sqltext.Insert) error {
	s, err := x.sample(q, ins)
	if err != nil {
		return err
	}
	in, err := x.eng.Insert(ins.Head, "Native", q.params...)
	if err != nil {
		return err
	}
	defer in.Close()
	committed := false
	defer func() {
		if !committed {
			in.Cancel()
		}
	}()
	if err := x.sendSample(s); err != nil {
		return err
	}
	var rows int
	for {
		n, err := x.nextBlock()
		if err != nil {
			return err
		}
		if n == endOfData {
			committed = true // or failed: in either case over
			return x.commit(in, rows)
		}
		// After an error the client goes on sending: the main loop drops it.
		if err := in.Append(x.block); err != nil {
			return err
		}
		rows += n
	}
}

func (x *session) sendSample(s sample) error {
	if proto.FeatureColumnDefaultsMetadata.In(x.rev) {
		proto.TableColumns{Second: s.defaults}.EncodeAware(&x.out, x.rev)
	}
	if err := x.data(func() error { wire.Header(&x.out, s.header, x.rev); return nil }); err != nil {
		return err
	}
	return broken(x.flush())
}

func (x *session) commit(in *libchdb.Insert, rows int) error {
	st, err := in.Done()
	if err != nil {
		return err
	}
	x.metrics.inserts.Add(1)
	x.metrics.insertedRows.Add(uint64(rows))
	if proto.FeatureClientWriteInfo.In(x.rev) { // older clients accept no Progress here
		x.progress(st)
	}
	return nil
}

// errCancelled is a Cancel packet in place of a block.
var errCancelled = errors.New("cancelled")

// nextBlock reads the next non-empty block of an INSERT into x.block. rows is
// endOfData after the last.
func (x *session) nextBlock() (rows int, err error) {
	for {
		code, err := binary.ReadUvarint(x.br)
		if err != nil {
			return 0, broken(err)
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodePing:
			proto.ServerCodePong.Encode(&x.out)
			if err := x.flush(); err != nil {
				return 0, broken(err)
			}
		case proto.ClientCodeCancel:
			return 0, errCancelled
		case proto.ClientCodeData:
			_, rows, err := x.readData()
			if err != nil {
				return 0, x.unreadable(err)
			}
			if rows != 0 {
				return rows, nil
			}
		default:
			return 0, broken(fmt.Errorf("packet %d inside an INSERT", code))
		}
	}
}

// unreadable ends the connection on a block that cannot be read, since nobody
// knows where the next packet begins. Of a type we lack the client is told.
func (x *session) unreadable(err error) error {
	if u := (*wire.UnsupportedTypeError)(nil); errors.As(err, &u) {
		x.exception(err)
		return broken(errors.Join(err, x.flush()))
	}
	return broken(err)
}
