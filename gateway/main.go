// The gateway answers HTTP with JSON by asking an Unlasting server over gRPC.
//
//	unlasting-gateway --server 127.0.0.1:50051 --listen 127.0.0.1:8080
//	curl -s 127.0.0.1:8080/v1/models
//
// A stream is newline-delimited JSON: each line is {"result": {...}} or, last, {"error": {...}}, where the
// error is a google.rpc.Status as everywhere else.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// Of one request; tokens and trace contexts are short.
const maxHeaderBytes = 32 << 10

type flags struct {
	server, listen, cors       string
	tls                        bool
	tlsCA, tlsCert, tlsKey     string
	limits                     limits
	maxConnections             int
	readHeaderTimeout, drained time.Duration
	idleTimeout                time.Duration
}

func parseFlags() flags {
	var f flags
	flag.StringVar(&f.server, "server", "127.0.0.1:50051", "address of the Unlasting server")
	flag.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to serve HTTP on")
	flag.StringVar(&f.cors, "cors", "",
		"origins whose pages may call, separated by commas, e.g. https://lab.example; *: all (default: none)")
	flag.BoolVar(&f.tls, "tls", false, "speak TLS to the server, trusting the system's authorities")
	flag.StringVar(&f.tlsCA, "tls-ca", "", "speak TLS to the server, trusting the authorities in this file")
	flag.StringVar(&f.tlsCert, "tls-cert", "", "certificate that the gateway shows the server")
	flag.StringVar(&f.tlsKey, "tls-key", "", "its key")
	flag.Int64Var(&f.limits.maxRequestBytes, "max-request-bytes", 64<<20, "largest body of a request")
	flag.Int64Var(&f.limits.maxBytesInFlight, "max-bytes-in-flight", 256<<20,
		"memory of bodies that are being read and decoded, all together")
	flag.Int64Var(&f.limits.maxObjects, "max-objects", 200000,
		"JSON objects of one body; a perturbation is two or three")
	flag.IntVar(&f.maxConnections, "max-connections", 1000,
		"connections that may be open at once; half of them of one address, other than this machine's")
	flag.DurationVar(&f.limits.readBodyTimeout, "read-body-timeout", 2*time.Minute,
		"how long a body may take to arrive")
	flag.DurationVar(&f.limits.writeTimeout, "write-timeout", 5*time.Minute,
		"how long a caller may leave a part of its answer unread")
	flag.DurationVar(&f.idleTimeout, "idle-timeout", 2*time.Minute,
		"how long a connection may stay open without a request")
	flag.DurationVar(&f.readHeaderTimeout, "read-header-timeout", 10*time.Second,
		"how long a caller may take to send its headers")
	flag.DurationVar(&f.drained, "drain-timeout", 30*time.Second,
		"how long calls may go on after SIGTERM")
	usage := func() {
		flag.CommandLine.SetOutput(os.Stdout)
		fmt.Print("HTTP and JSON for an Unlasting server.\n\nExamples:\n" +
			"  unlasting-gateway --server 127.0.0.1:50051 --listen 127.0.0.1:8080\n" +
			"  unlasting-gateway --server predict.example:443 --tls --cors https://lab.example\n\n")
		flag.PrintDefaults()
	}
	flag.Usage = func() {}
	flag.CommandLine.Init("unlasting-gateway", flag.ContinueOnError)
	flag.CommandLine.SetOutput(io.Discard)
	if err := flag.CommandLine.Parse(os.Args[1:]); errors.Is(err, flag.ErrHelp) {
		usage()
		os.Exit(0)
	} else if err != nil {
		fail(2, fmt.Errorf("%w; see --help", err))
	}
	if flag.NArg() > 0 {
		fail(2, fmt.Errorf("found '%s', expected flags alone", flag.Arg(0)))
	}
	if err := f.check(); err != nil {
		fail(2, err)
	}
	return f
}

// check says which flag is not what it must be.
func (f flags) check() error {
	for name, value := range map[string]int64{
		"max-request-bytes": f.limits.maxRequestBytes, "max-bytes-in-flight": f.limits.maxBytesInFlight,
		"max-objects": f.limits.maxObjects, "max-connections": int64(f.maxConnections),
		"read-body-timeout": int64(f.limits.readBodyTimeout),
		"write-timeout":     int64(f.limits.writeTimeout), "idle-timeout": int64(f.idleTimeout),
		"read-header-timeout": int64(f.readHeaderTimeout)} {
		if value <= 0 {
			return fmt.Errorf("--%s: found %s, expected more than 0", name, flag.Lookup(name).Value)
		}
	}
	return nil
}

func fail(status int, err error) {
	fmt.Fprintln(os.Stderr, "unlasting-gateway:", err)
	os.Exit(status)
}

// transport holds the credentials of the connection to the server.
func transport(f flags) (credentials.TransportCredentials, error) {
	if !f.tls && f.tlsCA == "" {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.tlsCA != "" {
		pem, err := os.ReadFile(f.tlsCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no certificate", f.tlsCA)
		}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func connect(f flags) (*grpc.ClientConn, error) {
	secure, err := transport(f)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(f.server, grpc.WithTransportCredentials(secure),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(256<<20)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}))
}

func run(f flags) error {
	connection, err := connect(f)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	handler, err := newHandler(ctx, connection, splitOrigins(f.cors), f.limits)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: f.readHeaderTimeout,
		IdleTimeout: f.idleTimeout, MaxHeaderBytes: maxHeaderBytes}
	bounded := limitConnections(server, listener, f.maxConnections)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(bounded) }()
	slog.Info("listening", "address", listener.Addr().String(), "server", f.server)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), f.drained)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func splitOrigins(text string) []string {
	var origins []string
	for _, origin := range strings.Split(text, ",") {
		if origin = strings.TrimSpace(origin); origin != "" {
			origins = append(origins, origin)
		}
	}
	return origins
}

func main() {
	if err := run(parseFlags()); err != nil {
		fail(1, err)
	}
}
