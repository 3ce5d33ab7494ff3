#include "core/evaluate/rules/draws.h"

#include "absl/strings/str_cat.h"
#include "core/evaluate/numpy_random.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr int kSplits = 5;

std::vector<std::vector<int64_t>> CellsOf(const Groups& groups) {
  std::vector<std::vector<int64_t>> cells(groups.cells.size());
  for (size_t cell = 0; cell < groups.of_cell.size(); ++cell) {
    cells[groups.of_cell[cell]].push_back(static_cast<int64_t>(cell));
  }
  return cells;
}

absl::Status Wrong(const std::string& name, const std::string& message) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", message, " (--draws)"));
}

absl::Status CheckMarks(const std::string& name, const std::string& key, const std::string& marks,
                        const Groups& truth) {
  if (marks.size() != truth.of_cell.size()) {
    return Wrong(
        name, absl::StrCat("splits_cells.", key, ": found ", marks.size(), " characters, expected ",
                           truth.of_cell.size(), ", one per cell of the truth"));
  }
  const size_t odd = marks.find_first_not_of("ab.");
  if (odd == std::string::npos) return absl::OkStatus();
  return Wrong(name, absl::StrCat("splits_cells.", key, ": found '", marks.substr(odd, 1),
                                  "' for cell ", odd, ", expected a, b or ."));
}

}  // namespace

Draws GenerateDraws(const Groups& truth, uint64_t seed) {
  Draws draws;
  draws.source = absl::StrCat("generated, seed ", seed);
  // Labels are drawn for in code point order, the control's among the others.
  std::map<std::string, std::vector<int64_t>> labels;
  const auto cells = CellsOf(truth);
  for (int64_t t = 0; t <= truth.control(); ++t) {
    labels[t < truth.control() ? truth.targets[t] : truth.control_label] = cells[t];
  }
  for (const uint32_t split : NumpySeeds(seed, kSplits)) {
    NumpyRandom random(split);
    std::string marks(truth.of_cell.size(), '.');
    for (const auto& [unused, group] : labels) {
      const auto order = random.Permutation(static_cast<int64_t>(group.size()));
      const size_t half = group.size() / 2;
      for (size_t k = 0; k < 2 * half; ++k) marks[group[order[k]]] = k < half ? 'a' : 'b';
    }
    draws.splits[absl::StrCat(split)] = std::move(marks);
  }
  NumpyRandom random(seed);
  for (int64_t t = 0; t < truth.control(); ++t) {
    for (int64_t k = 0; k < truth.cells[t]; ++k) {
      draws.control_rows.push_back(random.Below(truth.cells.back()));
    }
  }
  return draws;
}

absl::StatusOr<Draws> DrawsFromJson(const nlohmann::json& object, const Groups& truth,
                                    const std::string& name) {
  Draws draws;
  draws.source = name;
  if (!object.is_object() || !object.contains("splits_cells") ||
      !object["splits_cells"].is_object() || object["splits_cells"].empty()) {
    return Wrong(name, "found no object splits_cells, expected {seed: a character per cell}");
  }
  for (const auto& [key, marks] : object["splits_cells"].items()) {
    if (!marks.is_string()) {
      return Wrong(name, absl::StrCat("splits_cells.", key, ": found ", marks.type_name(),
                                      ", expected a text with a character per cell"));
    }
    const auto status = CheckMarks(name, key, marks.get<std::string>(), truth);
    if (!status.ok()) return status;
    draws.splits[key] = marks.get<std::string>();
  }
  const auto rows =
      object.value("/baseline_construction/control_row_drawn"_json_pointer, nlohmann::json());
  const auto expected = static_cast<int64_t>(truth.of_cell.size()) - truth.cells.back();
  if (!rows.is_array() || static_cast<int64_t>(rows.size()) != expected) {
    return Wrong(name, absl::StrCat("baseline_construction.control_row_drawn: found ",
                                    rows.is_array() ? absl::StrCat(rows.size(), " numbers")
                                                    : std::string(rows.type_name()),
                                    ", expected ", expected,
                                    ", one per cell of the truth that is not control"));
  }
  for (const auto& row : rows) {
    const bool whole = row.is_number_integer();
    if (!whole || row.get<int64_t>() < 0 || row.get<int64_t>() >= truth.cells.back()) {
      return Wrong(name, absl::StrCat("baseline_construction.control_row_drawn: found ", row.dump(),
                                      ", expected numbers from 0 to ", truth.cells.back() - 1));
    }
    draws.control_rows.push_back(row.get<int64_t>());
  }
  return draws;
}

}  // namespace unlasting::evaluate::rules
