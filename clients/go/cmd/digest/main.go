// Digest prints the SHA-256 of a prediction of the model's own cells, row after row as float32, for
// scripts/interop.sh: every language's is the same.
//
//	digest ADDRESS MODEL CELL_TYPE CELLS GENE
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"

	unlasting "github.com/unlasting/unlasting/clients/go"
	pb "github.com/unlasting/unlasting/clients/go/unlasting/v1"
)

func run(address, model, cellType, cells, gene string) error {
	count, err := strconv.ParseInt(cells, 10, 64)
	if err != nil {
		return err
	}
	client, err := unlasting.Connect(address)
	if err != nil {
		return err
	}
	defer client.Close()
	rows := make([][]byte, count)
	for part, err := range client.Predict(context.Background(), &pb.PredictRequest{
		Model: model,
		Controls: &pb.PredictRequest_Panel{
			Panel: &pb.ControlPanel{CellType: cellType, Cells: count}},
		Perturbations: []*pb.Perturbation{{Kind: &pb.Perturbation_Genes{
			Genes: &pb.GenePerturbation{Genes: []string{gene}}}}},
	}) {
		if err != nil {
			return err
		}
		chunk := part.GetProfiles()
		width := 4 * int(chunk.GetMatrix().GetColumns())
		for k, row := range chunk.GetControlIndices() {
			rows[row] = chunk.GetMatrix().GetRaw().GetData()[k*width : (k+1)*width]
		}
	}
	sum := sha256.New()
	for _, row := range rows {
		sum.Write(row)
	}
	fmt.Printf("%x\n", sum.Sum(nil))
	return nil
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: digest ADDRESS MODEL CELL_TYPE CELLS GENE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "digest:", err)
		os.Exit(1)
	}
}
