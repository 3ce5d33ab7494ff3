#include "core/cells/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/cells/cell_order.h"
#include "core/cells/labels.h"

namespace unlasting::cells {
namespace {

// Raised when the same file and settings give another split, so that a bundle's record tells.
// 2: cells are drawn in the order of their barcodes, not of the file.
constexpr int kSplitVersion = 2;

// std::shuffle's draws differ between standard libraries; a split must not.
template <typename T>
void Shuffle(std::mt19937_64* random, std::vector<T>* items) {
  for (size_t k = items->size(); k > 1; --k) {
    std::swap((*items)[k - 1], (*items)[(*random)() % k]);
  }
}

// The held-out share of `items`: at least one, never all.
template <typename T>
std::vector<T> Draw(std::vector<T> items, double fraction, std::mt19937_64* random) {
  if (items.size() < 2) return {};
  Shuffle(random, &items);
  const auto wanted = static_cast<size_t>(std::llround(fraction * items.size()));
  items.resize(std::clamp<size_t>(wanted, 1, items.size() - 1));
  return items;
}

// What a condition is drawn by: a drug's doses, or a knockout's hours, are held out together.
std::string DrawnAs(const Condition& condition) {
  if (condition.control) return "";
  return condition.genes.empty() ? condition.name : absl::StrJoin(condition.genes, "+");
}

struct HoldOut {
  std::set<std::string> cell_types;
  std::set<std::string> conditions, drugs;  // as DrawnAs names them
};

absl::StatusOr<HoldOut> ParseHoldOut(const Dataset& dataset, const SplitOptions& options) {
  std::set<std::string> types(dataset.cell_types.begin(), dataset.cell_types.end());
  std::set<std::string> conditions, drugs;
  for (const auto& condition : dataset.conditions) {
    if (condition.control) continue;
    conditions.insert(DrawnAs(condition));
    if (condition.molecule()) drugs.insert(condition.name);
  }
  HoldOut hold_out;
  for (const auto& entry : options.hold_out) {
    const size_t equals = entry.find('=');
    const std::string field = entry.substr(0, equals);
    std::string value = equals == std::string::npos ? "" : TrimLabel(entry.substr(equals + 1));
    const std::set<std::string>* known = field == "cell_type"   ? &types
                                         : field == "condition" ? &conditions
                                         : field == "drug"      ? &drugs
                                                                : nullptr;
    if (known == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "hold_out: found '", entry, "', expected cell_type=, condition= or drug= and a name"));
    }
    if (field == "condition" && known->count(value) == 0) value = ConditionKey(value, "");
    if (known->count(value) == 0) {
      std::map<std::string, int64_t> there;
      for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
        const Condition& condition = dataset.conditions[dataset.condition[cell]];
        if (field == "cell_type") ++there[dataset.cell_types[dataset.cell_type[cell]]];
        if (field == "cell_type" || condition.control) continue;
        if (field == "condition" || condition.molecule()) ++there[condition.name];
      }
      return absl::InvalidArgumentError(absl::StrCat("hold_out: the data has no ", field, " '",
                                                     value, "'; found ", ListLabels(there)));
    }
    (field == "cell_type"   ? hold_out.cell_types
     : field == "condition" ? hold_out.conditions
                            : hold_out.drugs)
        .insert(value);
  }
  return hold_out;
}

// Marks as test every perturbed cell that `held_out` names.
template <typename Predicate>
void MarkPerturbed(const Dataset& dataset, Predicate held_out, std::vector<bool>* test) {
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    if (!condition.control) (*test)[cell] = held_out(cell, condition);
  }
}

std::vector<std::string> PerturbedNames(const Dataset& dataset, bool molecules_only) {
  std::set<std::string> names;
  for (const auto& condition : dataset.conditions) {
    if (!condition.control && (condition.molecule() || !molecules_only)) {
      names.insert(DrawnAs(condition));
    }
  }
  return {names.begin(), names.end()};
}

void HoldOutCells(const Dataset& dataset, double fraction, std::mt19937_64* random,
                  std::vector<bool>* test) {
  std::map<std::pair<std::string, std::string>, std::vector<int64_t>> groups;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    groups[{condition.control ? "" : condition.Identity(),
            dataset.cell_types[dataset.cell_type[cell]]}]
        .push_back(cell);
  }
  for (auto& [key, members] : groups) {
    SortByBarcode(dataset, &members);
    for (const int64_t cell : Draw(members, fraction, random)) (*test)[cell] = true;
  }
}

using Level = std::pair<double, std::map<std::string, double>>;  // dose, covariates
Level LevelOf(const Condition& condition) { return {condition.dose_um, condition.covariates}; }

void HoldOutDoses(const Dataset& dataset, double fraction, std::mt19937_64* random,
                  std::vector<bool>* test) {
  std::map<std::pair<std::string, std::string>, std::set<Level>> doses;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    if (condition.molecule() || condition.treatment) {
      doses[{condition.name, dataset.cell_types[dataset.cell_type[cell]]}].insert(
          LevelOf(condition));
    }
  }
  std::set<std::tuple<std::string, std::string, Level>> chosen;
  for (const auto& [key, values] : doses) {
    for (const Level& dose :
         Draw(std::vector<Level>(values.begin(), values.end()), fraction, random)) {
      chosen.insert({key.first, key.second, dose});
    }
  }
  MarkPerturbed(
      dataset,
      [&](int64_t cell, const Condition& condition) {
        return chosen.count({condition.name, dataset.cell_types[dataset.cell_type[cell]],
                             LevelOf(condition)}) > 0;
      },
      test);
}

absl::Status TakeLabels(const std::vector<std::string>& labels, std::vector<bool>* test) {
  std::set<std::string> found;
  for (size_t cell = 0; cell < labels.size(); ++cell) {
    (*test)[cell] = labels[cell] != "train";
    if (found.size() < 6) found.insert(labels[cell]);
  }
  if (found.size() > 1 && std::count(labels.begin(), labels.end(), "train") > 0) {
    return absl::OkStatus();
  }
  std::string list;
  for (const auto& label : found) absl::StrAppend(&list, " '", label, "'");
  return absl::InvalidArgumentError(
      absl::StrCat("split_column: found the labels", list, ", expected 'train' and others"));
}

absl::Status Assign(const Dataset& dataset, const SplitOptions& options, const HoldOut& hold_out,
                    std::vector<bool>* test) {
  if (!dataset.split_label.empty()) return TakeLabels(dataset.split_label, test);
  std::mt19937_64 random(options.seed);
  if (options.kind == "cells") {
    HoldOutCells(dataset, options.fraction, &random, test);
  } else if (options.kind == "doses") {
    HoldOutDoses(dataset, options.fraction, &random, test);
  } else if (options.kind == "doubles") {
    MarkPerturbed(
        dataset, [](int64_t, const Condition& c) { return c.genes.size() > 1; }, test);
  } else if (options.kind == "covariates") {
    std::set<std::string> types = hold_out.cell_types;
    if (types.empty()) {
      const std::set<std::string> all(dataset.cell_types.begin(), dataset.cell_types.end());
      for (auto& type :
           Draw(std::vector<std::string>(all.begin(), all.end()), options.fraction, &random)) {
        types.insert(type);
      }
    }
    MarkPerturbed(
        dataset,
        [&](int64_t cell, const Condition&) {
          return types.count(dataset.cell_types[dataset.cell_type[cell]]) > 0;
        },
        test);
  } else if (options.kind == "conditions" || options.kind == "drugs") {
    const bool drugs = options.kind == "drugs";
    std::set<std::string> names = drugs ? hold_out.drugs : hold_out.conditions;
    if (names.empty()) {
      for (auto& name : Draw(PerturbedNames(dataset, drugs), options.fraction, &random)) {
        names.insert(name);
      }
    }
    MarkPerturbed(
        dataset, [&](int64_t, const Condition& c) { return names.count(DrawnAs(c)) > 0; }, test);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("split: found '", options.kind,
                     "', expected conditions, drugs, doses, doubles, covariates or cells"));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<int64_t> Split::Cells(bool test_cells) const {
  std::vector<int64_t> cells;
  for (size_t cell = 0; cell < test.size(); ++cell) {
    if (test[cell] == test_cells) cells.push_back(static_cast<int64_t>(cell));
  }
  return cells;
}

absl::StatusOr<Split> MakeSplit(const Dataset& dataset, const SplitOptions& options) {
  if (!(options.fraction > 0 && options.fraction < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("split_fraction: found ", options.fraction, ", expected above 0 and below 1"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const HoldOut hold_out, ParseHoldOut(dataset, options));
  Split split;
  split.test.assign(dataset.n_cells(), false);
  UNLASTING_RETURN_IF_ERROR(Assign(dataset, options, hold_out, &split.test));

  std::set<std::string> tested;
  int64_t train_perturbed = 0, test_perturbed = 0;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    if (condition.control) continue;
    (split.test[cell] ? test_perturbed : train_perturbed) += 1;
    if (split.test[cell]) tested.insert(condition.name);
  }
  if (test_perturbed == 0 || train_perturbed == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "split '", options.kind, "': leaves ", train_perturbed, " perturbed cells to train on and ",
        test_perturbed, " to test; expected some of each"));
  }
  const auto test_cells =
      static_cast<int64_t>(std::count(split.test.begin(), split.test.end(), true));
  const bool labelled = !dataset.split_label.empty();
  split.record = {{"version", kSplitVersion},     {"kind", labelled ? "column" : options.kind},
                  {"fraction", options.fraction}, {"seed", options.seed},
                  {"hold_out", options.hold_out}, {"test_conditions", tested},
                  {"test_cells", test_cells},     {"train_cells", dataset.n_cells() - test_cells}};
  return split;
}

bool SameSplit(const nlohmann::json& a, const nlohmann::json& b) {
  const auto canonical = [](nlohmann::json record) {
    std::set<std::string> conditions;
    const auto found = record.find("test_conditions");
    if (found == record.end() || !found->is_array()) return record;
    for (const auto& name : *found) {
      if (name.is_string()) conditions.insert(ConditionKey(name.get<std::string>(), ""));
    }
    *found = conditions;
    return record;
  };
  return canonical(a) == canonical(b);
}

std::vector<TestGroup> TestGroups(const Dataset& dataset, const Split& split) {
  const auto types = dataset.cell_types.size();
  std::vector<std::vector<int64_t>> all_controls(types), held_out_controls(types);
  std::map<std::pair<std::string, std::string>, TestGroup> groups;
  for (int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
    const int32_t type = dataset.cell_type[cell];
    if (dataset.conditions[dataset.condition[cell]].control) {
      all_controls[type].push_back(cell);
      if (split.test[cell]) held_out_controls[type].push_back(cell);
    } else if (split.test[cell]) {
      TestGroup& group = groups[{dataset.conditions[dataset.condition[cell]].Identity(),
                                 dataset.cell_types[type]}];
      group.condition = dataset.condition[cell];
      group.cell_type = type;
      group.truth.push_back(cell);
    }
  }
  std::vector<TestGroup> result;
  for (auto& [key, group] : groups) {
    const int32_t type = group.cell_type;
    group.control = held_out_controls[type].empty() ? all_controls[type] : held_out_controls[type];
    SortByBarcode(dataset, &group.truth);
    SortByBarcode(dataset, &group.control);
    if (!group.control.empty()) result.push_back(std::move(group));
  }
  return result;
}

}  // namespace unlasting::cells
