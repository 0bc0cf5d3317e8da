package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// proxy passes connections on to a server on loopback, and fails when told to.
type proxy struct {
	ln    net.Listener
	serve func(*link) // passes bytes until one side ends
	wg    sync.WaitGroup

	state struct {
		sync.Mutex
		target string
		refuse bool
		links  map[*link]struct{}
	}
}

// link is a connection of a client and the one to the server that belongs to it.
type link struct {
	p              *proxy
	client, server net.Conn
}

// newProxy listens on loopback. serve is called for every connection.
func newProxy(target string, serve func(*link)) (*proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{ln: ln, serve: serve}
	p.state.target, p.state.links = target, map[*link]struct{}{}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

func (p *proxy) close() {
	_ = p.ln.Close()
	p.cut()
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				panic("proxy: accept: " + err.Error())
			}
			return
		}
		p.wg.Go(func() { p.connect(client) })
	}
}

func (p *proxy) connect(client net.Conn) {
	p.state.Lock()
	refuse, target := p.state.refuse, p.state.target
	p.state.Unlock()
	if refuse {
		reset(client)
		return
	}
	server, err := net.DialTimeout("tcp", target, 2*time.Second)
	if err != nil {
		reset(client)
		return
	}
	l := &link{p: p, client: client, server: server}
	p.state.Lock()
	p.state.links[l] = struct{}{}
	p.state.Unlock()
	p.serve(l)
	l.end()
	p.state.Lock()
	delete(p.state.links, l)
	p.state.Unlock()
}

// end closes both sides, the client's with a reset as a crash would.
func (l *link) end() {
	reset(l.client)
	_ = l.server.Close()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.state.Lock()
	defer p.state.Unlock()
	for l := range p.state.links {
		l.end()
	}
}

// refuse ends all connections and refuses new ones until allow.
func (p *proxy) refuse() {
	p.state.Lock()
	p.state.refuse = true
	p.state.Unlock()
	p.cut()
}

func (p *proxy) allow() {
	p.state.Lock()
	p.state.refuse = false
	p.state.Unlock()
}

// retarget sends new connections elsewhere.
func (p *proxy) retarget(addr string) {
	p.state.Lock()
	p.state.target = addr
	p.state.Unlock()
}
