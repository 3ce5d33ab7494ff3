// ReadCellTable reads the annotations of cells from a text table, for formats that hold none
// themselves. Private to core/anndata.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

// The fields of one line. A field may stand in double quotes, within which the separator is text
// and two quotes stand for one. INVALID_ARGUMENT where a quote is not closed.
absl::StatusOr<std::vector<std::string>> SplitFields(absl::string_view line, char separator);

// The table's rows in the order of `barcodes`, which become the index. The table is TSV, or CSV
// where its header has no tab, and may be compressed with gzip; it has a header line, and the
// barcode is its first column, which the header may leave out as R does. A column of numbers
// becomes integers or floats (NaN where a value is missing), any other column strings as they
// stand. Rows of other cells are passed over.
//
// INVALID_ARGUMENT names the table and the line or barcode: a line with too few or too many fields,
// a column or barcode that stands there twice, a barcode without a row.
absl::StatusOr<DataFrame> ReadCellTable(const std::string& path,
                                        const std::vector<std::string>& barcodes);

// The table that lies beside the data: `prefix` followed by obs or metadata, .tsv, .csv or .txt,
// and maybe .gz. "" where there is none; INVALID_ARGUMENT where there are several.
absl::StatusOr<std::string> FindCellTable(const std::string& prefix);

}  // namespace unlasting::anndata
