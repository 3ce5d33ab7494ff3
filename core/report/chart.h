// Chart draws axes, marks and labels of a plot as inline SVG. Private to core/report.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace unlasting::report {

// Where a range of values lies on the page; `from` may be larger than `to` (an upright axis).
struct Scale {
  double low = 0, high = 1;
  double from = 0, to = 1;
  bool logarithmic = false;

  double operator()(double value) const;
};

// About `count` round numbers within [low, high]; powers of ten where logarithmic and more than a
// decade wide.
std::vector<double> Ticks(double low, double high, int count, bool logarithmic = false);
std::string TickLabel(double value);

// Widens a range by 4% at each end; one that is empty or not finite becomes one unit wide.
std::pair<double, double> Padded(double low, double high);

using Points = std::vector<std::pair<double, double>>;

// One <svg> with axes, grid and labels. Colours are classes of the page's style sheet, e.g.
// "model".
class Chart {
 public:
  struct Options {
    double width = 340, height = 210;
    double left = 46, right = 12, top = 12, bottom = 38;  // around the plot
    // Letters of 14 units: a plot 300 units wide is then readable on a phone.
    bool large = false;
    std::string label;  // for readers that cannot see it
    std::string x_title, y_title;
  };
  Chart(Options options, std::pair<double, double> x, std::pair<double, double> y,
        bool logarithmic_y = false);

  const Scale& x() const { return x_; }
  const Scale& y() const { return y_; }
  // Font size in units of the plot, as the style sheet sets it for the class.
  double FontSize(const std::string& classes) const;

  // About that many ticks per axis; 0 leaves the axis' numbers out.
  void Grid(int x_ticks, int y_ticks);
  void Line(const Points& points, const std::string& classes);
  void Area(const Points& points, double base, const std::string& classes);
  // Small dots as one path: thousands of genes stay small.
  void Dots(const Points& points, const std::string& classes);
  void Marker(double x, double y, double radius, const std::string& classes,
              const std::string& tooltip = "");
  // In page units.
  void Rectangle(double x, double y, double width, double height, const std::string& classes);
  void Segment(double x1, double y1, double x2, double y2, const std::string& classes);
  // `anchor` is start, middle or end. The text is escaped here.
  void Text(double x, double y, const std::string& text, const std::string& anchor,
            const std::string& classes = "");

  std::string Html() const;

 private:
  std::string Length(const std::string& text, const std::string& classes, double max_width) const;

  Options options_;
  Scale x_;
  Scale y_;
  std::string body_;
};

}  // namespace unlasting::report
