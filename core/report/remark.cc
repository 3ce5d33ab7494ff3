#include "core/report/remark.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

constexpr size_t kNamesShown = 4;
constexpr size_t kLongestName = 40;

// The first remark of the light.
const Remark* Find(const std::vector<Remark>& remarks, Light light) {
  const auto found = std::find_if(remarks.begin(), remarks.end(),
                                  [light](const Remark& each) { return each.light == light; });
  return found == remarks.end() ? nullptr : &*found;
}

// "A, B and 3 more".
std::string Listed(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kNamesShown) break;
    shown.push_back(Shortened(name, kLongestName));
  }
  const std::string more =
      names.size() > shown.size()
          ? absl::StrCat(" and ", Count(static_cast<int64_t>(names.size() - shown.size())), " more")
          : "";
  return absl::StrCat(absl::StrJoin(shown, ", "), more);
}

// What the perturbations of one light come to; no text where there are none.
Remark OfPerturbations(Light light, const std::vector<std::string>& names,
                       const std::vector<std::vector<Remark>>& by_perturbation) {
  std::vector<std::string> those;
  const Remark* first = nullptr;
  for (size_t p = 0; p < by_perturbation.size(); ++p) {
    const Remark* const found = Find(by_perturbation[p], light);
    if (found == nullptr) continue;
    those.push_back(names[p]);
    if (first == nullptr) first = found;
  }
  if (first == nullptr) return {};
  if (names.size() == 1) return *first;
  const std::string of = absl::StrCat(Count(static_cast<int64_t>(those.size())), " of ",
                                      Count(static_cast<int64_t>(names.size())), " perturbations (",
                                      Listed(those), ")");
  const std::string text = those.size() == 1
                               ? absl::StrCat(of, ": ", first->text)
                               : absl::StrCat(of, ", for example ",
                                              Shortened(those[0], kLongestName), ": ", first->text);
  return {light, first->title, text, false};
}

}  // namespace

Light WorstOf(const std::vector<Remark>& remarks) {
  Light worst = Light::kGood;
  for (const Remark& remark : remarks) worst = std::max(worst, remark.light);
  return worst;
}

std::string RemarkHtml(const Remark& remark) {
  return absl::StrCat("<p class=\"light ", ClassOf(remark.light), "\"><b>", MarkOf(remark.light),
                      " ", Escape(remark.title), ".</b> ", Escape(remark.text), "</p>\n");
}

Remark SummaryOf(const std::vector<Remark>& on_result, const std::vector<std::string>& names,
                 const std::vector<std::vector<Remark>>& by_perturbation) {
  for (const Light light : {Light::kBad, Light::kCare}) {
    const Remark* const whole = Find(on_result, light);
    const Remark single = OfPerturbations(light, names, by_perturbation);
    if (whole != nullptr && !single.text.empty()) {
      if (whole->repeated) return single;
      return {light, whole->title, absl::StrCat(whole->text, " ", single.title, ": ", single.text),
              false};
    }
    if (whole != nullptr) return *whole;
    if (!single.text.empty()) return single;
  }
  return {Light::kGood, "Near the training data",
          names.size() == 1
              ? "Nothing in the request is far from what the model was trained on."
              : absl::StrCat("Nothing in the ", names.size(),
                             " perturbations is far from what the model was trained on."),
          false};
}

}  // namespace unlasting::report
