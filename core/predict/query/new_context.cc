#include "core/predict/query/new_context.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/predict/query/refusal.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using model::NewContext;

// Added to the active and to the silent cells of a gene, as to the training's (ConditionMoments).
constexpr double kAddedCells = 1;

// Means of log1p values and numbers of active cells by gene.
struct Profile {
  std::vector<double> mean, active;
  double cells = 0;
};

Profile ProfileOf(const CsrMatrix& values, const std::vector<int32_t>& cell_type, int32_t type) {
  Profile profile;
  profile.mean.resize(values.cols);
  profile.active.resize(values.cols);
  for (int64_t r = 0; r < values.rows; ++r) {
    if (cell_type[r] != type) continue;
    profile.cells += 1;
    const auto columns = values.RowIndices(r);
    const auto row = values.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) {
      profile.mean[columns[k]] += row[k];
      if (row[k] > 0) profile.active[columns[k]] += 1;
    }
  }
  for (double& mean : profile.mean) mean /= profile.cells;
  return profile;
}

double Distance(const std::vector<double>& profile, absl::Span<const float> mean) {
  double squares = 0;
  for (size_t g = 0; g < profile.size(); ++g) {
    squares += (profile[g] - mean[g]) * (profile[g] - mean[g]);
  }
  return std::sqrt(squares) + 1e-9;
}

// The largest distance between two of the training's types; 0 with one.
double LargestApart(const DenseMatrix& control_mean) {
  double largest = 0;
  for (int64_t a = 0; a < control_mean.rows; ++a) {
    const auto row = control_mean.Row(a);
    for (int64_t b = 0; b < a; ++b) {
      largest = std::max(largest, Distance({row.begin(), row.end()}, control_mean.Row(b)));
    }
  }
  return largest;
}

std::string DigestOf(const Profile& profile) {
  std::string content;
  for (const auto* values : {&profile.mean, &profile.active}) {
    content.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(double));
  }
  return Sha256(content);
}

void AddNotes(const Bundle& bundle, const NewContext& context, int64_t cells,
              std::vector<std::string>* notes) {
  const std::vector<std::string>& types = bundle.manifest().cell_types;
  const std::string of_nearest = absl::StrFormat("%s (distance %.3g)", types[context.nearest],
                                                 context.distance[context.nearest]);
  if (types.size() == 1) {
    notes->push_back(
        absl::StrCat("'", context.name,
                     "' is a cell type that training never saw: the model was trained on one, ",
                     of_nearest, ", whose responses are taken as they are"));
    return;
  }
  notes->push_back(absl::StrCat(
      "'", context.name, "' is a cell type that training never saw: how its cells respond is told ",
      "from the mean profile of these ", cells, " control cells, which is nearest to that of ",
      of_nearest,
      context.rules.empty() ? "; leaving training's cell types out showed no response that carries "
                              "over, and none is expected"
                            : ""));
  const double apart = LargestApart(bundle.reference().control_mean);
  if (context.distance[context.nearest] <= apart) return;
  notes->push_back(absl::StrFormat(
      "'%s' lies farther from every cell type of the training than these lie from one another (at "
      "most %.3g): it may be of another kind or protocol, and responses may not carry over",
      context.name, apart));
}

}  // namespace

absl::Status CheckNewContext(const Bundle& bundle, const cells::ControlMatrix& controls) {
  const bundle::Manifest& manifest = bundle.manifest();
  const std::string& name = controls.new_context;
  const auto& known = manifest.cell_types;
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    return Invalid("KNOWN_CELL_TYPE",
                   absl::StrCat("new_context: found '", name, "', which the model '", manifest.name,
                                "' was trained on; expected it as the cell type, without "
                                "new_context (--new-cell-type)"));
  }
  if (!bundle.config().expected_response) {
    return Invalid("INVALID_OPTION",
                   absl::StrCat("new_context: the model '", manifest.name,
                                "' has no expected responses that could carry over; expected a "
                                "model trained with prior_mean=expected_response"));
  }
  const int64_t cells = std::count(controls.cell_types.begin(), controls.cell_types.end(), name);
  if (cells >= kMinContextCells) return absl::OkStatus();
  return Invalid("TOO_FEW_CELLS",
                 absl::StrCat("new_context: found ", cells, cells == 1 ? " cell" : " cells",
                              " of '", name, "', expected ", kMinContextCells,
                              " or more, whose mean profile places it among the training's cell "
                              "types"));
}

std::shared_ptr<const NewContext> MakeNewContext(const Bundle& bundle, const CsrMatrix& values,
                                                 const std::vector<int32_t>& cell_type,
                                                 const std::string& name,
                                                 std::vector<std::string>* notes) {
  const bundle::Manifest& manifest = bundle.manifest();
  const Profile profile =
      ProfileOf(values, cell_type, static_cast<int32_t>(manifest.cell_types.size()));
  auto context = std::make_shared<NewContext>();
  context->name = name;
  context->key = DigestOf(profile);
  context->rules = bundle.carry_over();
  for (size_t g = 0; g < profile.mean.size(); ++g) {
    context->mean.push_back(static_cast<float>(profile.mean[g] / manifest.normalisation.x_max));
    const double share = (profile.active[g] + kAddedCells) / (profile.cells + 2 * kAddedCells);
    context->active_logit.push_back(static_cast<float>(std::log(share / (1 - share))));
  }
  const DenseMatrix& control_mean = bundle.reference().control_mean;
  for (int64_t type = 0; type < control_mean.rows; ++type) {
    context->distance.push_back(Distance(profile.mean, control_mean.Row(type)));
  }
  context->nearest =
      static_cast<int32_t>(std::min_element(context->distance.begin(), context->distance.end()) -
                           context->distance.begin());
  AddNotes(bundle, *context, static_cast<int64_t>(profile.cells), notes);
  return context;
}

}  // namespace unlasting::predict
