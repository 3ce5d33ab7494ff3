// LabelPlacer finds places for the labels of a plot's marks such that no label touches another, a
// mark or anything else that was reserved. Plain values in page units. Private to core/report.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace unlasting::report {

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;

  // False for boxes that are at least `gap` apart.
  bool IsNear(const Box& other, double gap) const {
    return left < other.right + gap && other.left < right + gap && top < other.bottom + gap &&
           other.top < bottom + gap;
  }
};

// What a line of text covers, whatever its letters, with its left end at `left`.
Box TextBox(const std::string& text, double size, double left, double baseline);

struct PlacedLabel {
  double x = 0, baseline = 0;
  std::string anchor;  // start, middle or end, at `x`
  Box box;
};

// Usage: reserve what is drawn, then place the labels with the most important first. One thread.
class LabelPlacer {
 public:
  // Labels stay within `frame`.
  explicit LabelPlacer(const Box& frame) : frame_(frame) {}

  void Reserve(const Box& box) { taken_.push_back(box); }

  // A free place beside, above or below the mark of `radius` around (x, y), which is taken from
  // then on. Absent where labels crowd: the mark's tooltip must do there.
  std::optional<PlacedLabel> Place(double x, double y, double radius, const std::string& text,
                                   double size);

 private:
  Box frame_;
  std::vector<Box> taken_;
};

}  // namespace unlasting::report
