#include "core/anndata/anndata.h"

#include <charconv>
#include <cmath>

namespace unlasting::anndata {
namespace {

template <typename T>
std::string Shortest(T value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

struct ToStrings {
  std::vector<std::string> operator()(const std::vector<std::string>& values) const {
    return values;
  }
  std::vector<std::string> operator()(const Categorical& column) const {
    std::vector<std::string> strings;
    strings.reserve(column.codes.size());
    for (const int32_t code : column.codes) {
      strings.push_back(code < 0 ? "" : column.categories[code]);
    }
    return strings;
  }
  std::vector<std::string> operator()(const std::vector<double>& values) const {
    std::vector<std::string> strings;
    strings.reserve(values.size());
    for (const double value : values) strings.push_back(std::isnan(value) ? "" : Shortest(value));
    return strings;
  }
  std::vector<std::string> operator()(const std::vector<int64_t>& values) const {
    std::vector<std::string> strings;
    strings.reserve(values.size());
    for (const int64_t value : values) strings.push_back(Shortest(value));
    return strings;
  }
  std::vector<std::string> operator()(const std::vector<bool>& values) const {
    std::vector<std::string> strings;
    strings.reserve(values.size());
    for (const bool value : values) strings.push_back(value ? "true" : "false");
    return strings;
  }
};

}  // namespace

int64_t Length(const Column& column) {
  if (const auto* categorical = std::get_if<Categorical>(&column)) {
    return static_cast<int64_t>(categorical->codes.size());
  }
  return std::visit(
      [](const auto& values) -> int64_t {
        if constexpr (std::is_same_v<std::decay_t<decltype(values)>, Categorical>) {
          return 0;
        } else {
          return static_cast<int64_t>(values.size());
        }
      },
      column);
}

std::vector<std::string> AsStrings(const Column& column) { return std::visit(ToStrings(), column); }

const char* KindName(const Column& column) {
  constexpr const char* kNames[] = {"string", "categorical", "float", "integer", "boolean"};
  return kNames[column.index()];
}

const Column* DataFrame::Find(const std::string& name) const {
  for (const auto& [other, column] : columns) {
    if (other == name) return &column;
  }
  return nullptr;
}

void DataFrame::Set(const std::string& name, Column column) {
  for (auto& [other, existing] : columns) {
    if (other == name) {
      existing = std::move(column);
      return;
    }
  }
  columns.emplace_back(name, std::move(column));
}

int64_t Rows(const Matrix& matrix) {
  return std::visit([](const auto& m) { return m.rows; }, matrix);
}
int64_t Cols(const Matrix& matrix) {
  return std::visit([](const auto& m) { return m.cols; }, matrix);
}

}  // namespace unlasting::anndata
