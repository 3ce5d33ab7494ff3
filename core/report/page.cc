#include "core/report/page.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/report/html.h"
#include "core/report/script.h"
#include "core/report/style.h"

namespace unlasting::report {
namespace {

constexpr char kOpening[] = "<section><h2>";
constexpr char kClosing[] = "</h2>";

// 'sha256-...' as a policy names the text of a <style> or <script>.
std::string PolicyHash(const char* text) {
  return absl::StrCat("'sha256-", absl::Base64Escape(absl::HexStringToBytes(Sha256(text))), "'");
}

// Gives each section with a heading an id, and collects the list of them.
std::string WithContents(const std::string& sections) {
  std::string html, items;
  size_t done = 0, number = 0;
  for (size_t at = sections.find(kOpening); at != std::string::npos;
       at = sections.find(kOpening, done)) {
    const size_t heading = at + sizeof(kOpening) - 1;
    const size_t end = sections.find(kClosing, heading);
    if (end == std::string::npos) break;
    ++number;
    absl::StrAppend(&html, sections.substr(done, at - done), "<section id=\"s", number, "\"><h2>");
    absl::StrAppend(&items, "<li><a href=\"#s", number, "\">",
                    sections.substr(heading, end - heading), "</a></li>");
    done = heading;
  }
  html += sections.substr(done);
  if (number < 2) return html;
  return absl::StrCat("<nav class=\"contents\" aria-label=\"Contents\"><ol>", items,
                      "</ol></nav>\n", html);
}

std::string Paragraph(const std::string& text) {
  return text.empty() ? "" : absl::StrCat("<p>", Escape(text), "</p>");
}

}  // namespace

const char* ClassOf(Light light) {
  return light == Light::kGood ? "good" : light == Light::kCare ? "care" : "bad";
}

const char* MarkOf(Light light) {
  return light == Light::kGood ? "✓" : light == Light::kCare ? "▲" : "✗";
}

std::string FactsHtml(const Facts& facts) {
  std::string rows;
  for (const auto& [name, value] : facts) {
    if (value.empty()) continue;
    absl::StrAppend(&rows, "<div><dt>", Escape(name), "</dt><dd>", Escape(value), "</dd></div>\n");
  }
  return rows.empty() ? "" : absl::StrCat("<dl class=\"facts\">\n", rows, "</dl>");
}

std::string RenderPage(const Page& page) {
  const std::string title = Escape(page.title);
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ",
      PolicyHash(kStyleSheet), "; script-src ", PolicyHash(kScript),
      "; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
      title, "</title>\n<style>", kStyleSheet, "</style>\n</head>\n<body>\n", page.first_line,
      "<header><p>Unlasting · ", Escape(page.kind), "</p><h1>", title, "</h1>",
      Paragraph(page.subtitle), "</header>\n<main>\n", WithContents(page.sections),
      "</main>\n<script>", kScript, "</script>\n</body>\n</html>\n");
}

}  // namespace unlasting::report
