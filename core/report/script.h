// script.h holds the script that every page shares. Private to core/report.
#pragma once

namespace unlasting::report {

// Makes every table sortable by its columns, searchable where it has more than a screenful of rows,
// and downloadable as CSV; on narrow windows it stacks the cells of each row and keeps the text of
// plots readable. A page without it shows the same tables and plots, whole. It fetches nothing.
//
// A cell's attribute data-v, where there is one, is the value that is sorted and exported in place
// of the cell's text; small print becomes a column of its own in the CSV.
extern const char kScript[];

}  // namespace unlasting::report
