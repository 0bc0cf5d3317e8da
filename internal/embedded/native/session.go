package native

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/driftline/driftline/internal/embedded/libchdb"
	"github.com/driftline/driftline/internal/embedded/native/wire"
)

const (
	handshakeTimeout = 10 * time.Second
	frameSize        = 1 << 20  // of a compressed frame, as the real server makes them
	keptOut          = 16 << 20 // output and block buffers above these are given back
	keptBlock        = 64 << 20
)

// session is one client connection and its engine session. Its fields belong
// to the connection's goroutine; only watch reads the socket from another one
// while that goroutine is busy with a statement.
type session struct {
	*Server
	conn     net.Conn
	br       *bufio.Reader // the socket
	zr       *bufio.Reader // decompressed blocks from br
	rev      int
	eng      *libchdb.Conn
	database string
	mark     string            // log_comment by which KILL QUERY finds our statement
	applied  map[string]string // settings of the engine session that queries set
	unknown  map[string]bool   // settings that the engine does not have
	samples  sampleCache
	compress bool // blocks of the current query, both ways
	comp     *compress.Writer
	out      proto.Buffer
	block    []byte // client block under construction
}

func newSession(s *Server, conn net.Conn) *session {
	br := bufio.NewReaderSize(counted{conn, s}, 128<<10)
	return &session{
		Server: s, conn: conn, br: br,
		zr:      bufio.NewReaderSize(compress.NewReader(br), 64<<10),
		comp:    compress.NewWriter(compress.LevelZero, compress.LZ4),
		mark:    fmt.Sprintf("native-%d", s.seq.Add(1)),
		applied: map[string]string{}, unknown: map[string]bool{},
	}
}

// counted counts the bytes that come in.
type counted struct {
	net.Conn
	s *Server
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.s.metrics.received.Add(uint64(n))
	return n, err
}

// run serves the connection until the client leaves.
func (x *session) run() error {
	if err := x.handshake(); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	defer x.eng.Close()
	for {
		code, err := binary.ReadUvarint(x.br)
		if err != nil {
			return err
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodePing:
			proto.ServerCodePong.Encode(&x.out)
			err = x.flush()
		case proto.ClientCodeCancel: // too late: the statement is over
		case proto.ClientCodeData: // the rest of an INSERT that failed
			_, _, err = x.readData()
		case proto.ClientCodeQuery:
			err = x.handleQuery()
		default:
			x.exception(libchdb.NewError(libchdb.CodeUnexpectedPacket, fmt.Sprintf("Unknown packet %d from client", code)))
			err = errors.Join(fmt.Errorf("unknown packet %d", code), x.flush())
		}
		if err != nil {
			return err
		}
	}
}

// hello is what a client says first.
type hello struct{ database, user, password string }

func (x *session) readHello() (h hello, err error) {
	code, err := binary.ReadUvarint(x.br)
	if err != nil {
		return h, err
	}
	if proto.ClientCode(code) != proto.ClientCodeHello {
		return h, fmt.Errorf("packet %d where the hello belongs", code)
	}
	p := &packet{r: x.br}
	p.word()   // client name
	p.uints(2) // major, minor
	x.rev = int(min(p.uint(), Revision))
	h = hello{p.word(), p.word(), p.word()}
	return h, p.err
}

// refuse answers a hello with an exception.
func (x *session) refuse(err error) error {
	x.exception(err)
	return errors.Join(err, x.flush())
}

// refuseOverLimit hears the hello out, because a client that is cut off before
// it has written reports a reset connection instead of our reason.
func (x *session) refuseOverLimit() error {
	if err := x.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if _, err := x.readHello(); err != nil {
		return err
	}
	return x.refuse(libchdb.NewError(libchdb.CodeNoFreeConnection, fmt.Sprintf(
		"Too many connections to the embedded ClickHouse: the limit is %d", x.cfg.MaxConnections)))
}

// handshake answers the hello and opens the engine session.
func (x *session) handshake() error {
	if err := x.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	h, err := x.readHello()
	if err != nil {
		return err
	}
	if x.cfg.Auth != nil {
		if err := x.cfg.Auth(h.user, h.password, h.database); err != nil {
			return x.refuse(libchdb.NewError(libchdb.CodeAuthentication, err.Error()))
		}
	}
	if x.eng, err = x.openEngine(h.database); err != nil {
		return x.refuse(err)
	}
	x.database = h.database
	if err := x.welcome(); err != nil {
		x.eng.Close()
		return err
	}
	return nil
}

func (x *session) welcome() error {
	info := proto.ServerHello{
		Name: "ClickHouse", DisplayName: "embedded", Timezone: x.zone, Revision: Revision,
		Major: x.version[0], Minor: x.version[1], Patch: x.version[2],
	}
	info.EncodeAware(&x.out, x.rev)
	if err := x.flush(); err != nil {
		return err
	}
	if proto.FeatureAddendum.In(x.rev) {
		p := &packet{r: x.br}
		p.word() // quota key
		if p.err != nil {
			return p.err
		}
	}
	return x.conn.SetDeadline(time.Time{})
}

// flush sends what has been encoded.
func (x *session) flush() error {
	_, err := x.conn.Write(x.out.Buf)
	x.metrics.sent.Add(uint64(len(x.out.Buf)))
	if cap(x.out.Buf) > keptOut {
		x.out.Buf = nil
	}
	x.out.Reset()
	return err
}

// exception encodes an error as the client expects it.
func (x *session) exception(err error) {
	x.metrics.exceptions.Add(1)
	e := libchdb.NewError(libchdb.CodeUnknownException, err.Error())
	if unsupported := (*wire.UnsupportedTypeError)(nil); errors.As(err, &unsupported) {
		e.Code = libchdb.CodeNotImplemented
	}
	errors.As(err, &e) // the engine's own wins
	proto.ServerCodeException.Encode(&x.out)
	(&proto.Exception{Code: proto.Error(e.Code), Name: "DB::Exception", Message: e.Message}).EncodeAware(&x.out, x.rev)
}

// data encodes a Data packet whose block put writes.
func (x *session) data(put func() error) error {
	start := len(x.out.Buf)
	proto.ServerCodeData.Encode(&x.out)
	x.out.PutString("") // table name
	body := len(x.out.Buf)
	if err := put(); err != nil {
		x.out.Buf = x.out.Buf[:start] // half a block must not leave
		return err
	}
	if !x.compress {
		return nil
	}
	var frames []byte
	for raw := x.out.Buf[body:]; len(raw) > 0; {
		n := min(len(raw), frameSize)
		if err := x.comp.Compress(raw[:n]); err != nil {
			return err
		}
		frames, raw = append(frames, x.comp.Data...), raw[n:]
	}
	x.out.Buf = append(x.out.Buf[:body], frames...)
	return nil
}

// endOfData is the row count that readData returns for the block without
// columns that ends a client's data.
const endOfData = -1

// readData reads the rest of a client's Data packet into x.block.
func (x *session) readData() (table string, rows int, err error) {
	if proto.FeatureTempTables.In(x.rev) {
		p := &packet{r: x.br}
		if table = p.word(); p.err != nil {
			return "", 0, p.err
		}
	}
	r := x.br
	if x.compress {
		r = x.zr
	}
	if cap(x.block) > keptBlock {
		x.block = nil
	}
	var cols int
	x.block, cols, rows, err = wire.ReadBlock(r, x.rev, x.block[:0])
	if err == nil && cols == 0 {
		rows = endOfData
	}
	return table, rows, err
}

// progress encodes the work of a statement so far.
func (x *session) progress(st libchdb.Stats) {
	proto.ServerCodeProgress.Encode(&x.out)
	proto.Progress{
		Rows: st.ReadRows, Bytes: st.ReadBytes, WroteRows: st.WrittenRows, WroteBytes: st.WrittenBytes,
		ElapsedNs: uint64(st.Seconds * 1e9),
	}.EncodeAware(&x.out, x.rev)
}
