#include "tests/core/evaluate/rules/rule_files.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace unlasting::testing {
namespace {

template <typename T>
T Value(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(std::string(value.status().message()));
  return *std::move(value);
}

const std::string& Folder() {
  static const auto* const folder = new std::string("tests/data/rules/");
  return *folder;
}

}  // namespace

TestTable OpenRuleFile(const std::string& name) {
  TestTable open;
  open.reader = Value(anndata::OpenReader(Folder() + name));
  const auto shape = Value(open.reader->MatrixShape("X"));
  open.table.name = name;
  open.table.genes = Value(open.reader->ReadVar()).index;
  open.table.labels = anndata::AsStrings(*Value(open.reader->ReadObs()).Find("target"));
  open.rows = std::make_unique<cells::FileRows>(open.reader.get(), "X", shape.first, shape.second);
  open.table.rows = open.rows.get();
  return open;
}

nlohmann::json ReadRuleJson(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(Folder() + name));
}

TestTable MakeTable(const std::string& name, const std::vector<std::string>& genes,
                    const std::vector<std::string>& labels,
                    const std::vector<std::vector<float>>& counts) {
  DenseMatrix dense(static_cast<int64_t>(counts.size()), static_cast<int64_t>(genes.size()));
  for (size_t r = 0; r < counts.size(); ++r) {
    for (size_t g = 0; g < genes.size(); ++g) dense.At(r, g) = counts[r][g];
  }
  TestTable made;
  made.matrix = std::make_unique<CsrMatrix>(ToCsr(dense));
  made.rows = std::make_unique<cells::MemoryRows>(*made.matrix);
  made.table = {name, genes, labels, made.rows.get()};
  return made;
}

double GoldenNumber(const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

bool SameNumber(double found, double expected, double tolerance) {
  if (std::isnan(found) || std::isnan(expected)) return std::isnan(found) && std::isnan(expected);
  if (found == expected) return true;
  return std::abs(found - expected) <= tolerance * std::max(1.0, std::abs(expected));
}

}  // namespace unlasting::testing
