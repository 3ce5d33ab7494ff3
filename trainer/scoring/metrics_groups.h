// The groups that `unlasting-train metrics` scores, with what simple baselines predict for them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/normalised_file.h"
#include "core/evaluate/scorer.h"
#include "core/evaluate/shift_baselines.h"
#include "core/report/report.h"
#include "trainer/scoring/metrics_files.h"

namespace unlasting::trainer {

// Of the files' values, those of the groups' cells alone are held; of training cells, sums.
class MetricsGroups {
 public:
  // A group for each predicted condition and cell type that has true and control cells; others are
  // named on `err`. INVALID_ARGUMENT where no group is left.
  static absl::StatusOr<MetricsGroups> Load(const MetricsOptions& options,
                                            const MetricsFiles& files, std::ostream& err);

  // Hands each group, dense, to `visit`, whose error ends it. With training cells, it has the
  // baselines that those give: see ShiftBaselines.
  absl::Status ForEach(const std::function<absl::Status(const evaluate::Group&)>& visit) const;

  // What training saw of each drug; {} without training cells or doses.
  const std::vector<report::TrainedDose>& trained_doses() const { return trained_doses_; }

 private:
  struct Rows {  // of the files
    std::string condition, cell_type;
    const cells::Condition* done = nullptr;
    std::vector<int64_t> predicted, truth, control;
  };
  using Chosen = std::shared_ptr<cells::ChosenRows>;

  absl::Status Match(const MetricsOptions& options, const MetricsFiles& files, bool with_dose,
                     std::ostream& err);
  absl::Status Read(const MetricsFiles& files, std::ostream& err);

  std::vector<Rows> rows_;
  Chosen predicted_, truth_, control_;  // the same where the file is
  bool trained_with_dose_ = false;
  evaluate::ShiftBaselines baselines_;
  std::vector<report::TrainedDose> trained_doses_;
};

}  // namespace unlasting::trainer
