#include "core/anndata/describe.h"

#include <map>

#include "core/anndata/layout.h"
#include "core/anndata/open_reader.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

constexpr size_t kMaxLevels = 50;

json DescribeFrame(const DataFrame& frame) {
  json columns = json::object();
  for (const auto& [name, column] : frame.columns) {
    columns[name] = {{"kind", KindName(column)}};
    if (column.index() > 1) continue;
    std::map<std::string, int64_t> levels;
    for (const auto& value : AsStrings(column)) ++levels[value];
    if (levels.size() <= kMaxLevels) columns[name]["levels"] = levels;
  }
  for (const auto& [name, why] : frame.unread) columns[name] = {{"kind", "unread"}, {"why", why}};
  return columns;
}

}  // namespace

absl::StatusOr<json> Describe(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, OpenReader(path));
  UNLASTING_ASSIGN_OR_RETURN(const auto obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const auto var, reader->ReadVar());
  json description = {{"format", FileFormatName(reader->format())},
                      {"n_obs", reader->n_obs()},
                      {"n_vars", reader->n_vars()}};
  if (reader->Has("X")) {
    UNLASTING_ASSIGN_OR_RETURN(const std::string encoding, reader->MatrixEncoding("X"));
    description["x"] = encoding;
  }
  description["obs"] = DescribeFrame(obs);
  description["var"] = DescribeFrame(var);
  for (const char* group : {"layers", "obsm", "uns"}) description[group] = reader->List(group);
  description["raw"] = reader->Has("raw");
  description["layout"] = LayoutName(GuessLayout(obs, var));
  for (const char* name : {"condition", "perturbation"}) {
    const Column* column = obs.Find(name);
    if (column == nullptr) continue;
    std::map<std::string, int64_t> conditions;
    for (const auto& value : AsStrings(*column)) ++conditions[value];
    description["conditions"] = conditions;
    break;
  }
  return description;
}

}  // namespace unlasting::anndata
