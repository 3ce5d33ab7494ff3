// Page lays out every page of this project: one head, one style sheet, one script, one list of
// contents. Private to core/report.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace unlasting::report {

// How well a reader may rely on something, as a traffic light that is told apart by mark and word
// too.
enum class Light { kGood, kCare, kBad };

// "good", "care" or "bad": the class of what has the light.
const char* ClassOf(Light light);
// "✓", "▲" or "✗".
const char* MarkOf(Light light);

// Names and values for a reader, in this order; an empty value leaves the line out.
using Facts = std::vector<std::pair<std::string, std::string>>;
// A list of them; "" for none. Names and values are escaped here.
std::string FactsHtml(const Facts& facts);

struct Page {
  std::string kind;        // of page, e.g. "evaluation of predicted cells"
  std::string title;       // plain text, as are kind and subtitle
  std::string subtitle;    // "" for none
  std::string first_line;  // HTML that stands before all else; "" for none
  // HTML of the sections. Each that begins with "<section><h2>" is listed in the contents, by its
  // heading.
  std::string sections;
};

// One file that fetches nothing and says so: its Content-Security-Policy allows only the style and
// the script of this room, by their hashes. Light and dark by the reader's preference, readable on
// a phone and on paper. The same page has the same bytes.
std::string RenderPage(const Page& page);

}  // namespace unlasting::report
