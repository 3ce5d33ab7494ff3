#include "core/report/label_placer.h"

#include <algorithm>

#include "core/report/text_width.h"

namespace unlasting::report {
namespace {

// Of the font size, above and below the baseline: what letters of common fonts cover.
constexpr double kAscent = 0.85, kDescent = 0.25;
// Between a label and whatever else there is.
constexpr double kGap = 1.5;

}  // namespace

Box TextBox(const std::string& text, double size, double left, double baseline) {
  return {left, baseline - kAscent * size, left + TextWidth(text, size),
          baseline + kDescent * size};
}

std::optional<PlacedLabel> LabelPlacer::Place(double x, double y, double radius,
                                              const std::string& text, double size) {
  const double width = TextWidth(text, size);
  const double aside = radius + 2 * kGap;
  // Baselines of labels at the mark's height, a little higher or lower, and clear of it.
  const double middle = y + 0.35 * size;
  const double above = y - radius - kDescent * size - 2 * kGap;
  const double below = y + radius + kAscent * size + 2 * kGap;
  const auto taken = [this](const Box& box) {
    return std::any_of(taken_.begin(), taken_.end(),
                       [&box](const Box& other) { return box.IsNear(other, kGap); });
  };
  for (const double baseline : {middle, middle - size / 2, middle + size / 2, above, below}) {
    const bool clear = baseline == above || baseline == below;
    for (const char* anchor : {"start", "end", "middle"}) {
      const std::string name = anchor;
      if (name == "middle" && !clear) continue;
      const double at = name == "start" ? x + aside : name == "end" ? x - aside : x;
      const double left = name == "start" ? at : name == "end" ? at - width : at - width / 2;
      const Box box = TextBox(text, size, left, baseline);
      if (box.left < frame_.left || box.right > frame_.right || box.top < frame_.top ||
          box.bottom > frame_.bottom || taken(box)) {
        continue;
      }
      Reserve(box);
      return PlacedLabel{at, baseline, name, box};
    }
  }
  return std::nullopt;
}

}  // namespace unlasting::report
