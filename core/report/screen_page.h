// ScreenPage renders one self-contained HTML page about a screen of many perturbations: ranked,
// searchable, with a volcano plot of the strongest, and what could not be predicted.
//
//   ScreenPage page;
//   for (...) page.Add(row);   // in any order; only what is shown stays in memory
//   WriteFileAtomically(path, page.Html(frame));
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/report/gene_change.h"
#include "core/report/page.h"
#include "core/report/prediction_page.h"
#include "core/report/remark.h"

namespace unlasting::report {

struct ScreenPageRow {
  int64_t place = 0;            // in the table; the page does not depend on the order of Add
  std::string name;             // of the perturbation
  std::string given;            // name that the user gave it; "" for none
  std::vector<Remark> remarks;  // on its distance to training and its predicted error
  std::string seen;             // in training
  double expected_error = GeneChange::kUnknown;
  std::string expected_error_range;
  std::vector<GeneChange> genes;
};

struct ScreenPageError {
  int line = 0;  // of the table
  std::string name, reason, message;
};

// One thread. Memory: a row of the table for each perturbation, and a bounded number of plots.
class ScreenPage {
 public:
  void Add(const ScreenPageRow& row);
  // `frame` as of a prediction. `ranking` and `errors_file` name the files that have all rows.
  std::string Html(const PredictionFrame& frame, const std::vector<ScreenPageError>& errors,
                   const std::string& ranking, const std::string& errors_file) const;

 private:
  struct Row {
    double change = 0;
    int64_t place = 0;
    std::string name, given;
    std::vector<Remark> remarks;
    std::string cells;  // HTML
  };
  // A volcano plot, of the rows that change most.
  struct Plot {
    double change = 0;
    int64_t place = 0;
    std::string html;
  };

  std::vector<const Row*> Ranked() const;

  std::vector<Row> rows_;
  std::vector<Plot> plots_;  // strongest first
};

}  // namespace unlasting::report
