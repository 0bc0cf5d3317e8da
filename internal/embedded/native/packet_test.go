package native

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

func fuzzSession(in []byte) *session {
	conn, other := net.Pipe()
	_ = other.Close()
	x := newSession(&Server{}, conn)
	x.br = bufio.NewReader(bytes.NewReader(in))
	x.rev = Revision
	return x
}

// recorded is what ch-go writes as hello and query, without the packet codes.
func recorded(t testing.TB) (hello, query []byte) {
	t.Helper()
	var b proto.Buffer
	proto.ClientHello{Name: "t", ProtocolVersion: Revision, Database: "d", User: "u", Password: "p"}.Encode(&b)
	hello = bytes.Clone(b.Buf)
	b.Reset()
	q := proto.Query{
		Body: "SELECT {p:String}", Stage: proto.StageComplete, Compression: proto.CompressionEnabled,
		Settings:   []proto.Setting{{Key: "max_threads", Value: "2", Important: true}},
		Parameters: []proto.Parameter{{Key: "p", Value: "'it\\'s'"}},
		Info:       proto.ClientInfo{Query: proto.ClientQueryInitial, Interface: proto.InterfaceTCP, ProtocolVersion: Revision},
	}
	q.EncodeAware(&b, Revision)
	return hello, b.Buf[1:]
}

func TestReadPackets(t *testing.T) {
	hello, query := recorded(t)
	h, err := fuzzSession(hello).readHello()
	if err != nil || h.database != "d" || h.user != "u" || h.password != "p" {
		t.Fatal(h, err)
	}
	x := fuzzSession(append(query, "rest"...))
	q, err := x.readQuery()
	if err != nil || q.body != "SELECT {p:String}" || !q.compress || len(q.settings) != 1 || q.params[0].Value != "it's" {
		t.Fatalf("%+v %v", q, err)
	}
	if rest, _ := io.ReadAll(x.br); string(rest) != "rest" {
		t.Fatalf("%q", rest)
	}
	for n := range query {
		if _, err := fuzzSession(query[:n]).readQuery(); err == nil {
			t.Fatal("accepted the first ", n, " bytes")
		}
	}
}

// What arrives before a statement runs is read from an untrusted socket.
func FuzzPackets(f *testing.F) {
	hello, query := recorded(f)
	f.Add(hello)
	f.Add(query)
	f.Fuzz(func(_ *testing.T, in []byte) {
		_, _ = fuzzSession(in).readHello()
		_, _ = fuzzSession(in).readQuery()
		_, _ = fuzzSession(in).externalTables()
		x := fuzzSession(in)
		x.compress = true
		_, _, _ = x.readData()
	})
}

// Settings that this query lacks go back to their default.
func TestSettingChanges(t *testing.T) {
	got := changes(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"a": "1", "b": "it's", "d": "4"})
	want := []string{"c = DEFAULT", `b = 'it\'s'`, "d = '4'"}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s, want %s", got[i], want[i])
		}
	}
}

func TestServeAfterCloseReturns(t *testing.T) {
	s := &Server{}
	s.clients.closed = true
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Dial(t.Context(), ch.Options{Address: ln.Addr().String()}); err == nil {
		t.Fatal("still listening")
	}
}
