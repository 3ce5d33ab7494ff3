package unlasting

import (
	"math"
	"time"

	"google.golang.org/grpc/codes"
)

// RetryPolicy says how calls that may pass are tried again.
type RetryPolicy struct {
	First   time.Duration // wait after the first failure
	Longest time.Duration
	Factor  float64       // from one wait to the next
	GiveUp  time.Duration // from when on it is given up; 0 tries once
}

// DefaultRetryPolicy waits for a server that restarts.
var DefaultRetryPolicy = RetryPolicy{200 * time.Millisecond, 30 * time.Second, 2, 10 * time.Minute}

// MayPass says whether the same call may do well later. What the server says of the request stays true.
func MayPass(err *Error) bool {
	switch err.Code {
	case codes.Unavailable, codes.Aborted, codes.DataLoss:
		return true
	case codes.ResourceExhausted:
		return err.RetryAfter > 0
	case codes.Internal, codes.Unknown:
		// With a reason they are the server's word; without one, a broken connection's.
		return err.Reason == ""
	}
	return false
}

// WaitBeforeRetry is the wait before try number failures + 1: growing, drawn from its upper half by draw
// in [0, 1), and never shorter than the server asks.
func WaitBeforeRetry(policy RetryPolicy, failures int, servers time.Duration, draw float64) time.Duration {
	grown := math.Min(float64(policy.Longest),
		float64(policy.First)*math.Pow(policy.Factor, math.Min(float64(failures-1), 60)))
	return max(time.Duration(grown*(0.5+0.5*draw)), servers)
}
