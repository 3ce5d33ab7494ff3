// html.h formats text and numbers for a page. Private to core/report.
#pragma once

#include <string>

namespace unlasting::report {

// For text and for attributes in double quotes; control characters become spaces, bytes that are
// not UTF-8 a replacement character.
std::string Escape(const std::string& text);

// "0.1234", "12.35", "1,234", "2.0e-05", "−0.5000" with a true minus; "–" for what is undefined.
std::string Number(double value);
std::string Decimal(double value, int digits);  // after the point; with a true minus
std::string Count(int64_t value);               // "1,923"

// "3.2e-05", "0.021"; "< 1e-300" where it is smaller; "–" for what is undefined.
std::string PValue(double value);

// The first `most` characters of UTF-8 text, with an ellipsis where it is longer.
std::string Shortened(const std::string& text, size_t most);

// A coordinate: at most two decimals, no trailing zeros.
std::string Coordinate(double value);

}  // namespace unlasting::report
