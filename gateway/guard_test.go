package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var testLimits = limits{maxRequestBytes: 1 << 20, maxBytesInFlight: 3 << 20, maxObjects: 1000,
	readBodyTimeout: time.Second, writeTimeout: time.Minute}

func refusedWith(t *testing.T, response *http.Response, text string, wantHTTP int, wantReason string) {
	t.Helper()
	if _, reason := reasonOf(t, text); reason != wantReason || response.StatusCode != wantHTTP {
		t.Errorf("found HTTP %d, %.300s; expected %d, %s", response.StatusCode, text, wantHTTP, wantReason)
	}
}

func TestBodiesThatTakeTooMuchAreRefusedBeforeTheyAreDecoded(t *testing.T) {
	f := &fake{failAt: 2}
	url, _ := serve(t, f)
	deep := `{"panel": ` + strings.Repeat("[", 100000)
	objects := `{"perturbations": [` + strings.Repeat("{},", 1000) + `{}]}`
	for _, each := range []struct {
		body, reason string
		status       int
	}{
		{`{"model": "` + strings.Repeat("x", 1<<20) + `"}`, "MESSAGE_TOO_LARGE", 413},
		{deep, "MALFORMED_REQUEST", 400},
		{`{"panel": ` + strings.Repeat(`{"a":`, 70), "MALFORMED_REQUEST", 400},
		{objects, "MESSAGE_TOO_LARGE", 413},
		{`{"options": {"genes": [` + strings.Repeat(`"",`, 100000) + `""]}}`, "MESSAGE_TOO_LARGE", 413},
		{`{"options": {"genes": [` + strings.Repeat(`0,`, 300000) + `0]}}`, "MESSAGE_TOO_LARGE", 413},
	} {
		response, text := do(t, "POST", url+"/v1/predict", each.body)
		refusedWith(t, response, text, each.status, each.reason)
		response, text = do(t, "POST", url+"/v1/controls", each.body)
		refusedWith(t, response, text, each.status, each.reason)
	}
	if f.request != nil {
		t.Errorf("the server was asked %v", f.request)
	}
	// Brackets inside of text are no nesting.
	if _, text := do(t, "POST", url+"/v1/predict",
		`{"model": "\"[[[[{{{{`+strings.Repeat("[{", 2000)+`"}`); !strings.Contains(text, "finished") {
		t.Errorf("found %s", text)
	}
}

func TestABodyWithoutALengthIsBoundedToo(t *testing.T) {
	url, _ := serve(t, &fake{failAt: 2})
	body := strings.NewReader(`{"model": "` + strings.Repeat("x", 2<<20) + `"}`)
	request, _ := http.NewRequest("POST", url+"/v1/predict", struct{ *strings.Reader }{body})
	request.ContentLength = -1
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 413 {
		t.Errorf("found HTTP %d", response.StatusCode)
	}
}

func TestCompressedBodiesAreNotInflated(t *testing.T) {
	url, _ := serve(t, &fake{failAt: 2})
	var bomb bytes.Buffer
	writer := gzip.NewWriter(&bomb)
	writer.Write(bytes.Repeat([]byte(" "), 100<<20))
	writer.Close()
	response, text := do(t, "POST", url+"/v1/predict", bomb.String(), "Content-Encoding", "gzip")
	if response.StatusCode != 400 {
		t.Errorf("found HTTP %d, %s", response.StatusCode, text)
	}
}

func TestABodyThatDoesNotArriveIsGivenUp(t *testing.T) {
	url, _ := serve(t, &fake{failAt: 2})
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	answer := make([]byte, 1<<16)
	n, _ := connection.Read(answer)
	if text := string(answer[:n]); !strings.HasPrefix(text, "HTTP/1.1 408") || !strings.Contains(text, "SILENT_CALLER") {
		t.Errorf("found %s", text)
	}
}

func TestBodiesThatArriveAtOnceDoNotRefuseEachOtherToTheLast(t *testing.T) {
	const limit = 10 * smallBody
	var l ledger
	for k := 0; k < 2; k++ {
		if _, fits := l.grow(0, limit/2, limit); !fits {
			t.Fatal("half did not fit")
		}
	}
	if total, fits := l.grow(limit/2, limit/2+1, limit); fits || total != limit+1 {
		t.Errorf("found %d, %v", total, fits)
	}
	if total, fits := l.grow(limit/2, limit, limit); !fits || total != limit {
		t.Errorf("found %d, %v", total, fits)
	}
	if _, fits := l.grow(0, smallBody, limit); !fits {
		t.Error("a small body did not fit")
	}
	l.giveBack(limit + smallBody)
	if l.bytes != 0 {
		t.Errorf("%d bytes are left", l.bytes)
	}
}

func TestBodiesThatAreHeldShareTheirMemory(t *testing.T) {
	url, _ := serve(t, &fake{failAt: 2})
	var held []net.Conn
	for k := 0; k < 4; k++ {
		connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		held = append(held, connection)
		fmt.Fprintf(connection, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 1<<20,
			`{"model": "`+strings.Repeat("x", 900<<10))
	}
	refused := 0
	for _, connection := range held {
		answer := make([]byte, 1<<16)
		n, _ := connection.Read(answer)
		if strings.HasPrefix(string(answer[:n]), "HTTP/1.1 429") {
			refused++
		}
	}
	// Three fit, and the one that is refused first leaves its room to them.
	if refused != 1 {
		t.Errorf("found %d requests refused, expected one of four", refused)
	}
	// What they held is free again.
	if _, text := do(t, "POST", url+"/v1/predict", knockout); !strings.Contains(text, "finished") {
		t.Errorf("found %s", text)
	}
}

func TestTheBodysTimeIsNotThatOfTheAnswer(t *testing.T) {
	f := &fake{failAt: 2, wait: 1500 * time.Millisecond}
	url, _ := serve(t, f)
	if _, text := do(t, "POST", url+"/v1/predict", knockout); !strings.Contains(text, "finished") {
		t.Errorf("found %s", text)
	}
}

// Whatever it is: the API's description is there for strangers.
func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	nowhere, err := grpc.NewClient("127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	impatient := testLimits
	impatient.writeTimeout = time.Millisecond
	handler, err := newHandler(t.Context(), nowhere, nil, impatient)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(handler)
	closed := make(chan struct{})
	front.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	front.Start()
	defer front.Close()
	peer, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	peer.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprint(peer, strings.Repeat("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", 500))
	<-closed
}
