// DoseResponses plots how the response grows with the dose, predicted against true. Private to
// core/report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluate/column_statistics.h"
#include "core/evaluate/scorer.h"
#include "core/report/trained_dose.h"

namespace unlasting::report {

// For each drug and cell type with a scored dose and two doses or more in all (at most 8): the mean
// expression of the four genes that move most at the strongest scored dose, by log dose, with 95 %
// intervals of the mean. Doses that training saw are part of the true curve.
class DoseResponses {
 public:
  // Groups that are not over `genes`, or of no drug, are passed over.
  void Add(const evaluate::Group& group, const std::vector<std::string>& genes);
  // "" without such drugs.
  std::string Section(const std::vector<TrainedDose>& trained,
                      const std::vector<std::string>& genes) const;

  // What the genes do over some cells at one dose.
  struct Dose {
    double log_dose = 0;  // log10 of micromolar
    int64_t cells = 0;
    bool trained = false;
    evaluate::ColumnStatistics statistics;

    double Mean(int64_t gene) const { return statistics.mean[gene]; }
    // Half the width of the 95 % interval of the mean; 0 for one cell.
    double HalfWidth(int64_t gene) const;
  };

  struct Response {
    std::vector<Dose> truth;
    std::vector<Dose> predicted;
    std::vector<std::vector<double>> control;  // means, of every scored dose
    double max_change = -1;  // of the genes' test scores, at the strongest dose so far
    std::vector<int64_t> genes;
  };

 private:
  std::map<std::string, Response> responses_;  // by "drug / cell type"
};

}  // namespace unlasting::report
