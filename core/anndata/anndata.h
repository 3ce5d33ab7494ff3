// AnnData holds an annotated expression matrix in memory, with those parts of an .h5ad file that
// this software reads and writes. All types here are values: they own what they hold, and a const
// object may be read by any number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/matrix.h"
#include "nlohmann/json.hpp"

namespace unlasting::anndata {

// Categorical is pandas' category column: the code of each row, into the categories. A code of -1
// is a missing value.
struct Categorical {
  std::vector<int32_t> codes;
  std::vector<std::string> categories;
  bool ordered = false;
};

// One column of obs or var. Nullable integers and booleans, and R's logicals, arrive as doubles
// with NaN where a value is missing; nullable strings arrive as strings, "" where a value is
// missing.
using Column = std::variant<std::vector<std::string>, Categorical, std::vector<double>,
                            std::vector<int64_t>, std::vector<bool>>;

// Number of rows in a column.
int64_t Length(const Column& column);
// Each row as text; numbers in their shortest round-trip form; missing values as "".
std::vector<std::string> AsStrings(const Column& column);
// "string", "categorical", "float", "integer" or "boolean".
const char* KindName(const Column& column);

struct DataFrame {
  std::vector<std::string> index;
  // In the file's column order.
  std::vector<std::pair<std::string, Column>> columns;
  // Columns that the file has and this software cannot read, each with the reason.
  std::vector<std::pair<std::string, std::string>> unread;

  const Column* Find(const std::string& name) const;
  void Set(const std::string& name, Column column);
};

using Matrix = std::variant<DenseMatrix, CsrMatrix>;

int64_t Rows(const Matrix& matrix);
int64_t Cols(const Matrix& matrix);

// obs: cells; var: genes. X, layers are [cells, genes]; obsm [cells, k]; obsp [cells, cells];
// varp [genes, genes]. `uns` holds nested mappings, scalars, strings and arrays as JSON.
struct AnnData {
  Matrix x;
  DataFrame obs;
  DataFrame var;
  std::map<std::string, Matrix> layers;
  std::map<std::string, Matrix> obsm;
  std::map<std::string, Matrix> varm;
  std::map<std::string, Matrix> obsp;
  std::map<std::string, Matrix> varp;
  nlohmann::json uns = nlohmann::json::object();
};

}  // namespace unlasting::anndata
