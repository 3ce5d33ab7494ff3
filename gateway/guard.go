package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// limits bound what callers may take of the gateway. Each is a flag.
type limits struct {
	// One body on the wire, and all bodies that are being read and decoded, as they are in memory.
	maxRequestBytes, maxBytesInFlight int64
	// Objects of one body: each may become hundreds of bytes, whatever it takes on the wire.
	maxObjects int64
	// How long a body may take to arrive, and how long a caller may leave a part of its answer unread.
	readBodyTimeout, writeTimeout time.Duration
}

// The deepest nesting of arrays and objects; the API's messages have nine levels.
const maxDepth = 64

// A body that takes no more than this is read whatever the others take; connections bound how many.
const smallBody = 64 << 10

// refusal is why the gateway itself refuses a request. It is a google.rpc.Status to the caller, as the
// server's errors are.
func refusal(code codes.Code, reason, format string, values ...any) error {
	details := status.New(code, fmt.Sprintf(format, values...))
	info := &errdetails.ErrorInfo{Reason: reason, Domain: "unlasting"}
	if code == codes.ResourceExhausted {
		retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}
		if full, err := details.WithDetails(info, retry); err == nil {
			return full.Err()
		}
	}
	if full, err := details.WithDetails(info); err == nil {
		return full.Err()
	}
	return details.Err()
}

func tooLarge(limits *limits) error {
	return refusal(codes.InvalidArgument, "MESSAGE_TOO_LARGE",
		"the body is larger than %d bytes, the limit of this gateway (--max-request-bytes)",
		limits.maxRequestBytes)
}

// ledger counts the bytes of all bodies in flight.
type ledger struct {
	mutex sync.Mutex
	bytes int64
}

// grow raises what one body takes from held to takes bytes, and returns what all bodies would then take.
// Where that does not fit, the body holds nothing afterwards: given back in the same step, its bytes let
// another grow, so that bodies that arrive at once cannot refuse each other to the last.
func (l *ledger) grow(held, takes, limit int64) (total int64, fits bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	total = l.bytes - held + takes
	if fits = total <= limit || takes <= smallBody; fits {
		l.bytes = total
	} else {
		l.bytes -= held
	}
	return total, fits
}

func (l *ledger) giveBack(held int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.bytes -= held
}

// guard watches over one request: it counts what its body takes towards the bytes in flight, and ends the
// body with a refusal where it is too large, too slow, or nested or divided too much. What it refused
// replaces the decoder's error.
type guard struct {
	body     io.ReadCloser
	limits   *limits
	inFlight *ledger
	control  *http.ResponseController
	read     int64 // of the body
	held     int64 // of inFlight
	scan     scanner
	refused  error
}

type guardKey struct{}

// refusedOf is what the guard of the request refused; nil where it refused nothing.
func refusedOf(ctx context.Context) error {
	if g, ok := ctx.Value(guardKey{}).(*guard); ok {
		return g.refused
	}
	return nil
}

func (g *guard) refuse(err error) (int, error) {
	g.release()
	g.refused = err
	return 0, err
}

func (g *guard) Read(buffer []byte) (int, error) {
	if g.refused != nil {
		return 0, g.refused
	}
	n, err := g.body.Read(buffer)
	if g.read += int64(n); g.read > g.limits.maxRequestBytes {
		return g.refuse(tooLarge(g.limits))
	}
	g.scan.take(buffer[:n])
	takes := g.read + g.scan.decodedBytes()
	if takes > g.limits.maxBytesInFlight {
		return g.refuse(refusal(codes.InvalidArgument, "MESSAGE_TOO_LARGE",
			"the body takes more than %d bytes in memory, the limit of this gateway "+
				"(--max-bytes-in-flight): send fewer cells or perturbations per call",
			g.limits.maxBytesInFlight))
	}
	total, fits := g.inFlight.grow(g.held, takes, g.limits.maxBytesInFlight)
	if !fits {
		g.held = 0
		return g.refuse(refusal(codes.ResourceExhausted, "TOO_MANY_BYTES",
			"the gateway holds %d bytes of requests, expected at most %d (--max-bytes-in-flight): "+
				"try again later", total, g.limits.maxBytesInFlight))
	}
	g.held = takes
	if g.scan.depth > maxDepth {
		return g.refuse(refusal(codes.InvalidArgument, "MALFORMED_REQUEST",
			"the body is nested more than %d levels deep", maxDepth))
	}
	if g.scan.objects > g.limits.maxObjects {
		return g.refuse(refusal(codes.InvalidArgument, "MESSAGE_TOO_LARGE",
			"the body has more than %d objects, the limit of this gateway (--max-objects): send fewer "+
				"perturbations per call", g.limits.maxObjects))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return g.refuse(refusal(codes.DeadlineExceeded, "SILENT_CALLER",
			"the body took more than %s to arrive (--read-body-timeout)", g.limits.readBodyTimeout))
	}
	if err != nil {
		// A caller may then wait for its answer for as long as it likes.
		g.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (g *guard) Close() error { return g.body.Close() }

// release returns the bytes of the body, which is decoded once an answer begins.
func (g *guard) release() {
	g.inFlight.giveBack(g.held)
	g.held = 0
}

// scanner counts what JSON consists of and how deep it is nested, without decoding it.
type scanner struct {
	depth, objects, texts, commas int64
	inText, isEscape              bool
}

// decodedBytes is about what the decoded message takes beside its bytes, with the room by which lists grow.
func (s *scanner) decodedBytes() int64 { return 300*s.objects + 64*s.texts + 16*s.commas }

func (s *scanner) take(text []byte) {
	for _, letter := range text {
		switch {
		case s.isEscape:
			s.isEscape = false
		case s.inText:
			s.isEscape = letter == '\\'
			s.inText = letter != '"'
		case letter == '"':
			s.inText = true
			s.texts++
		case letter == ',':
			s.commas++
		case letter == '{' || letter == '[':
			s.depth++
			if letter == '{' {
				s.objects++
			}
			if s.depth > maxDepth {
				return
			}
		case letter == '}' || letter == ']':
			s.depth--
		}
	}
}

// patientWriter ends the connection of a caller that leaves a part of its answer unread for too long.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	guard   *guard
}

func (w *patientWriter) Write(part []byte) (int, error) {
	w.guard.release()
	w.control.SetWriteDeadline(time.Now().Add(w.guard.limits.writeTimeout))
	return w.ResponseWriter.Write(part)
}

func (w *patientWriter) Flush() {
	w.control.SetWriteDeadline(time.Now().Add(w.guard.limits.writeTimeout))
	w.control.Flush()
}

func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guarded puts a guard around each request of next.
func guarded(limits limits, next http.Handler) http.Handler {
	var inFlight ledger
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		g := &guard{body: r.Body, limits: &limits, inFlight: &inFlight, control: control}
		defer g.release()
		if r.ContentLength != 0 {
			control.SetReadDeadline(time.Now().Add(limits.readBodyTimeout))
		}
		if r.ContentLength > limits.maxRequestBytes {
			g.refused = tooLarge(&limits)
		}
		// What the handler leaves to be sent has its time too.
		defer func() { control.SetWriteDeadline(time.Now().Add(limits.writeTimeout)) }()
		r = r.WithContext(context.WithValue(r.Context(), guardKey{}, g))
		r.Body = g
		next.ServeHTTP(&patientWriter{w, control, g}, r)
	})
}
