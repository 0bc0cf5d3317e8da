package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerProxies stand in front of all brokers of a cluster: one each, since a
// client dials whom the cluster names. Names in answers are rewritten.
type brokerProxies struct {
	by    map[string]*proxy // by the broker's own host:port
	traps traps
}

func newBrokerProxies(addrs []string) (*brokerProxies, error) {
	b := &brokerProxies{by: map[string]*proxy{}}
	for _, addr := range addrs {
		p, err := newProxy(addr, b.serve)
		if err != nil {
			b.close()
			return nil, err
		}
		b.by[addr] = p
	}
	return b, nil
}

func (b *brokerProxies) addrs() (out []string) {
	for _, p := range b.by {
		out = append(out, p.addr())
	}
	return out
}

func (b *brokerProxies) each(do func(*proxy)) {
	for _, p := range b.by {
		do(p)
	}
}

func (b *brokerProxies) close() { b.each((*proxy).close) }

// asked is a request whose answer has not come.
type asked struct {
	key, version int16
}

// serve passes frames. A broker answers the requests of a connection in order.
func (b *brokerProxies) serve(l *link) {
	pending := make(chan asked, 1024)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer l.end()
		for {
			frame, err := readFrame(l.server)
			if err != nil {
				return
			}
			if frame, err = b.answer(l, <-pending, frame); err != nil {
				return
			}
			if _, err := l.client.Write(frame); err != nil {
				return
			}
		}
	})
	for {
		frame, err := readFrame(l.client)
		if err != nil || len(frame) < 8 {
			break
		}
		pending <- asked{int16(binary.BigEndian.Uint16(frame[4:])), int16(binary.BigEndian.Uint16(frame[6:]))}
		if _, err := l.server.Write(frame); err != nil {
			break
		}
	}
	_ = l.server.Close()
	wg.Wait()
}

// readFrame reads a request or an answer with its length in front.
func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, 4+binary.BigEndian.Uint32(size[:]))
	copy(frame, size[:])
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

var errTrapped = errors.New("the answer is lost")

// answer gives the frame to pass to the client, or an error when a trap has it.
func (b *brokerProxies) answer(l *link, q asked, frame []byte) ([]byte, error) {
	switch kmsg.Key(q.key) {
	case kmsg.Produce, kmsg.OffsetCommit, kmsg.Fetch, kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster:
	default:
		return frame, nil
	}
	resp, head, err := parseAnswer(q, frame)
	if err != nil {
		panic(fmt.Sprintf("broker proxy: answer to %s: %v", kmsg.NameForKey(q.key), err)) // of this program: it would hide what it tests
	}
	if sort, ok := trapFor(resp); ok {
		if t := b.traps.take(sort); t != nil {
			defer close(t.sprung)
			return nil, errTrapped
		}
	}
	if !b.rename(resp) {
		return frame, nil
	}
	out := resp.AppendTo(append([]byte(nil), frame[:head]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

// parseAnswer also tells the length of what comes before the answer's body.
func parseAnswer(q asked, frame []byte) (kmsg.Response, int, error) {
	resp := kmsg.ResponseForKey(q.key)
	resp.SetVersion(q.version)
	head := 8 // length and correlation id
	if resp.IsFlexible() {
		if len(frame) < 9 || frame[8] != 0 {
			return nil, 0, errors.New("tags in its header")
		}
		head++
	}
	return resp, head, resp.ReadFrom(frame[head:])
}

// trapFor is the trap for an answer that says that the broker has done what it
// was asked.
func trapFor(resp kmsg.Response) (sort, bool) {
	switch r := resp.(type) {
	case *kmsg.OffsetCommitResponse:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					return 0, false
				}
			}
		}
		return dropCommitAnswer, true
	case *kmsg.ProduceResponse:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					return 0, false
				}
			}
		}
		return dropProduceAnswer, true
	}
	return 0, false
}

// rename puts the proxies' addresses in place of the brokers'. It tells
// whether there were any.
func (b *brokerProxies) rename(resp kmsg.Response) (any bool) {
	to := func(host *string, port *int32) {
		p, ok := b.by[net.JoinHostPort(*host, strconv.Itoa(int(*port)))]
		if !ok {
			return
		}
		at := p.ln.Addr().(*net.TCPAddr)
		*host, *port, any = at.IP.String(), int32(at.Port), true
	}
	switch r := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			to(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		to(&r.Host, &r.Port)
		for i := range r.Coordinators {
			to(&r.Coordinators[i].Host, &r.Coordinators[i].Port)
		}
	case *kmsg.DescribeClusterResponse:
		for i := range r.Brokers {
			to(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.ProduceResponse:
		for i := range r.Brokers {
			to(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FetchResponse:
		for i := range r.Brokers {
			to(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	}
	return any
}
