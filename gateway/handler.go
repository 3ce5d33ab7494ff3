package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	gateway "github.com/unlasting/unlasting/gateway/gen/unlasting/v1"
)

//go:embed gen/unlasting.swagger.json
var openAPI []byte

// The details of errors are written as JSON where their types are linked in.
var _ = []proto.Message{(*errdetails.ErrorInfo)(nil), (*errdetails.BadRequest)(nil)}

// What callers send that the server is to see, and what it says that callers are to see.
var passedOn = []string{"authorization", "x-request-id", "traceparent", "tracestate"}

func incoming(key string) (string, bool) {
	name := strings.ToLower(key)
	return name, slices.Contains(passedOn, name)
}

func outgoing(key string) (string, bool) {
	if key == "x-request-id" || key == "retry-after" {
		return key, true
	}
	return "", false
}

// newHandler serves the API, /openapi.json, /healthz (the server is reached) and, for the origins of `cors`,
// answers to browsers' preflight requests.
func newHandler(ctx context.Context, connection *grpc.ClientConn, cors []string,
	limits limits) (http.Handler, error) {
	marshaler := &runtime.JSONPb{
		MarshalOptions: protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: false},
		// A misspelt field would be an empty request.
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
	}
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler),
		runtime.WithIncomingHeaderMatcher(incoming),
		runtime.WithOutgoingHeaderMatcher(outgoing),
		runtime.WithOutgoingTrailerMatcher(outgoing),
		runtime.WithErrorHandler(writeError),
	)
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		gateway.RegisterPredictionServiceHandler, gateway.RegisterModelServiceHandler} {
		if err := register(ctx, mux, connection); err != nil {
			return nil, err
		}
	}
	top := http.NewServeMux()
	top.Handle("/v1/", mux)
	top.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(openAPI)
	})
	health := grpc_health_v1.NewHealthClient(connection)
	top.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer, err := health.Check(r.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			writeError(r.Context(), mux, marshaler, w, r, err)
			return
		}
		if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.Write([]byte(answer.Status.String() + "\n"))
	})
	return withCORS(cors, guarded(limits, top)), nil
}

// writeError writes a google.rpc.Status in the same envelope as a stream's last line, {"error": {...}}.
func writeError(ctx context.Context, mux *runtime.ServeMux, marshaler runtime.Marshaler,
	w http.ResponseWriter, r *http.Request, err error) {
	if refused := refusedOf(r.Context()); refused != nil {
		err = refused
	}
	body, status := statusJSON(marshaler, err)
	if header, ok := runtime.ServerMetadataFromContext(ctx); ok {
		if id := first(header.TrailerMD, "x-request-id"); id != "" {
			w.Header().Set("X-Request-Id", id)
		}
	}
	if seconds := retryAfter(err); seconds != "" {
		w.Header().Set("Retry-After", seconds)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// withCORS lets pages of `origins` call; "*" stands for all. Without origins nothing is added.
func withCORS(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Add("Vary", "Origin")
		if origin == "" || !slices.Contains(origins, origin) && !slices.Contains(origins, "*") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers",
				"Authorization, Content-Type, X-Request-Id, Traceparent, Tracestate")
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
