#include "core/cells/perturbation_check.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/condition_reader.h"
#include "core/cells/labels.h"

namespace unlasting::cells {
namespace {

using Strings = std::vector<std::string>;

// Names of one message; a screen may have thousands of drugs.
constexpr size_t kMaxNamed = 8;

std::string Listed(const Strings& names) {
  const size_t named = std::min(names.size(), kMaxNamed);
  return absl::StrCat(
      absl::StrJoin(names.begin(), names.begin() + static_cast<int64_t>(named), ", "),
      names.size() > named ? absl::StrCat(" and ", names.size() - named, " more") : "");
}

// What obs says of the drugs.
struct Structures {
  std::map<std::string, std::map<std::string, int64_t>> cells;  // name -> SMILES -> cells
  std::map<std::string, int64_t> without, vehicles;             // name -> cells
};

Structures Survey(const anndata::DataFrame& obs, const LoadOptions& options,
                  const Dataset& dataset) {
  const Strings names = OptionalColumn(obs, options.condition_column);
  const Strings smiles = OptionalColumn(obs, options.smiles_column);
  const Strings doses = OptionalColumn(obs, options.dose_column);
  Structures found;
  for (size_t cell = 0; cell < smiles.size() && cell < names.size(); ++cell) {
    const Condition& condition = dataset.conditions[dataset.condition[cell]];
    double dose = 1;
    const bool vehicle = condition.control && !doses.empty() && names[cell] != condition.name &&
                         absl::SimpleAtod(doses[cell], &dose) && dose == 0 &&
                         !IsMissing(smiles[cell]);
    if (vehicle) ++found.vehicles[names[cell]];
    if (condition.molecule() || vehicle) {
      if (IsMissing(smiles[cell])) {
        ++found.without[names[cell]];
      } else {
        ++found.cells[names[cell]][smiles[cell]];
      }
    }
  }
  return found;
}

// One spelling of a SMILES; each is computed once.
class Canonical {
 public:
  explicit Canonical(const LoadOptions& options) : options_(options) {}

  absl::StatusOr<std::string> Of(const std::string& smiles) {
    if (!options_.canonical_smiles) return smiles;
    const auto known = known_.find(smiles);
    if (known != known_.end()) return known->second;
    UNLASTING_ASSIGN_OR_RETURN(auto canonical, options_.canonical_smiles(smiles));
    return known_[smiles] = std::move(canonical);
  }

 private:
  const LoadOptions& options_;
  std::map<std::string, std::string> known_;
};

absl::Status CheckOneStructure(const Structures& found, const LoadOptions& options,
                               Canonical* canonical) {
  for (const auto& [name, spellings] : found.cells) {
    std::map<std::string, int64_t> structures;
    for (const auto& [smiles, cells] : spellings) {
      auto structure = canonical->Of(smiles);
      if (!structure.ok()) {
        return Annotate(structure.status(), absl::StrCat("obs column '", options.smiles_column,
                                                         "': drug '", name, "'"));
      }
      structures[*structure] += cells;
    }
    if (structures.size() == 1) continue;
    Strings listed;
    for (const auto& [structure, cells] : structures) {
      listed.push_back(absl::StrCat("'", structure, "' (", cells, " cells)"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("obs column '", options.smiles_column, "': the drug '", name, "' has ",
                     structures.size(), " structures, ", Listed(listed),
                     "; expected one: correct them, or give the drugs different names"));
  }
  return absl::OkStatus();
}

void Warn(const std::string& path, const LoadOptions& options, const Structures& found) {
  for (const auto& [name, cells] : found.without) {
    if (found.cells.count(name) == 0) continue;  // its structure is the table's
    anndata::Warn(path, absl::StrCat("obs column '", options.smiles_column, "': ", cells,
                                     " cells of the drug '", name,
                                     "' have no structure; they take that of its other cells"));
  }
  for (const auto& [name, cells] : found.vehicles) {
    anndata::Warn(path, absl::StrCat("obs column '", options.dose_column, "': ", cells,
                                     " cells of the drug '", name,
                                     "' have dose 0 and are taken for control cells"));
  }
}

// Renames drugs of one structure to the name that most cells have, and joins their conditions.
absl::Status MergeNames(const std::string& path, Canonical* canonical, Dataset* dataset) {
  std::map<std::string, int64_t> cells_of_name;
  for (const int32_t index : dataset->condition) ++cells_of_name[dataset->conditions[index].name];
  std::map<std::string, std::set<std::string>> names;  // structure -> names
  for (const auto& condition : dataset->conditions) {
    if (!condition.molecule()) continue;
    auto structure = canonical->Of(condition.smiles);
    if (!structure.ok()) return Annotate(structure.status(), "drug '" + condition.name + "'");
    names[*structure].insert(condition.name);
  }
  std::map<std::string, std::string> renamed;
  for (const auto& [structure, same] : names) {
    if (same.size() < 2) continue;
    const std::string& kept = *std::max_element(same.begin(), same.end(),
                                                [&](const std::string& a, const std::string& b) {
                                                  return cells_of_name[a] < cells_of_name[b];
                                                });
    for (const auto& name : same) {
      if (name == kept) continue;
      renamed[name] = kept;
      anndata::Warn(path,
                    absl::StrCat("the drugs '", kept, "' and '", name, "' have one structure, ",
                                 structure, ", and are taken for one drug, '", kept, "'"));
    }
  }
  if (renamed.empty()) return absl::OkStatus();
  std::map<std::string, int32_t> index_of_key;
  std::vector<int32_t> index(dataset->conditions.size());
  std::vector<Condition> conditions;
  for (size_t k = 0; k < dataset->conditions.size(); ++k) {
    Condition& condition = dataset->conditions[k];
    const auto name = renamed.find(condition.name);
    if (condition.molecule() && name != renamed.end()) condition.name = name->second;
    const std::string key = absl::StrCat(condition.control ? "0" : "1", condition.Key());
    const auto [it, added] = index_of_key.emplace(key, static_cast<int32_t>(conditions.size()));
    if (added) conditions.push_back(condition);
    index[k] = it->second;
  }
  dataset->conditions = std::move(conditions);
  for (int32_t& condition : dataset->condition) condition = index[condition];
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckStructures(const std::string& path, const anndata::DataFrame& obs,
                             const LoadOptions& options, Dataset* dataset) {
  Canonical canonical(options);
  const Structures found = Survey(obs, options, *dataset);
  UNLASTING_RETURN_IF_ERROR(CheckOneStructure(found, options, &canonical));
  Warn(path, options, found);
  return MergeNames(path, &canonical, dataset);
}

absl::Status CheckPerturbations(const std::string& path, const anndata::DataFrame& obs,
                                const LoadOptions& options, Dataset* dataset) {
  UNLASTING_RETURN_IF_ERROR(CheckLabels(path, obs, options, *dataset));
  return CheckStructures(path, obs, options, dataset);
}

}  // namespace unlasting::cells
