// prediction_tables.h writes the parts of tables that the pages of predictions and of screens
// share. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/report/gene_change.h"
#include "core/report/remark.h"

namespace unlasting::report {

// A cell with a number that is sorted and exported as it is, and shown as `text`, which is HTML.
std::string NumberCell(double value, const std::string& text);
std::string Percent(double share);

// The genes whose mean rises (`sign` 1) or falls (-1), at most `most`: the surest first, and where
// nothing was tested the largest changes.
std::vector<const GeneChange*> Strongest(const std::vector<GeneChange>& genes, double sign,
                                         size_t most);

// Headings and cells of what is said of one perturbation in a row: trust, change, genes up and
// down, predicted error, whether training saw it, top genes.
extern const char kChangeHeaders[];
std::string ChangeCells(const std::vector<GeneChange>& genes, const std::vector<Remark>& remarks,
                        double expected_error, const std::string& expected_error_range,
                        const std::string& seen);

// The remarks, worst first, and a list of sentences; "" for none.
std::string RemarksHtml(const std::vector<Remark>& remarks);
std::string List(const std::vector<std::string>& sentences);

}  // namespace unlasting::report
