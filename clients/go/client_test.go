package unlasting

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/unlasting/unlasting/clients/go/unlasting/v1"
)

// serve starts the built server on a small bundle; UNLASTING_BIN is the folder of the programs.
func serve(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("UNLASTING_BIN")
	if bin == "" {
		t.Skip("UNLASTING_BIN names no folder with the built programs")
	}
	bundle := filepath.Join(t.TempDir(), "tiny")
	if out, err := exec.Command(filepath.Join(bin, "write_tiny_bundle"), bundle, "tiny").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server := exec.Command(filepath.Join(bin, "unlasting-server"), "--bundle", bundle, "--listen", "127.0.0.1:0",
		"--admin-listen", "127.0.0.1:0", "--log-format", "json", "--device", "cpu", "--threads", "1")
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	scanner := bufio.NewScanner(log)
	for scanner.Scan() {
		var event struct {
			Event string
			Port  string
		}
		if json.Unmarshal(scanner.Bytes(), &event) == nil && event.Event == "listening" {
			go func() {
				for scanner.Scan() {
				}
			}()
			return "127.0.0.1:" + event.Port
		}
	}
	t.Fatal("the server ended")
	return ""
}

func request(genes ...string) *pb.PredictRequest {
	r := &pb.PredictRequest{Controls: &pb.PredictRequest_Panel{
		Panel: &pb.ControlPanel{CellType: "T1", Cells: 20}}}
	for _, gene := range genes {
		r.Perturbations = append(r.Perturbations, &pb.Perturbation{Kind: &pb.Perturbation_Genes{
			Genes: &pb.GenePerturbation{Genes: []string{gene}}}})
	}
	return r
}

func connect(t *testing.T, address string, options ...Option) *Client {
	t.Helper()
	client, err := Connect(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestPartsComeAsAnIterator(t *testing.T) {
	client := connect(t, serve(t))
	rows, finished := 0, false
	var sum float64
	for part, err := range client.Predict(t.Context(), request("G1", "G2")) {
		if err != nil {
			t.Fatal(err)
		}
		if m := part.GetProfiles().GetMatrix(); m != nil {
			rows += int(m.Rows)
			for data := m.GetRaw().GetData(); len(data) >= 4; data = data[4:] {
				sum += float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
			}
		}
		finished = finished || part.GetFinished() != nil
	}
	if rows != 40 || !finished || sum <= 0 {
		t.Errorf("found %d rows, sum %g, finished %v", rows, sum, finished)
	}
	models, err := client.Models(t.Context())
	if err != nil || len(models) != 1 || models[0].Name != "tiny" {
		t.Errorf("found %v, %v", models, err)
	}
}

func TestErrorsCarryReasonAndFields(t *testing.T) {
	client := connect(t, serve(t))
	for _, err := range client.Predict(t.Context(), request("NOSUCH", "G1", "NEITHER")) {
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != codes.NotFound || failure.Reason != "UNKNOWN_GENE" ||
			len(failure.Violations) != 2 || failure.RequestID == "" {
			t.Errorf("found %#v", err)
		}
	}
}

func TestLeavingTheLoopAndDeadlinesEndTheCall(t *testing.T) {
	client := connect(t, serve(t))
	many := request()
	for range 3000 {
		many.Perturbations = append(many.Perturbations, request("G1").Perturbations...)
	}
	for part, err := range client.Predict(t.Context(), many) {
		if err != nil || part.GetHeader() == nil {
			t.Fatalf("found %v, %v", part, err)
		}
		break
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var last error
	for _, err := range client.Predict(ctx, many) {
		last = err
	}
	var failure *Error
	if !errors.As(last, &failure) || failure.Code != codes.DeadlineExceeded {
		t.Errorf("found %v", last)
	}
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	if MayPass(&Error{Code: codes.NotFound}) || MayPass(&Error{Code: codes.Internal, Reason: "A"}) ||
		MayPass(&Error{Code: codes.ResourceExhausted}) {
		t.Error("what the server says of the request is not tried again")
	}
	if !MayPass(&Error{Code: codes.ResourceExhausted, RetryAfter: time.Second}) {
		t.Error("a busy server is asked again")
	}
	if WaitBeforeRetry(DefaultRetryPolicy, 1, 7*time.Second, 0) != 7*time.Second {
		t.Error("the server's delay is kept")
	}
	client := connect(t, "127.0.0.1:1", WithRetry(RetryPolicy{}))
	if _, err := client.Models(t.Context()); err == nil {
		t.Error("found a server")
	}
}
