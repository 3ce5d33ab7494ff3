#include "core/bundle/molecule_table.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace unlasting::bundle {

std::string FormatMolecules(const MoleculeTable& table) {
  std::string text;
  for (const auto& [name, values] : table) {
    text += name;
    for (const float value : values) absl::StrAppendFormat(&text, "\t%.9g", value);
    text += '\n';
  }
  return text;
}

absl::StatusOr<MoleculeTable> ParseMolecules(const std::string& text, int features) {
  MoleculeTable table;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const std::vector<absl::string_view> fields = absl::StrSplit(line, '\t');
    std::vector<float> values(fields.size() - 1);
    bool sound = static_cast<int>(values.size()) == features;
    for (size_t k = 0; k < values.size() && sound; ++k) {
      sound = absl::SimpleAtof(fields[k + 1], &values[k]) && std::isfinite(values[k]);
    }
    if (!sound) {
      return absl::InvalidArgumentError(
          absl::StrFormat("line %d: expected a name and %d numbers", number, features));
    }
    table[std::string(fields[0])] = std::move(values);
  }
  return table;
}

}  // namespace unlasting::bundle
