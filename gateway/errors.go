package main

import (
	"fmt"
	"math"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
)

// statusJSON is {"error": google.rpc.Status} and the HTTP status that belongs to it.
func statusJSON(marshaler runtime.Marshaler, err error) ([]byte, int) {
	found := status.Convert(err)
	body, wrong := marshaler.Marshal(map[string]*rpcstatus.Status{"error": found.Proto()})
	if wrong != nil {
		return []byte(fmt.Sprintf(`{"error":{"code":%d,"message":%q}}`, found.Code(), found.Message())),
			runtime.HTTPStatusFromCode(found.Code())
	}
	code := runtime.HTTPStatusFromCode(found.Code())
	switch reasonIn(found) {
	case "MESSAGE_TOO_LARGE":
		code = http.StatusRequestEntityTooLarge
	case "SILENT_CALLER":
		code = http.StatusRequestTimeout
	}
	if code == http.StatusOK {
		code = http.StatusInternalServerError
	}
	return body, code
}

// reasonIn is the reason of a status' ErrorInfo; "" where it has none.
func reasonIn(found *status.Status) string {
	for _, detail := range found.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// retryAfter is the server's RetryInfo in whole seconds; "" where it has none.
func retryAfter(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok && retry.GetRetryDelay() != nil {
			return fmt.Sprint(int(math.Ceil(retry.GetRetryDelay().AsDuration().Seconds())))
		}
	}
	return ""
}
