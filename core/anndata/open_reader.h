// OpenReader opens single-cell expression data for whoever needs cells, with the Reader that fits
// what the path is:
//
//   an .h5ad file      AnnData encodings 0.1.0 and 0.2.0, and what anndata 0.5 to 0.13 wrote before
//                      and since; dense, CSR and CSC matrices
//   a 10x .h5 file     Cell Ranger's filtered_feature_bc_matrix.h5, of version 2 and of version 3
//   an MTX folder      matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, each also as .gz;
//                      the path of the matrix.mtx itself means the same
//
// docs/formats.md lists the writers and versions that were tried, and the compression filters.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::OpenReader("cells.h5ad"));
//   UNLASTING_ASSIGN_OR_RETURN(auto obs, reader->ReadObs());
//   UNLASTING_ASSIGN_OR_RETURN(auto x, reader->ReadMatrix("X"));
//
// The caller owns the Reader. Errors are those of reader.h and name the file. Any thread may call
// these functions.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/anndata/reader.h"

namespace unlasting::anndata {

struct OpenOptions {
  // A table of the cells of a 10x .h5 file or MTX folder, which have none of their own: TSV or CSV,
  // also as .gz, with a header line and the barcode in the first column. Default "": the table
  // beside the data, which is called obs or metadata (obs.tsv, metadata.csv.gz), if there is one.
  std::string obs_table;
};

absl::StatusOr<std::unique_ptr<Reader>> OpenReader(const std::string& path,
                                                   const OpenOptions& options = {});

// Reads everything in the file but `raw`, into memory. X has no rows where it is None.
absl::StatusOr<AnnData> ReadAnnData(const std::string& path);

}  // namespace unlasting::anndata
