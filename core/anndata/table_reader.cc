#include <algorithm>

#include "core/anndata/elements.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

struct Table {
  Handle dataset;
  std::vector<std::string> fields;
  std::string index;
};

absl::StatusOr<Table> OpenTable(hid_t file, const std::string& element) {
  Table table;
  table.dataset = Handle(H5Dopen2(file, element.c_str(), H5P_DEFAULT));
  if (table.dataset.ok()) table.fields = FieldNames(table.dataset.get());
  if (table.fields.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(element, ": found neither columns nor a table, expected a data frame"));
  }
  // The index stood first where it went by another name.
  table.index = table.fields.front();
  for (const char* name : {"_index", "index"}) {
    const auto found = std::find(table.fields.begin(), table.fields.end(), name);
    if (found != table.fields.end()) table.index = *found;
  }
  return table;
}

absl::StatusOr<Column> ReadField(hid_t file, const Table& table, const std::string& name) {
  const Values values(table.dataset.get(), name);
  const std::string path = absl::StrCat("uns/", name, "_categories");
  if (ClassOf(values) != ValueClass::kInteger || !LinkExists(file, path)) {
    return ReadPlainColumn(values);
  }
  const Handle levels(H5Dopen2(file, path.c_str(), H5P_DEFAULT));
  if (!levels.ok()) return ReadPlainColumn(values);
  UNLASTING_ASSIGN_OR_RETURN(auto codes, ReadIntegers<int32_t>(values));
  const auto categories = ReadPlainColumn(levels.get());
  if (!categories.ok()) return Annotate(categories.status(), path);
  UNLASTING_ASSIGN_OR_RETURN(auto categorical,
                             MakeCategorical(std::move(codes), AsStrings(*categories), false));
  return Column(std::move(categorical));
}

absl::StatusOr<std::vector<std::string>> ReadIndex(const Table& table, const std::string& element) {
  const auto index = ReadPlainColumn(Values(table.dataset.get(), table.index));
  if (!index.ok()) return Annotate(index.status(), absl::StrCat(element, "/", table.index));
  return AsStrings(*index);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadTableIndex(hid_t file, const std::string& element) {
  UNLASTING_ASSIGN_OR_RETURN(const Table table, OpenTable(file, element));
  return ReadIndex(table, element);
}

absl::StatusOr<DataFrame> ReadTable(hid_t file, const std::string& element) {
  UNLASTING_ASSIGN_OR_RETURN(const Table table, OpenTable(file, element));
  DataFrame result;
  UNLASTING_ASSIGN_OR_RETURN(result.index, ReadIndex(table, element));
  for (const auto& name : table.fields) {
    if (name == table.index) continue;
    const std::string path = absl::StrCat(element, "/", name);
    auto column = ReadField(file, table, name);
    if (absl::IsUnimplemented(column.status())) {
      result.unread.emplace_back(ToUtf8(name), std::string(column.status().message()));
      continue;
    }
    if (!column.ok()) return Annotate(column.status(), path);
    if (Length(*column) != static_cast<int64_t>(result.index.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": has ", Length(*column), " rows, expected ", result.index.size()));
    }
    result.columns.emplace_back(ToUtf8(name), *std::move(column));
  }
  return result;
}

}  // namespace unlasting::anndata
