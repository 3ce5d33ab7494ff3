#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/anndata/elements.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

absl::Status Malformed(const std::string& element, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(element, ": ", why));
}

absl::Status LengthsDiffer(size_t values, size_t mask) {
  return absl::InvalidArgumentError(
      absl::StrCat("found ", values, " values and a mask of ", mask, ", expected as many"));
}

// Opens the categories of a column of codes as anndata before 0.8 wrote it: the attribute
// `categories` refers to them, and they lie in the group __categories under the column's name.
Handle LevelsBeside(hid_t frame, const std::string& name, hid_t column) {
  Handle referenced = ReferencedDataset(column, "categories");
  if (referenced.ok()) return referenced;
  const std::string path = "__categories/" + name;
  return LinkExists(frame, path) ? Handle(H5Dopen2(frame, path.c_str(), H5P_DEFAULT)) : Handle();
}

absl::StatusOr<Column> ReadColumn(hid_t frame, const std::string& name) {
  const Handle object(H5Oopen(frame, name.c_str(), H5P_DEFAULT));
  if (!object.ok()) return absl::InvalidArgumentError("cannot be opened");
  if (H5Iget_type(object.get()) == H5I_GROUP) {
    const std::string encoding = StringAttribute(object.get(), "encoding-type");
    if (encoding == "categorical" || LinkExists(object.get(), "codes")) {
      return ReadCategoricalGroup(object.get());
    }
    if (LinkExists(object.get(), "mask")) return ReadNullableGroup(object.get());
    return absl::UnimplementedError(
        absl::StrCat("found the encoding '", ToUtf8(encoding),
                     "', expected a categorical, a nullable array or an array"));
  }
  const Handle levels = LevelsBeside(frame, name, object.get());
  if (levels.ok()) {
    UNLASTING_ASSIGN_OR_RETURN(auto codes, ReadIntegers<int32_t>(object.get()));
    UNLASTING_ASSIGN_OR_RETURN(const Column categories, ReadPlainColumn(levels.get()));
    UNLASTING_ASSIGN_OR_RETURN(auto categorical,
                               MakeCategorical(std::move(codes), AsStrings(categories),
                                               FlagAttribute(levels.get(), "ordered")));
    return Column(std::move(categorical));
  }
  return ReadPlainColumn(object.get());
}

absl::StatusOr<std::vector<std::string>> ReadIndex(hid_t frame, const std::string& element,
                                                   std::string* name) {
  *name = StringAttribute(frame, "_index");
  if (name->empty()) *name = LinkExists(frame, "_index") ? "_index" : "index";
  if (!LinkExists(frame, *name)) {
    return Malformed(element, absl::StrCat("lacks its index '", *name, "'"));
  }
  auto column = ReadColumn(frame, *name);
  if (!column.ok()) return Annotate(column.status(), absl::StrCat(element, "/", *name));
  return AsStrings(*column);
}

}  // namespace

absl::StatusOr<Column> ReadNullableGroup(hid_t group) {
  const Handle values(H5Dopen2(group, "values", H5P_DEFAULT));
  const Handle mask(H5Dopen2(group, "mask", H5P_DEFAULT));
  if (!values.ok() || !mask.ok()) {
    return absl::InvalidArgumentError("expected the datasets 'values' and 'mask'");
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto missing, ReadNumbers<int64_t>(mask.get()));
  if (ClassOf(values.get()) == ValueClass::kString) {
    UNLASTING_ASSIGN_OR_RETURN(auto strings, ReadStrings(values.get()));
    if (strings.size() != missing.size()) return LengthsDiffer(strings.size(), missing.size());
    for (size_t k = 0; k < strings.size(); ++k) {
      if (missing[k] != 0) strings[k].clear();
    }
    return Column(std::move(strings));
  }
  UNLASTING_ASSIGN_OR_RETURN(auto numbers, ReadNumbers<double>(values.get()));
  if (numbers.size() != missing.size()) return LengthsDiffer(numbers.size(), missing.size());
  for (size_t k = 0; k < numbers.size(); ++k) {
    if (missing[k] != 0) numbers[k] = kNan;
  }
  return Column(std::move(numbers));
}

absl::StatusOr<Column> ReadPlainColumn(const Values& values) {
  const size_t axes = Shape(values).size();
  if (axes != 1) {
    return absl::UnimplementedError(absl::StrCat("found ", axes, " axes, expected 1"));
  }
  switch (ClassOf(values)) {
    case ValueClass::kString: {
      UNLASTING_ASSIGN_OR_RETURN(auto column, ReadStrings(values));
      return Column(std::move(column));
    }
    case ValueClass::kBoolean: {
      UNLASTING_ASSIGN_OR_RETURN(const auto flags, ReadNumbers<int64_t>(values));
      return Column(std::vector<bool>(flags.begin(), flags.end()));
    }
    case ValueClass::kLogical: {
      UNLASTING_ASSIGN_OR_RETURN(auto column, ReadLogicals(values));
      return Column(std::move(column));
    }
    case ValueClass::kInteger: {
      UNLASTING_ASSIGN_OR_RETURN(auto column, ReadNumbers<int64_t>(values));
      return Column(std::move(column));
    }
    case ValueClass::kFloat: {
      UNLASTING_ASSIGN_OR_RETURN(auto column, ReadNumbers<double>(values));
      return Column(std::move(column));
    }
    default:
      return absl::UnimplementedError(absl::StrCat("found ", ClassName(ClassOf(values)),
                                                   ", expected strings, numbers or booleans"));
  }
}

absl::StatusOr<Categorical> MakeCategorical(std::vector<int32_t> codes,
                                            std::vector<std::string> categories, bool ordered) {
  const auto count = static_cast<int32_t>(categories.size());
  for (const int32_t code : codes) {
    if (code < -1 || code >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("found the code ", code, ", expected -1 to ", count - 1));
    }
  }
  return Categorical{std::move(codes), std::move(categories), ordered};
}

absl::StatusOr<Column> ReadCategoricalGroup(hid_t group) {
  const Handle codes(H5Dopen2(group, "codes", H5P_DEFAULT));
  const Handle categories(LinkExists(group, "categories")
                              ? H5Oopen(group, "categories", H5P_DEFAULT)
                              : H5I_INVALID_HID);
  if (!codes.ok() || !categories.ok()) {
    return absl::InvalidArgumentError("expected 'codes' and 'categories'");
  }
  UNLASTING_ASSIGN_OR_RETURN(auto code_values, ReadIntegers<int32_t>(codes.get()));
  UNLASTING_ASSIGN_OR_RETURN(const Column levels, H5Iget_type(categories.get()) == H5I_GROUP
                                                      ? ReadNullableGroup(categories.get())
                                                      : ReadPlainColumn(categories.get()));
  UNLASTING_ASSIGN_OR_RETURN(
      auto categorical,
      MakeCategorical(std::move(code_values), AsStrings(levels), FlagAttribute(group, "ordered")));
  return Column(std::move(categorical));
}

absl::StatusOr<std::vector<std::string>> ReadFrameIndex(hid_t file, const std::string& element) {
  if (!LinkExists(file, element)) return absl::NotFoundError(absl::StrCat(element, ": is absent"));
  if (!IsGroup(file, element)) return ReadTableIndex(file, element);
  const Handle frame(H5Oopen(file, element.c_str(), H5P_DEFAULT));
  std::string index_name;
  return ReadIndex(frame.get(), element, &index_name);
}

absl::StatusOr<DataFrame> ReadFrame(hid_t file, const std::string& element) {
  if (!LinkExists(file, element)) return absl::NotFoundError(absl::StrCat(element, ": is absent"));
  if (!IsGroup(file, element)) return ReadTable(file, element);
  const Handle frame(H5Oopen(file, element.c_str(), H5P_DEFAULT));
  DataFrame result;
  std::string index_name;
  UNLASTING_ASSIGN_OR_RETURN(result.index, ReadIndex(frame.get(), element, &index_name));
  std::vector<std::string> names = StringsAttribute(frame.get(), "column-order");
  std::set<std::string> seen(names.begin(), names.end());
  if (seen.size() != names.size()) {
    return Malformed(element, "column-order names a column twice");
  }
  if (names.empty() && !HasAttribute(frame.get(), "column-order")) {
    for (const auto& name : Members(frame.get())) {
      if (name != index_name && name != "__categories") names.push_back(name);
    }
  }
  for (const auto& name : names) {
    const std::string path = absl::StrCat(element, "/", name);
    if (!LinkExists(frame.get(), name)) return Malformed(path, "is absent");
    auto column = ReadColumn(frame.get(), name);
    if (absl::IsUnimplemented(column.status())) {
      result.unread.emplace_back(ToUtf8(name), std::string(column.status().message()));
      continue;
    }
    if (!column.ok()) return Annotate(column.status(), path);
    if (Length(*column) != static_cast<int64_t>(result.index.size())) {
      return Malformed(
          path, absl::StrCat("has ", Length(*column), " rows, expected ", result.index.size()));
    }
    result.columns.emplace_back(ToUtf8(name), *std::move(column));
  }
  return result;
}

}  // namespace unlasting::anndata
