package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/unlasting/unlasting/clients/go/unlasting/v1"
)

// fake responds as a server would, and keeps what it was sent.
type fake struct {
	pb.UnimplementedPredictionServiceServer
	pb.UnimplementedModelServiceServer
	seen    metadata.MD
	request *pb.PredictRequest
	failAt  int           // 0: before any part, 1: after the header, 2: not at all
	wait    time.Duration // between the header and the rest
}

func unknownGene() error {
	s, _ := status.New(codes.NotFound, "no such gene").WithDetails(
		&errdetails.ErrorInfo{Reason: "UNKNOWN_GENE", Domain: "unlasting"})
	return s.Err()
}

func (f *fake) Predict(request *pb.PredictRequest, stream grpc.ServerStreamingServer[pb.PredictResponse]) error {
	f.request = request
	f.seen, _ = metadata.FromIncomingContext(stream.Context())
	if f.failAt == 0 {
		return unknownGene()
	}
	if err := stream.Send(&pb.PredictResponse{Part: &pb.PredictResponse_Header{
		Header: &pb.PredictHeader{Model: "tiny", Genes: []string{"A"}}}}); err != nil {
		return err
	}
	if f.failAt == 1 {
		return unknownGene()
	}
	select {
	case <-time.After(f.wait):
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	return stream.Send(&pb.PredictResponse{Part: &pb.PredictResponse_Finished{
		Finished: &pb.PredictFinished{Rows: 7}}})
}

func (f *fake) GetModel(ctx context.Context, request *pb.GetModelRequest) (*pb.GetModelResponse, error) {
	grpc.SetTrailer(ctx, metadata.Pairs("x-request-id", "id-of-server"))
	if request.Model != "tiny" {
		return nil, unknownGene()
	}
	return &pb.GetModelResponse{Model: &pb.Model{Genes: []string{"A"}}}, nil
}

// serve is a gateway in front of a fake server; stop ends the fake.
func serve(t *testing.T, f *fake, cors ...string) (url string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterPredictionServiceServer(server, f)
	pb.RegisterModelServiceServer(server, f)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	connection, err := grpc.NewClient(listener.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	handler, err := newHandler(t.Context(), connection, cors, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(handler)
	t.Cleanup(front.Close)
	return front.URL, server.Stop
}

func do(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k := 0; k < len(headers); k += 2 {
		request.Header.Set(headers[k], headers[k+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

const knockout = `{"panel": {"cell_type": "T"}, "perturbations": [{"genes": {"genes": ["A"]}}]}`

// reason of {"error": {"code", "details": [{"reason"}]}}, and the code.
func reasonOf(t *testing.T, text string) (int, string) {
	t.Helper()
	var line struct {
		Error struct {
			Code    int
			Details []struct{ Reason string }
		}
	}
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for _, detail := range line.Error.Details {
		if detail.Reason != "" {
			return line.Error.Code, detail.Reason
		}
	}
	return line.Error.Code, ""
}

func TestAPredictionIsALineForEachPart(t *testing.T) {
	f := &fake{failAt: 2}
	url, _ := serve(t, f)
	_, text := do(t, "POST", url+"/v1/predict", knockout,
		"X-Request-Id", "mine", "Traceparent", "00-0af7-b7ad-01", "Authorization", "Bearer t", "Cookie", "c")
	var kinds []string
	for scanner := bufio.NewScanner(strings.NewReader(text)); scanner.Scan(); {
		var line struct{ Result map[string]json.RawMessage }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		for kind := range line.Result {
			kinds = append(kinds, kind)
		}
	}
	if strings.Join(kinds, " ") != "header finished" {
		t.Errorf("found %v", kinds)
	}
	if f.request.GetPanel().GetCellType() != "T" {
		t.Errorf("the server was sent %v", f.request)
	}
	for key, value := range map[string]string{"x-request-id": "mine", "traceparent": "00-0af7-b7ad-01",
		"authorization": "Bearer t", "cookie": ""} {
		if found := first(f.seen, key); found != value {
			t.Errorf("%s: found %q, expected %q", key, found, value)
		}
	}
}

func TestErrorsAreStatusesInAndOutOfStreams(t *testing.T) {
	for failAt, wantHTTP := range map[int]int{0: http.StatusNotFound, 1: http.StatusOK} {
		url, _ := serve(t, &fake{failAt: failAt})
		response, text := do(t, "POST", url+"/v1/predict", knockout)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		code, reason := reasonOf(t, lines[len(lines)-1])
		if code != int(codes.NotFound) || reason != "UNKNOWN_GENE" || response.StatusCode != wantHTTP {
			t.Errorf("%d: found HTTP %d, %s", failAt, response.StatusCode, text)
		}
	}
	url, _ := serve(t, &fake{})
	response, text := do(t, "GET", url+"/v1/models/nowhere", "")
	if code, reason := reasonOf(t, text); code != 5 || reason != "UNKNOWN_GENE" || response.StatusCode != 404 ||
		response.Header.Get("X-Request-Id") != "id-of-server" {
		t.Errorf("found HTTP %d, %s, %v", response.StatusCode, text, response.Header)
	}
}

func TestFieldsThatAreNotKnownAreRefused(t *testing.T) {
	f := &fake{failAt: 2}
	url, _ := serve(t, f)
	for _, body := range []string{`{"pannel": {}}`, `{"panel": {"cells": "many"}}`, `{`, `[]`} {
		response, text := do(t, "POST", url+"/v1/predict", body)
		if code, _ := reasonOf(t, text); code != int(codes.InvalidArgument) || response.StatusCode != 400 {
			t.Errorf("%s: found HTTP %d, %s", body, response.StatusCode, text)
		}
	}
	if f.request != nil {
		t.Errorf("the server was asked %v", f.request)
	}
}

func TestAServerThatIsDownIs503WithTheReason(t *testing.T) {
	url, stop := serve(t, &fake{failAt: 2})
	stop()
	for _, path := range []string{"/v1/models/tiny", "/healthz"} {
		response, text := do(t, "GET", url+path, "")
		if code, _ := reasonOf(t, text); code != int(codes.Unavailable) || response.StatusCode != 503 ||
			!strings.Contains(text, "message") {
			t.Errorf("%s: found HTTP %d, %s", path, response.StatusCode, text)
		}
	}
	response, text := do(t, "POST", url+"/v1/predict", knockout)
	if code, _ := reasonOf(t, text); code != int(codes.Unavailable) || response.StatusCode != 503 {
		t.Errorf("found HTTP %d, %s", response.StatusCode, text)
	}
}

func TestPagesOfNamedOriginsAloneMayCall(t *testing.T) {
	url, _ := serve(t, &fake{failAt: 2}, "https://lab.example")
	for origin, allowed := range map[string]string{"https://lab.example": "https://lab.example",
		"https://other.example": ""} {
		response, _ := do(t, "OPTIONS", url+"/v1/predict", "", "Origin", origin,
			"Access-Control-Request-Method", "POST")
		if found := response.Header.Get("Access-Control-Allow-Origin"); found != allowed {
			t.Errorf("%s: found %q", origin, found)
		}
	}
	plain, _ := serve(t, &fake{failAt: 2})
	response, _ := do(t, "GET", plain+"/v1/models/tiny", "", "Origin", "https://lab.example")
	if found := response.Header.Get("Access-Control-Allow-Origin"); found != "" {
		t.Errorf("without origins: found %q", found)
	}
}

func TestTheOpenAPIFileIsServed(t *testing.T) {
	url, _ := serve(t, &fake{})
	_, text := do(t, "GET", url+"/openapi.json", "")
	var file struct{ Paths map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(text), &file); err != nil || len(file.Paths) < 5 {
		t.Errorf("%v: found %d paths", err, len(file.Paths))
	}
}
