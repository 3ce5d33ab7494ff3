// Package unlasting is a client of the Unlasting prediction service: how single cells respond to
// perturbations.
//
//	client, err := unlasting.Connect("127.0.0.1:50051")
//	for part, err := range client.Predict(ctx, request) {
//		if err != nil { ... }
//	}
//
// Messages are those of proto/unlasting/v1, in the package unlasting/v1 that scripts/go-stubs.sh makes.
package unlasting

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	pb "github.com/unlasting/unlasting/clients/go/unlasting/v1"
)

// Client calls one server. Any goroutine.
type Client struct {
	connection  *grpc.ClientConn
	predictions pb.PredictionServiceClient
	models      pb.ModelServiceClient
	options     options
}

type options struct {
	token string
	tls   *tls.Config
	retry RetryPolicy
}

// Option changes a client.
type Option func(*options)

// WithToken sends `authorization: Bearer TOKEN` with every call.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithTLS speaks TLS; &tls.Config{} trusts the system's authorities.
func WithTLS(config *tls.Config) Option { return func(o *options) { o.tls = config } }

// WithRetry says how calls that may pass are tried again; RetryPolicy{} tries once.
func WithRetry(policy RetryPolicy) Option { return func(o *options) { o.retry = policy } }

// Connect makes a client of HOST:PORT or unix:PATH. Nothing is connected before the first call.
func Connect(address string, changes ...Option) (*Client, error) {
	o := options{retry: DefaultRetryPolicy}
	for _, change := range changes {
		change(&o)
	}
	secure := insecure.NewCredentials()
	if o.tls != nil {
		secure = credentials.NewTLS(o.tls)
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(secure),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}))
	if err != nil {
		return nil, err
	}
	return &Client{connection, pb.NewPredictionServiceClient(connection),
		pb.NewModelServiceClient(connection), o}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.connection.Close() }

func (c *Client) with(ctx context.Context) context.Context {
	if c.options.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.options.token)
}

// Predict yields the parts of a prediction as they come. It is tried again until the first part; what
// was yielded cannot be taken back, so that a stream that breaks later ends with its error. The last
// part is `finished`: a stream without it ends with an error of code DataLoss. Leaving the loop ends
// the call in the server. Errors are *Error.
func (c *Client) Predict(ctx context.Context, request *pb.PredictRequest) iter.Seq2[*pb.PredictResponse, error] {
	return func(yield func(*pb.PredictResponse, error) bool) {
		started := false
		err := c.retrying(ctx, func() error {
			err := c.predictOnce(ctx, request, func(part *pb.PredictResponse) bool {
				started = true
				return yield(part, nil)
			})
			if started && err != nil && !errors.Is(err, errLeft) {
				return final{err}
			}
			return err
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(nil, err)
		}
	}
}

var errLeft = errors.New("the loop was left")

func (c *Client) predictOnce(ctx context.Context, request *pb.PredictRequest,
	take func(*pb.PredictResponse) bool) error {
	ctx, cancel := context.WithCancel(c.with(ctx))
	defer cancel()
	var trailer metadata.MD
	stream, err := c.predictions.Predict(ctx, request, grpc.Trailer(&trailer))
	if err != nil {
		return fromRPC(err, trailer)
	}
	finished := false
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fromRPC(err, stream.Trailer())
		}
		finished = finished || part.GetFinished() != nil
		if !take(part) {
			return errLeft
		}
	}
	if !finished {
		return &Error{Code: codes.DataLoss, Message: "the response ended before its last message"}
	}
	return nil
}

// Models lists the models in service.
func (c *Client) Models(ctx context.Context) ([]*pb.ModelSummary, error) {
	var found *pb.ListModelsResponse
	err := c.retrying(ctx, func() (err error) {
		var trailer metadata.MD
		found, err = c.models.ListModels(c.with(ctx), &pb.ListModelsRequest{}, grpc.Trailer(&trailer))
		return fromRPC(err, trailer)
	})
	return found.GetModels(), err
}

// Model describes one model; "": the only one.
func (c *Client) Model(ctx context.Context, name, version string) (*pb.Model, error) {
	var found *pb.GetModelResponse
	err := c.retrying(ctx, func() (err error) {
		var trailer metadata.MD
		found, err = c.models.GetModel(c.with(ctx), &pb.GetModelRequest{Model: name, Version: version},
			grpc.Trailer(&trailer))
		return fromRPC(err, trailer)
	})
	return found.GetModel(), err
}

// retrying calls `try` until it is well, does not pass, or is given up.
func (c *Client) retrying(ctx context.Context, try func() error) error {
	began := time.Now()
	for failures := 1; ; failures++ {
		err := try()
		var stop final
		if errors.As(err, &stop) {
			return stop.error
		}
		var failure *Error
		if err == nil || !errors.As(err, &failure) || !MayPass(failure) ||
			time.Since(began) >= c.options.retry.GiveUp {
			return err
		}
		wait := WaitBeforeRetry(c.options.retry, failures, failure.RetryAfter, rand.Float64())
		if deadline, ok := ctx.Deadline(); ok && time.Now().Add(wait).After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// final marks an error that is not tried again.
type final struct{ error }
