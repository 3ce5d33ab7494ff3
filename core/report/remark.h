// Remark is one sentence or more that a reader of a prediction should know, with how much it
// matters.
#pragma once

#include <string>
#include <vector>

#include "core/report/page.h"

namespace unlasting::report {

struct Remark {
  Light light = Light::kCare;
  std::string title;  // a few words, e.g. "Wrong scale"
  std::string text;   // plain text; whole sentences
  // Of a whole result: whether the remarks on its perturbations say it again.
  bool repeated = false;
};

// The worst of their lights; good for none.
Light WorstOf(const std::vector<Remark>& remarks);

// One line with mark, title and text.
std::string RemarkHtml(const Remark& remark);

// What the remarks on a whole result and on each of its perturbations come to, in one: the first
// line of a page. `names` are of the perturbations, in the order of `by_perturbation`.
Remark SummaryOf(const std::vector<Remark>& on_result, const std::vector<std::string>& names,
                 const std::vector<std::vector<Remark>>& by_perturbation);

}  // namespace unlasting::report
