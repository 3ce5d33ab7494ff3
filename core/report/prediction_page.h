// PredictionPage renders one self-contained HTML page about a prediction whose truth nobody knows:
// what was asked of which model, what changes and how surely, and how far to trust it.
//
//   PredictionPage page;
//   for (...) page.Add(result);       // one after the other: their cells need not stay in memory
//   WriteFileAtomically(path, page.Html(frame));
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/report/gene_change.h"
#include "core/report/page.h"
#include "core/report/remark.h"

namespace unlasting::report {

// What is said of the whole result, in plain text.
struct PredictionFrame {
  std::string title;
  std::string subtitle;
  Facts asked;                        // of the request
  Facts model;                        // of the model, its split and what training saw
  std::vector<Remark> remarks;        // on the scale of the cells and the like
  std::vector<std::string> adjusted;  // what was filled in, left out or converted, in sentences
};

// What is said of one perturbation, in plain text.
struct PerturbationResult {
  std::string name;
  Facts facts;
  std::vector<Remark> remarks;  // on its distance to training and its predicted error
  std::vector<std::string> notes;
  std::string seen;                              // in training: "yes", "no" or more words
  double expected_error = GeneChange::kUnknown;  // E-distance
  std::string expected_error_range;              // of the interval, "" for none
  std::vector<GeneChange> genes;                 // without those that were filled in
  int64_t cells = 0;                             // that were predicted
  // Some of the cells over `genes`, on the scale of the plots. No rows: not at hand.
  DenseMatrix control, predicted;
  // Sentence on the cells that are plotted; "" for nothing to say.
  std::string plotted;
  bool with_plots = true;  // false: tables alone, for results of very many perturbations
};

// Deterministic. One thread.
class PredictionPage {
 public:
  void Add(const PerturbationResult& result);
  std::string Html(const PredictionFrame& frame) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<Remark>> remarks_;
  std::vector<std::string> rows_;      // of the overview
  std::vector<std::string> sections_;  // HTML
};

// Genes with an adjusted p value below 0.05 whose mean rises and falls, and the Euclidean length of
// the mean change.
struct ChangeCount {
  int64_t up = 0, down = 0, tested = 0;
  double length = 0;
};
ChangeCount CountChanges(const std::vector<GeneChange>& genes);

}  // namespace unlasting::report
