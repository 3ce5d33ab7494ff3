package unlasting

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Violation is a bad field of a request.
type Violation struct{ Field, Description, Reason string }

// Error is what a server says of a call that failed.
type Error struct {
	Code       codes.Code
	Message    string
	Reason     string            // stable, e.g. "UNKNOWN_GENE"; "" where there is none
	Violations []Violation       // each bad field of the request
	RetryAfter time.Duration     // that a busy server asks to wait; 0: it does not ask
	Metadata   map[string]string // of google.rpc.ErrorInfo
	RequestID  string            // by which the server's log knows the call
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Code, e.Message, e.Reason)
}

// fromRPC decodes the details of a call's error; nil for nil.
func fromRPC(err error, trailer metadata.MD) error {
	if err == nil {
		return nil
	}
	found := status.Convert(err)
	result := &Error{Code: found.Code(), Message: found.Message()}
	if ids := trailer.Get("x-request-id"); len(ids) > 0 {
		result.RequestID = ids[0]
	}
	for _, detail := range found.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			result.Reason, result.Metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				result.Violations = append(result.Violations,
					Violation{v.GetField(), v.GetDescription(), v.GetReason()})
			}
		case *errdetails.RetryInfo:
			result.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	return result
}
