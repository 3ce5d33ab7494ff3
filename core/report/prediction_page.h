// PredictionPage renders one self-contained HTML page about a prediction whose truth nobody knows:
// what was asked of which model, what changes and how surely, and how far to trust it.
//
//   PredictionPage page;
//   for (...) page.Add(result);       // one after the other: their cells need not stay in memory
//   WriteFileAtomically(path, page.Html(frame));
#pragma once

#include <string>
#include <vector>

#include "core/report/page.h"
#include "core/report/perturbation_result.h"
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

}  // namespace unlasting::report
