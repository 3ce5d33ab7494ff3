package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// limited is a server of a few connections. Its /wait lasts until `held` is closed; `begun` says that a call of it,
// or a POST, has begun.
type limited struct {
	address string
	server  *http.Server
	begun   chan struct{}
	held    chan struct{}
}

func limit(t *testing.T, most int) *limited {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limited{address: listener.Addr().String(), begun: make(chan struct{}, 100),
		held: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") })
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		l.begun <- struct{}{}
		io.ReadAll(r.Body)
		fmt.Fprint(w, "read")
	})
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) {
		l.begun <- struct{}{}
		for part := make([]byte, 1<<20); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	})
	wait := func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		l.begun <- struct{}{}
		<-l.held
		fmt.Fprint(w, "waited")
	}
	mux.HandleFunc("GET /wait", wait)
	mux.HandleFunc("POST /wait", wait)
	// No time ends a connection: only another does.
	l.server = &http.Server{Handler: mux}
	bounded := limitConnections(l.server, listener, most)
	bounded.(*connections).patience = 0
	served := make(chan struct{})
	go func() {
		l.server.Serve(bounded)
		close(served)
	}()
	t.Cleanup(func() {
		l.server.Close()
		<-served
	})
	return l
}

func (l *limited) connect(t *testing.T, text string) net.Conn {
	t.Helper()
	peer, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	fmt.Fprint(peer, text)
	return peer
}

const (
	getWait  = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
	postWait = "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
	getHere  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
)

func answerOf(t *testing.T, peer net.Conn) string {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(peer), nil)
	if err != nil {
		return err.Error()
	}
	body, _ := io.ReadAll(response.Body)
	return string(body)
}

func TestConnectionsThatWaitMakeRoomForTheNext(t *testing.T) {
	for name, text := range map[string]string{
		"nothing was sent": "", "headers that do not end": "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"a body that does not end": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"kept after an answer":     getHere,
	} {
		l := limit(t, 4)
		busy := []net.Conn{l.connect(t, getWait), l.connect(t, postWait)}
		<-l.begun
		<-l.begun
		var waiting []net.Conn
		for k := 0; k < 12; k++ {
			waiting = append(waiting, l.connect(t, text))
			if text == getHere {
				if answer := answerOf(t, waiting[k]); answer != "here" {
					t.Fatalf("%s: found %q for connection %d", name, answer, k)
				}
			}
		}
		if answer := answerOf(t, l.connect(t, getHere)); answer != "here" {
			t.Errorf("%s: found %q", name, answer)
		}
		if text == "" {
			io.ReadAll(waiting[0]) // the longest waiting has been closed
		}
		// What has a request under way has not.
		close(l.held)
		for _, each := range busy {
			if answer := answerOf(t, each); answer != "waited" {
				t.Errorf("%s: found %q", name, answer)
			}
		}
	}
}

func TestABodyThatArrivesIsClosedAfterThoseThatSayNothing(t *testing.T) {
	l := limit(t, 3)
	upload := l.connect(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
	<-l.begun
	for k := 0; k < 8; k++ {
		l.connect(t, "")
		if answer := answerOf(t, l.connect(t, getHere)); answer != "here" {
			t.Errorf("found %q", answer)
		}
	}
	fmt.Fprint(upload, "dy")
	if answer := answerOf(t, upload); answer != "read" {
		t.Errorf("found %q", answer)
	}
}

func TestAnswersThatNobodyReadsMakeRoomForTheNext(t *testing.T) {
	l := limit(t, 3)
	busy := l.connect(t, getWait)
	<-l.begun
	for k := 0; k < 6; k++ {
		l.connect(t, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
		<-l.begun
	}
	if answer := answerOf(t, l.connect(t, getHere)); answer != "here" {
		t.Errorf("found %q", answer)
	}
	close(l.held)
	if answer := answerOf(t, busy); answer != "waited" {
		t.Errorf("found %q", answer)
	}
}

func TestWhereAllConnectionsAreBusyTheNextWaits(t *testing.T) {
	l := limit(t, 2)
	first, second := l.connect(t, getWait), l.connect(t, getWait)
	<-l.begun
	<-l.begun
	third := l.connect(t, getHere)
	close(l.held)
	for peer, expected := range map[net.Conn]string{first: "waited", second: "waited", third: "here"} {
		if answer := answerOf(t, peer); answer != expected {
			t.Errorf("found %q, expected %q", answer, expected)
		}
	}
}

func TestAConnectionThatIsBusyAgainIsNotTaken(t *testing.T) {
	l := limit(t, 2)
	kept := l.connect(t, getHere)
	answerOf(t, kept)
	fmt.Fprint(kept, getWait)
	<-l.begun
	for k := 0; k < 8; k++ {
		l.connect(t, "")
	}
	answerOf(t, l.connect(t, getHere))
	close(l.held)
	if answer := answerOf(t, kept); answer != "waited" {
		t.Errorf("found %q", answer)
	}
}

func TestAServerWhoseConnectionsAreAllBusyShutsDown(t *testing.T) {
	l := limit(t, 1)
	busy := l.connect(t, getWait)
	<-l.begun
	l.connect(t, getHere)
	done := make(chan error)
	go func() { done <- l.server.Shutdown(context.Background()) }()
	close(l.held)
	answerOf(t, busy)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// from is a connection from somewhere else.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	address, _ := net.ResolveTCPAddr("tcp", f.address)
	return address
}

func TestOneMachineHasHalfOfTheConnections(t *testing.T) {
	c := limitConnections(&http.Server{}, nil, 8).(*connections)
	c.patience = 0
	connect := func(address string) *connection {
		here, there := net.Pipe()
		t.Cleanup(func() { there.Close() })
		admitted, err := c.admit(from{here, address})
		if err != nil || admitted == nil {
			here.Close()
			return nil
		}
		t.Cleanup(func() { admitted.Close() })
		return admitted.(*connection)
	}
	other := connect("198.51.100.7:1")
	var of []*connection
	for k := 0; k < 6; k++ {
		of = append(of, connect(fmt.Sprintf("[2001:db8::%d]:1000", k)))
	}
	if !of[0].gone || !of[1].gone || of[2].gone || other.gone || c.open != 5 {
		t.Errorf("found %d open, expected the first two of the crowd to have gone for its last", c.open)
	}
	for _, each := range of[2:] {
		each.reach(working)
	}
	if connect("[2001:db8::9]:1") != nil {
		t.Error("found a fifth of a machine that has four with requests, expected it refused")
	}
	for k := 0; k < 8; k++ {
		if connect("127.0.0.1:1") == nil || connect("[::1]:1") == nil || connect("[::ffff:127.0.0.1]:1") == nil {
			t.Error("found this machine refused")
		}
	}
	if c.open != 8 || !other.gone {
		t.Errorf("found %d open, expected this machine to have taken what waited", c.open)
	}
	for _, each := range of {
		each.Close()
		each.Close()
	}
	if c.ofPeer["2001:db8::/64"] != 0 {
		t.Errorf("found %v", c.ofPeer)
	}
}

func TestAConnectionHasItsTimeBeforeItIsClosedForTheNext(t *testing.T) {
	for name, until := range map[string]stage{"headers": waiting, "body": arriving, "answer": unread} {
		synctest.Test(t, func(t *testing.T) {
			c := limitConnections(&http.Server{}, nil, 2).(*connections)
			connect := func() *connection {
				here, there := net.Pipe()
				t.Cleanup(func() { here.Close(); there.Close() })
				admitted, err := c.admit(here)
				if err != nil {
					t.Fatal(err)
				}
				return admitted.(*connection)
			}
			first := connect()
			time.Sleep(c.patience / 2)
			second := connect()
			first.reach(until)
			begun := time.Now()
			connect()
			expected, goes := c.patience, second // both began to wait for something now; headers go first
			if until == waiting {
				expected, goes = c.patience/2, first
			}
			if took := time.Since(begun); took != expected || !goes.gone || first.gone == second.gone {
				t.Errorf("%s: the next came after %v, expected %v; first gone: %v, second: %v", name, took,
					expected, first.gone, second.gone)
			}
		})
	}
}

func TestACrowdsNextIsRefusedWhileAllOfItHaveTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := limitConnections(&http.Server{}, nil, 4).(*connections)
		connect := func() net.Conn {
			here, there := net.Pipe()
			t.Cleanup(func() { here.Close(); there.Close() })
			admitted, err := c.admit(from{here, "198.51.100.7:1"})
			if err != nil {
				t.Fatal(err)
			}
			return admitted
		}
		first := connect().(*connection)
		connect()
		if connect() != nil || first.gone {
			t.Errorf("found a third of a machine that may have two, both just come; first gone: %v", first.gone)
		}
		time.Sleep(c.patience)
		if connect() == nil || !first.gone {
			t.Error("found the crowd's next refused, expected its first closed for it")
		}
	})
}

func TestPeersAreMachines(t *testing.T) {
	for address, expected := range map[string]string{
		"127.0.0.9:1": "", "[::1]:1": "", "[::ffff:127.0.0.1]:1": "", "192.0.2.1:1": "192.0.2.1",
		"[::ffff:192.0.2.1]:1": "192.0.2.1", "[2001:db8:0:1:2::3]:1": "2001:db8:0:1::/64",
	} {
		if found := peerOf(from{nil, address}.RemoteAddr()); found != expected {
			t.Errorf("%s: found %q, expected %q", address, found, expected)
		}
	}
	if found := peerOf(&net.UnixAddr{Name: strings.Repeat("x", 3)}); found != "" {
		t.Errorf("found %q", found)
	}
}

func TestManyConnectionsAtOnceKeepTheirNumber(t *testing.T) {
	l := limit(t, 3)
	close(l.held)
	done := make(chan string)
	for k := 0; k < 40; k++ {
		go func() {
			peer, err := net.DialTimeout("tcp", l.address, time.Minute)
			if err != nil {
				done <- err.Error()
				return
			}
			defer peer.Close()
			fmt.Fprint(peer, []string{getHere, "", "GET / HTTP/1.1\r\n"}[k%3])
			if k%3 == 0 {
				io.ReadAll(io.LimitReader(peer, 20))
			}
			done <- ""
		}()
	}
	for k := 0; k < 40; k++ {
		if failed := <-done; failed != "" {
			t.Error(failed)
		}
	}
	if answer := answerOf(t, l.connect(t, getHere)); answer != "here" {
		t.Errorf("found %q", answer)
	}
}
