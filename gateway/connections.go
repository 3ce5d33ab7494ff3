package main

import (
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// connections bounds how many connections are open at once, so that those that say nothing keep nobody
// out. Where there are as many as there may be, one is closed for the next: the one that has waited longest
// for the headers of a request, its first or another; else the one whose body has been arriving longest; else
// the one that has left a part of its answer unread longest. None is closed for another before it has had its
// time, `patience`, to say or read what it is to, nor while its request is being worked on; where all are
// such, the next waits.
//
// Of one address, other than this machine's, there may be half as many: it closes one of its own for the
// next, or is refused.
//
//	server := &http.Server{Handler: handler}
//	server.Serve(limitConnections(server, listener, 1000))
type connections struct {
	net.Listener
	max      int
	patience time.Duration // before a connection that says or reads nothing may be closed for another

	mutex   sync.Mutex
	changed *sync.Cond // signalled when there may be room
	open    int
	ofPeer  map[string]int // open connections, by peerOf
	in      [3]list.List   // of *connection in each stage but the last, the longest there first
	closed  bool
}

// stage is what a connection is doing.
type stage int

const (
	waiting  stage = iota // for the headers of a request
	arriving              // its body is
	unread                // is a part of the answer
	working               // on the answer
)

type connection struct {
	net.Conn
	of   *connections
	peer string
	// Guarded by of.mutex.
	stage stage
	since time.Time     // it has been in the stage
	place *list.Element // in of.in[stage]; nil while working
	gone  bool
}

func (c *connection) Write(part []byte) (int, error) {
	c.of.mutex.Lock()
	before := c.stage
	c.enter(unread)
	c.of.mutex.Unlock()
	n, err := c.Conn.Write(part)
	c.reach(before)
	return n, err
}

// arrivingBody tells when a body has arrived.
type arrivingBody struct {
	io.ReadCloser
	of *connection
}

func (b arrivingBody) Read(buffer []byte) (int, error) {
	n, err := b.ReadCloser.Read(buffer)
	if err != nil {
		b.of.reach(working)
	}
	return n, err
}

type connectionKey struct{}

// limitConnections is `listener` with no more than `max` connections open. It watches the requests of
// `server`, whose handler is set already.
func limitConnections(server *http.Server, listener net.Listener, max int) net.Listener {
	c := &connections{Listener: listener, max: max, patience: time.Second / 10, ofPeer: map[string]int{}}
	c.changed = sync.NewCond(&c.mutex)
	next := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := r.Context().Value(connectionKey{}).(*connection)
		if r.ContentLength == 0 {
			of.reach(working)
		} else {
			of.reach(arriving)
			r.Body = arrivingBody{r.Body, of}
		}
		next.ServeHTTP(w, r)
	})
	server.ConnContext = func(ctx context.Context, of net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, of)
	}
	server.ConnState = func(of net.Conn, state http.ConnState) {
		if state == http.StateIdle { // the answer has left
			of.(*connection).reach(waiting)
		}
	}
	return c
}

// peerOf is the machine at the other end: an IPv4 address or the 64 bits of an IPv6 network; "" for this one.
func peerOf(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return ""
	}
	ip := tcp.AddrPort().Addr().Unmap()
	if ip.IsLoopback() {
		return ""
	}
	if ip.Is6() {
		return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
	}
	return ip.String()
}

func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted, err := c.admit(accepted)
		if err != nil {
			return nil, err
		}
		if admitted != nil {
			return admitted, nil
		}
	}
}

func (c *connections) Close() error {
	c.mutex.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mutex.Unlock()
	return c.Listener.Close()
}

// admit makes room for a connection; nil where its peer has too many.
func (c *connections) admit(accepted net.Conn) (net.Conn, error) {
	peer := peerOf(accepted.RemoteAddr())
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for {
		crowds := peer != "" && c.ofPeer[peer] >= max(1, c.max/2)
		if c.closed {
			accepted.Close()
			return nil, net.ErrClosed
		}
		if !crowds && c.open < c.max {
			break
		}
		longest, left := c.longest(peer, crowds)
		switch {
		case longest != nil && left <= 0:
			longest.leave()
			longest.Conn.Close()
		case crowds:
			accepted.Close()
			return nil, nil
		case longest != nil:
			// With the mutex, so that it does not come before the wait that it is to end.
			after := time.AfterFunc(left, func() {
				c.mutex.Lock()
				defer c.mutex.Unlock()
				c.changed.Broadcast()
			})
			c.changed.Wait()
			after.Stop()
		default:
			c.changed.Wait()
		}
	}
	c.open++
	c.ofPeer[peer]++
	admitted := &connection{Conn: accepted, of: c, peer: peer, since: time.Now()}
	admitted.place = c.in[waiting].PushBack(admitted)
	return admitted, nil
}

// longest is the connection to close for another, of all or of `peer` alone, and how much of its time is left:
// the first stage's where that is over, else the one whose time is over next. Nil where all are working.
func (c *connections) longest(peer string, ofPeer bool) (*connection, time.Duration) {
	var next *connection
	var left time.Duration
	for s := range c.in {
		for each := c.in[s].Front(); each != nil; each = each.Next() {
			found := each.Value.(*connection)
			if ofPeer && found.peer != peer {
				continue
			}
			if l := c.patience - time.Since(found.since); next == nil || l < left {
				next, left = found, l
			}
			break
		}
		if next != nil && left <= 0 {
			break
		}
	}
	return next, left
}

func (c *connection) reach(next stage) {
	c.of.mutex.Lock()
	defer c.of.mutex.Unlock()
	c.enter(next)
}

// enter puts the connection into a stage; of.mutex is held.
func (c *connection) enter(next stage) {
	if c.gone || c.stage == next {
		return
	}
	c.unlist()
	c.stage = next
	c.since = time.Now()
	if next != working {
		c.place = c.of.in[next].PushBack(c)
		c.of.changed.Signal()
	}
}

func (c *connection) unlist() {
	if c.place != nil {
		c.of.in[c.stage].Remove(c.place)
		c.place = nil
	}
}

// leave makes room for another; of.mutex is held.
func (c *connection) leave() {
	if c.gone {
		return
	}
	c.gone = true
	c.unlist()
	c.of.open--
	if c.of.ofPeer[c.peer]--; c.of.ofPeer[c.peer] == 0 {
		delete(c.of.ofPeer, c.peer)
	}
	c.of.changed.Signal()
}

func (c *connection) Close() error {
	c.of.mutex.Lock()
	c.leave()
	c.of.mutex.Unlock()
	return c.Conn.Close()
}
