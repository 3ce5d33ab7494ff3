#include "core/report/chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/html.h"
#include "core/report/text_width.h"

namespace unlasting::report {
double Scale::operator()(double value) const {
  const double position =
      logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from + position * (to - from);
}

std::vector<double> Ticks(double low, double high, int count, bool logarithmic) {
  std::vector<double> ticks;
  if (logarithmic && high / low > 10) {
    const int last = static_cast<int>(std::floor(std::log10(high)));
    for (int power = static_cast<int>(std::ceil(std::log10(low))); power <= last; ++power) {
      ticks.push_back(std::pow(10.0, power));
    }
    if (ticks.size() > 1) return ticks;
    ticks.clear();
  }
  const double rough = (high - low) / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
    if (rough <= factor * power) step = factor * power;
  }
  const double first = std::ceil(low / step - 1e-9);
  for (int k = 0; (first + k) * step <= high + 1e-9 * step; ++k) {
    ticks.push_back((first + k) * step);
  }
  return ticks;
}

std::string TickLabel(double value) {
  if (std::abs(value) < 1e-12) return "0";
  if (value < 0) return absl::StrCat("−", TickLabel(-value));
  if (std::abs(value) >= 1e6) return absl::StrFormat("%gM", value / 1e6);
  if (std::abs(value) >= 1e4) return absl::StrFormat("%gk", value / 1e3);
  return absl::StrFormat("%g", value);
}

std::pair<double, double> Padded(double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high)) return {0, 1};
  if (!(high > low)) return {low - 0.5, low + 0.5};
  return {low - 0.04 * (high - low), high + 0.04 * (high - low)};
}

Chart::Chart(Options options, std::pair<double, double> x, std::pair<double, double> y,
             bool logarithmic_y)
    : options_(std::move(options)),
      x_{x.first, x.second, options_.left, options_.width - options_.right, false},
      y_{y.first, y.second, options_.height - options_.bottom, options_.top, logarithmic_y} {}

double Chart::FontSize(const std::string& classes) const {
  if (options_.large) return classes == "annotation" ? 15 : 14;
  if (classes == "axis-title" || classes == "name") return 11.5;
  if (classes == "annotation") return 13.5;  // 12.5, semi-bold
  if (classes == "gene-name") return 11;
  if (classes == "share") return 9;
  return 10.5;
}

// Attributes that give a text its estimated width, at most `max_width`, in whatever font.
std::string Chart::Length(const std::string& text, const std::string& classes,
                          double max_width) const {
  if (text.empty()) return "";
  const double width = std::max(1.0, std::min(TextWidth(text, FontSize(classes)), max_width));
  return absl::StrCat(" textLength=\"", Coordinate(width), "\" lengthAdjust=\"spacingAndGlyphs\"");
}

void Chart::Grid(int x_ticks, int y_ticks) {
  const auto ticks_of = [](const Scale& scale, int count) {
    return count > 0 ? Ticks(scale.low, scale.high, count, scale.logarithmic)
                     : std::vector<double>();
  };
  for (const double tick : ticks_of(y_, y_ticks)) {
    Segment(x_.from, y_(tick), x_.to, y_(tick), "grid");
    Text(x_.from - 6, y_(tick) + 3.5, TickLabel(tick), "end");
  }
  for (const double tick : ticks_of(x_, x_ticks)) {
    Segment(x_(tick), y_.from, x_(tick), y_.from + 4, "axis");
    Text(x_(tick), y_.from + (options_.large ? 18 : 15), TickLabel(tick), "middle");
  }
  Segment(x_.from, y_.from, x_.to, y_.from, "axis");
  const double middle = (x_.from + x_.to) / 2;
  if (!options_.x_title.empty()) {
    Text(middle, options_.height - 6, options_.x_title, "middle", "axis-title");
  }
  if (!options_.y_title.empty()) {
    absl::StrAppend(&body_,
                    "<text class=\"axis-title\" text-anchor=\"middle\" transform=\"translate(",
                    options_.large ? 14 : 11, " ", Coordinate((y_.from + y_.to) / 2),
                    ") rotate(-90)\"", Length(options_.y_title, "axis-title", options_.height - 4),
                    ">", Escape(options_.y_title), "</text>");
  }
}

void Chart::Line(const Points& points, const std::string& classes) {
  if (points.empty()) return;
  absl::StrAppend(&body_, "<polyline class=\"", classes, "\" points=\"");
  for (const auto& [x, y] : points) {
    absl::StrAppend(&body_, Coordinate(x_(x)), ",", Coordinate(y_(y)), " ");
  }
  body_.back() = '"';
  absl::StrAppend(&body_, "/>");
}

void Chart::Area(const Points& points, double base, const std::string& classes) {
  if (points.empty()) return;
  absl::StrAppend(&body_, "<polygon class=\"", classes, "\" points=\"");
  const auto add = [this](double x, double y) {
    absl::StrAppend(&body_, Coordinate(x_(x)), ",", Coordinate(y_(y)), " ");
  };
  add(points.front().first, base);
  for (const auto& [x, y] : points) add(x, y);
  add(points.back().first, base);
  body_.back() = '"';
  absl::StrAppend(&body_, "/>");
}

void Chart::Dots(const Points& points, const std::string& classes) {
  absl::StrAppend(&body_, "<path class=\"dots ", classes, "\" d=\"");
  for (const auto& [x, y] : points) {
    absl::StrAppend(&body_, "M", absl::StrFormat("%.1f %.1f", x_(x), y_(y)), "h0");
  }
  absl::StrAppend(&body_, "\"/>");
}

void Chart::Marker(double x, double y, double radius, const std::string& classes,
                   const std::string& tooltip) {
  absl::StrAppend(&body_, "<circle class=\"", classes, "\" cx=\"", Coordinate(x_(x)), "\" cy=\"",
                  Coordinate(y_(y)), "\" r=\"", Coordinate(radius), "\"");
  if (tooltip.empty()) {
    absl::StrAppend(&body_, "/>");
  } else {
    absl::StrAppend(&body_, "><title>", Escape(tooltip), "</title></circle>");
  }
}

void Chart::Rectangle(double x, double y, double width, double height, const std::string& classes) {
  absl::StrAppend(&body_, "<rect class=\"", classes, "\" x=\"", Coordinate(x), "\" y=\"",
                  Coordinate(y), "\" width=\"", Coordinate(width), "\" height=\"",
                  Coordinate(height), "\"/>");
}

void Chart::Segment(double x1, double y1, double x2, double y2, const std::string& classes) {
  absl::StrAppend(&body_, "<line class=\"", classes, "\" x1=\"", Coordinate(x1), "\" y1=\"",
                  Coordinate(y1), "\" x2=\"", Coordinate(x2), "\" y2=\"", Coordinate(y2), "\"/>");
}

void Chart::Text(double x, double y, const std::string& text, const std::string& anchor,
                 const std::string& classes) {
  const double to_left = x, to_right = options_.width - x;
  const double max_width = anchor == "start" ? to_right
                           : anchor == "end" ? to_left
                                             : 2 * std::min(to_left, to_right);
  absl::StrAppend(&body_, "<text x=\"", Coordinate(x), "\" y=\"", Coordinate(y),
                  "\" text-anchor=\"", anchor, "\"", Length(text, classes, max_width));
  if (!classes.empty()) absl::StrAppend(&body_, " class=\"", classes, "\"");
  absl::StrAppend(&body_, ">", Escape(text), "</text>");
}

std::string Chart::Html() const {
  return absl::StrCat("<svg", options_.large ? " class=\"large\"" : "",
                      " role=\"img\" aria-label=\"", Escape(options_.label), "\" viewBox=\"0 0 ",
                      Coordinate(options_.width), " ", Coordinate(options_.height), "\">", body_,
                      "</svg>\n");
}

}  // namespace unlasting::report
