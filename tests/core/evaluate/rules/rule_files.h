// Files and small tables for the tests of the scoring rules.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/anndata/open_reader.h"
#include "core/cells/row_source.h"
#include "core/evaluate/rules/cell_table.h"
#include "nlohmann/json.hpp"

namespace unlasting::testing {

// A side of a comparison with all it needs to live.
struct TestTable {
  std::unique_ptr<anndata::Reader> reader;
  std::unique_ptr<CsrMatrix> matrix;
  std::unique_ptr<cells::RowSource> rows;
  evaluate::rules::CellTable table;
};

// tests/data/rules/NAME; throws where it cannot be read.
TestTable OpenRuleFile(const std::string& name);
nlohmann::json ReadRuleJson(const std::string& name);
// Counts in memory; a label per row.
TestTable MakeTable(const std::string& name, const std::vector<std::string>& genes,
                    const std::vector<std::string>& labels,
                    const std::vector<std::vector<float>>& counts);

// A golden number: "NaN" and "Infinity" stand for themselves.
double GoldenNumber(const nlohmann::json& value);
// Whether both are NaN, equal, or within `tolerance` times max(1, |expected|).
bool SameNumber(double found, double expected, double tolerance);

}  // namespace unlasting::testing
