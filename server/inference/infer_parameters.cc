#include "server/inference/infer_parameters.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "proto/codec/enums.h"

namespace unlasting::server {
namespace {

using inference::InferParameter;

constexpr char kCovariates[] = "covariates.";
// More than any request has; each costs a look.
constexpr int kMaxParameters = 200;

// Reads one parameter, and reports what is wrong with it.
class Reader {
 public:
  Reader(std::string name, const InferParameter& value, Violations* violations)
      : name_(std::move(name)), value_(value), violations_(violations) {}

  // A whole number from `least` to `most`.
  bool Whole(uint64_t least, uint64_t most, uint64_t* number) const {
    bool whole = true;
    switch (value_.parameter_choice_case()) {
      case InferParameter::kInt64Param:
        whole = value_.int64_param() >= 0;
        *number = static_cast<uint64_t>(value_.int64_param());
        break;
      case InferParameter::kUint64Param:
        *number = value_.uint64_param();
        break;
      default:
        whole = false;
    }
    if (whole && *number >= least && *number <= most) return true;
    return Bad(absl::StrCat("a whole number from ", least, " to ", most));
  }
  // A number, whole or not.
  bool Number(double* number) const {
    switch (value_.parameter_choice_case()) {
      case InferParameter::kInt64Param:
        *number = static_cast<double>(value_.int64_param());
        return true;
      case InferParameter::kUint64Param:
        *number = static_cast<double>(value_.uint64_param());
        return true;
      case InferParameter::kDoubleParam:
        *number = value_.double_param();
        if (std::isfinite(*number)) return true;
        break;
      default:
        break;
    }
    return Bad("a finite number");
  }
  bool Text(std::string* text) const {
    if (value_.parameter_choice_case() != InferParameter::kStringParam) return Bad("text");
    *text = value_.string_param();
    return true;
  }
  // One of `words`.
  template <typename Enum>
  bool Word(const std::vector<std::pair<const char*, Enum>>& words, Enum* found) const {
    for (const auto& [word, value] : words) {
      if (value_.parameter_choice_case() != InferParameter::kStringParam) break;
      if (value_.string_param() != word) continue;
      *found = value;
      return true;
    }
    return Bad(
        absl::StrCat("one of ", absl::StrJoin(words, ", ", [](std::string* text, const auto& word) {
                       absl::StrAppend(text, word.first);
                     })));
  }
  bool Bad(const std::string& expected) const {
    violations_->Add(absl::StrCat("parameters.", name_), "INVALID_OPTION",
                     absl::StrCat("found ", Found(), ", expected ", expected));
    return false;
  }

 private:
  std::string Found() const {
    switch (value_.parameter_choice_case()) {
      case InferParameter::kBoolParam:
        return value_.bool_param() ? "true" : "false";
      case InferParameter::kInt64Param:
        return absl::StrCat(value_.int64_param());
      case InferParameter::kUint64Param:
        return absl::StrCat(value_.uint64_param());
      case InferParameter::kDoubleParam:
        return absl::StrCat(value_.double_param());
      case InferParameter::kStringParam:
        return absl::StrCat("'", value_.string_param(), "'");
      case InferParameter::PARAMETER_CHOICE_NOT_SET:
        break;
    }
    return "no value";
  }

  const std::string name_;
  const InferParameter& value_;
  Violations* const violations_;
};

struct Target {
  v1::PredictRequest* predict;
  InferParameters* parameters;
};
using Setters = std::map<std::string, std::function<void(const Reader&, const Target&)>>;

void SetPriority(const Reader& reader, const Target& to) {
  uint64_t level = 0;
  if (reader.Whole(0, 2, &level)) {
    to.predict->set_priority(level == 2 ? v1::PRIORITY_BULK : v1::PRIORITY_INTERACTIVE);
  }
}

void SetTimeout(const Reader& reader, const Target& to) {
  uint64_t microseconds = 0;
  if (!reader.Whole(0, std::numeric_limits<int64_t>::max(), &microseconds)) return;
  // 0 is how clients say none.
  if (microseconds > 0) {
    to.parameters->timeout = absl::Microseconds(static_cast<int64_t>(microseconds));
  }
}

// Sets an optional or plain number of a message.
template <typename Message>
auto NumberOf(Message* (*message)(v1::PredictRequest*), void (Message::*set)(double)) {
  return [message, set](const Reader& reader, const Target& to) {
    double number = 0;
    if (reader.Number(&number)) (message(to.predict)->*set)(number);
  };
}

v1::PredictOptions* Options(v1::PredictRequest* request) { return request->mutable_options(); }
v1::ControlCells* Cells(v1::PredictRequest* request) { return request->mutable_cells(); }

void SetSolver(const Reader& reader, const Target& to) {
  std::string word;
  if (!reader.Text(&word)) return;
  const auto solver = codec::SolverFromName(word);
  if (solver.ok() && !word.empty()) {
    to.predict->mutable_options()->set_solver(*solver);
  } else {
    reader.Bad("one of ddim, dpmpp2m");
  }
}

void SetMask(const Reader& reader, const Target& to) {
  std::string word;
  if (!reader.Text(&word)) return;
  const auto mask = codec::MaskModeFromName(word);
  if (mask.ok() && !word.empty()) {
    to.predict->mutable_options()->set_mask(*mask);
  } else {
    reader.Bad("one of rank, cell, aggregate, sample, none");
  }
}

void SetKinds(Setters* setters) {
  (*setters)["value_kind"] = [](const Reader& reader, const Target& to) {
    v1::ValueKind kind{};
    if (reader.Word<v1::ValueKind>({{"log1p", v1::VALUE_KIND_LOG1P},
                                    {"normalised_counts", v1::VALUE_KIND_COUNTS},
                                    {"drawn_counts", v1::VALUE_KIND_DRAWN_COUNTS}},
                                   &kind)) {
      to.predict->mutable_options()->set_value_kind(kind);
    }
  };
  (*setters)["cells_value_kind"] = [](const Reader& reader, const Target& to) {
    v1::ValueKind kind{};
    if (reader.Word<v1::ValueKind>(
            {{"log1p", v1::VALUE_KIND_LOG1P}, {"counts", v1::VALUE_KIND_COUNTS}}, &kind)) {
      to.predict->mutable_cells()->set_value_kind(kind);
    }
  };
  (*setters)["missing_genes"] = [](const Reader& reader, const Target& to) {
    v1::MissingGenes policy{};
    if (reader.Word<v1::MissingGenes>({{"error", v1::MISSING_GENES_ERROR},
                                       {"zero", v1::MISSING_GENES_ZERO},
                                       {"panel_mean", v1::MISSING_GENES_PANEL_MEAN}},
                                      &policy)) {
      to.predict->mutable_cells()->set_missing_genes(policy);
    }
  };
}

const Setters& KnownParameters() {
  static const auto* const kSetters = [] {
    auto* setters = new Setters;
    (*setters)["seed"] = [](const Reader& reader, const Target& to) {
      uint64_t seed = 0;
      if (reader.Whole(0, std::numeric_limits<uint64_t>::max(), &seed)) {
        to.predict->mutable_options()->set_seed(seed);
      }
    };
    (*setters)["solver_steps"] = [](const Reader& reader, const Target& to) {
      uint64_t steps = 0;
      if (reader.Whole(0, std::numeric_limits<int32_t>::max(), &steps)) {
        to.predict->mutable_options()->set_solver_steps(static_cast<int32_t>(steps));
      }
    };
    (*setters)["new_context"] = [](const Reader& reader, const Target& to) {
      std::string name;
      if (reader.Text(&name)) to.predict->mutable_cells()->set_new_context(name);
    };
    (*setters)["eta"] = NumberOf(Options, &v1::PredictOptions::set_eta);
    (*setters)["mask_threshold"] = NumberOf(Options, &v1::PredictOptions::set_mask_threshold);
    (*setters)["count_depth"] = NumberOf(Options, &v1::PredictOptions::set_count_depth);
    (*setters)["cells_target_sum"] = NumberOf(Cells, &v1::ControlCells::set_target_sum);
    (*setters)["solver"] = SetSolver;
    (*setters)["mask"] = SetMask;
    (*setters)["priority"] = SetPriority;
    (*setters)["timeout"] = SetTimeout;
    // Of Triton, for streams: whether an empty last answer may follow. There is none: each request
    // has one answer, which says that it is the last.
    (*setters)["triton_enable_empty_final_response"] = [](const Reader&, const Target&) {};
    SetKinds(setters);
    return setters;
  }();
  return *kSetters;
}

}  // namespace

InferParameters ReadParameters(const inference::ModelInferRequest& request,
                               v1::PredictRequest* predict, Violations* violations) {
  InferParameters parameters;
  if (request.parameters_size() > kMaxParameters) {
    violations->Add(
        "parameters", "TOO_MANY_ELEMENTS",
        absl::StrCat("found ", request.parameters_size(), ", expected at most ", kMaxParameters));
    return parameters;
  }
  predict->mutable_cells()->set_value_kind(v1::VALUE_KIND_LOG1P);
  for (const auto& [name, value] : request.parameters()) {
    const Reader reader(name, value, violations);
    absl::string_view covariate = name;
    double number = 0;
    const auto known = KnownParameters().find(name);
    if (known != KnownParameters().end()) {
      known->second(reader, {predict, &parameters});
    } else if (absl::ConsumePrefix(&covariate, kCovariates)) {
      if (reader.Number(&number)) parameters.covariates[std::string(covariate)] = number;
    } else {
      violations->Add(absl::StrCat("parameters.", name), "UNKNOWN_PARAMETER",
                      absl::StrCat("expected some of ",
                                   absl::StrJoin(KnownParameters(), ", ",
                                                 [](std::string* text, const auto& each) {
                                                   absl::StrAppend(text, each.first);
                                                 }),
                                   ", ", kCovariates, "NAME"));
    }
  }
  return parameters;
}

}  // namespace unlasting::server
