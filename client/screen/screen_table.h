// ParseScreenTable reads the perturbations of a screen from a table with one per line, as people
// and spreadsheets write them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/files/predict_request.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

struct ScreenRow {
  int line = 0;      // in the file, from 1
  std::string name;  // of the column `name`; "" where there is none
  std::string text;  // the line, for the error table
  v1::Perturbation perturbation;
  // Tells rows apart that ask for different things, whatever else the table says; equal rows are
  // numbered.
  std::string key;
};

// A row that cannot be predicted.
struct BadRow {
  int line = 0;
  std::string name;
  std::string reason;  // as of the API's errors, e.g. UNKNOWN_GENE; INVALID_ROW for the table's own
  std::string message;  // what was found and what was expected
  std::string text;     // the line
  std::string key;      // as ScreenRow.key; "" where the row could not be read
};

struct ScreenTable {
  std::vector<ScreenRow> rows;
  std::vector<BadRow> bad;
  std::vector<std::string> notes;  // on how the file was read
};

// The first line names the columns, in upper or lower case: `gene` (A, A+B, A+ctrl), or `smiles` or
// `molecule` (a name that the model knows) with `dose` (0.2uM, or several as 0.1uM,1uM: each is a
// row), or `treatment`; with `hours` and `covariate` (NAME=NUMBER) where the model has them, and
// `name`; others are passed over. Columns are separated by tabs, or by ';' or ',' where
// the first line has no tab; cells may be quoted. Molecules without a dose of their own get each of
// `doses`, and a treatment that is named in `treatment_vectors` takes its vector along. Lines that
// begin with '#' and empty ones are passed over. UTF-8 or UTF-16 with or without byte order mark;
// what is not UTF-8 is read as Latin-1, with a note. A row that cannot be read is bad, and the
// others go on. INVALID_ARGUMENT, with the line, where the first line names no known column or no
// line follows it.
absl::StatusOr<ScreenTable> ParseScreenTable(const std::string& bytes,
                                             const std::vector<std::string>& doses = {},
                                             const TreatmentVectors& treatment_vectors = {});

}  // namespace unlasting::client
