#include "core/cells/labels.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace unlasting::cells {
namespace {

constexpr char kDefaultControl[] = "ctrl";
constexpr size_t kLabelsShown = 10;

// Names of controls by kind, in lower case, without anything but letters. Controls of one kind are
// one and the same; of two kinds (a solvent and no treatment at all) a user has to choose.
constexpr absl::string_view kGenetic =
    " ctrl control controls ctl cntrl neg negctrl negativectrl negcontrol negativecontrol nt "
    "ntc "
    "ntctrl ntcontrol ntguide nontarget nontargeting nontargetingcontrol nontargetingctrl "
    "nontargetingguide nontargetinggrna nontargetingsgrna safetargeting safetarget scramble "
    "scrambled scrambledcontrol scramblecontrol unperturbed noperturbation emptyvector "
    "nontransduced untransduced nontransfected untransfected notarget notargeting nontargetted "
    "nontargeted nontargetting nontargetcontrol nontargetctrl sgctrl sgcontrol sgnt sgntc "
    "sgnontargeting negctl negcontrols negativecontrols controlguide ctrlguide safeharbor ";
constexpr absl::string_view kSolvent =
    " dmso vehicle veh vehiclecontrol dmsocontrol pbs saline solvent dmsovehicle vehicledmso ";
constexpr absl::string_view kMock =
    " mock mockinfected mocktransfected mocktreated mockcontrol uninfected noninfected ";
constexpr absl::string_view kUntreated =
    " untreated nontreated notreatment nodrug unstimulated unstim nonstimulated nostimulation "
    "nostim "
    "untreatedcontrol unstimulatedcontrol wildtype baseline ";

enum class ControlKind { kNone, kGenetic, kSolvent, kMock, kUntreated };

// One name, perhaps with a number.
ControlKind KindOfName(absl::string_view label) {
  std::string letters;
  for (const char c : absl::AsciiStrToLower(label)) {
    if (absl::ascii_isalpha(c)) letters.push_back(c);
    // Anything beyond ASCII, or a sign that no name of a control has, makes it another name.
    if (!absl::ascii_isalnum(c) && !absl::StrContains(" -_./#()", c)) return ControlKind::kNone;
  }
  // A number stands behind the name (NT-12), never within it or before it.
  const size_t digit = label.find_first_of("0123456789");
  if (digit != absl::string_view::npos) {
    for (const char c : label.substr(digit)) {
      if (absl::ascii_isalpha(c)) return ControlKind::kNone;
    }
    // A few letters and a number are a gene (CTR9), but for guides named NT.
    if (letters.size() < 4 && letters != "nt" && letters != "ntc") return ControlKind::kNone;
  }
  const auto among = [word = absl::StrCat(" ", letters, " ")](absl::string_view names) {
    return absl::StrContains(names, word);
  };
  if (among(kGenetic)) return ControlKind::kGenetic;
  if (among(kSolvent)) return ControlKind::kSolvent;
  if (among(kMock)) return ControlKind::kMock;
  return among(kUntreated) ? ControlKind::kUntreated : ControlKind::kNone;
}

// A name, or names of one kind for each guide of a cell (NegCtrl0_NegCtrl1__NegCtrl0_NegCtrl1).
ControlKind KindOf(absl::string_view label) {
  const ControlKind whole = KindOfName(label);
  if (whole != ControlKind::kNone) return whole;
  ControlKind kind = ControlKind::kNone;
  for (const auto part : absl::StrSplit(label, absl::ByAnyChar("_|;,"), absl::SkipWhitespace())) {
    const ControlKind of_part = KindOfName(part);
    if (of_part == ControlKind::kNone) return of_part;
    if (kind != ControlKind::kNone && kind != of_part) return ControlKind::kNone;
    kind = of_part;
  }
  return kind;
}

std::vector<std::string> KeysByCells(const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [label, cells] : counts) order.emplace_back(-cells, label);
  std::sort(order.begin(), order.end());
  std::vector<std::string> labels;
  for (auto& [unused, label] : order) labels.push_back(std::move(label));
  return labels;
}

// Of `among`, which is not empty.
std::string MostFrequent(const std::map<std::string, int64_t>& counts,
                         const std::set<std::string>& among) {
  for (const auto& label : KeysByCells(counts)) {
    if (among.count(label) > 0) return label;
  }
  return "";
}

std::string Quoted(const std::set<std::string>& labels) {
  return absl::StrCat("'", absl::StrJoin(labels, "', '"), "'");
}

// The labels that `setting` names: itself where it is one, else those between its commas.
std::set<std::string> Named(const std::map<std::string, int64_t>& counts,
                            const std::string& setting) {
  const std::string whole = TrimLabel(setting);
  if (counts.count(whole) > 0) return {whole};
  std::set<std::string> named;
  for (const auto part : absl::StrSplit(whole, ',')) {
    const std::string name = TrimLabel(part);
    if (counts.count(name) > 0) named.insert(name);
  }
  return named;
}

}  // namespace

std::string TrimLabel(absl::string_view label) {
  constexpr absl::string_view kNoBreak = "\xc2\xa0";
  while (true) {
    const size_t before = label.size();
    label = absl::StripAsciiWhitespace(label);
    absl::ConsumePrefix(&label, kNoBreak);
    absl::ConsumeSuffix(&label, kNoBreak);
    if (label.size() == before) return std::string(label);
  }
}

std::vector<std::string> TrimLabels(std::vector<std::string> labels) {
  for (std::string& label : labels) label = TrimLabel(label);
  return labels;
}

bool IsMissing(absl::string_view label) {
  const std::string text = absl::AsciiStrToLower(TrimLabel(label));
  // "Na" is sodium, so that the letters alone are missing only in one case.
  if (text == "na") return TrimLabel(label) != "Na";
  for (const char* missing :
       {"", "nan", "none", "<na>", "n/a", "#n/a", "null", "nat", "<none>", "<nan>", "nil", "-"}) {
    if (text == missing) return true;
  }
  return false;
}

bool IsControlName(absl::string_view label) { return KindOf(label) != ControlKind::kNone; }

std::vector<std::string> ParseGenes(absl::string_view condition, absl::string_view control) {
  std::vector<std::string> controls = {TrimLabel(control), kDefaultControl};
  for (const auto name : absl::StrSplit(control, ',')) controls.push_back(TrimLabel(name));
  std::set<std::string> genes;
  const std::vector<absl::string_view> parts = absl::StrSplit(condition, '+');
  for (const auto part : parts) {
    const std::string gene = TrimLabel(part);
    if (gene.empty() || std::find(controls.begin(), controls.end(), gene) != controls.end()) {
      continue;
    }
    // A name that stands alone is what was done to the cells, whatever it reads like.
    if (parts.size() > 1 && IsControlName(gene)) continue;
    genes.insert(gene);
  }
  return {genes.begin(), genes.end()};
}

std::string ConditionKey(absl::string_view condition, absl::string_view control) {
  const auto genes = ParseGenes(condition, control);
  return genes.empty() ? TrimLabel(condition) : absl::StrJoin(genes, "+");
}

absl::StatusOr<ControlLabels> FindControlLabels(const std::map<std::string, int64_t>& counts,
                                                const std::string& setting) {
  const bool is_default = TrimLabel(setting) == kDefaultControl;
  ControlLabels found;
  found.labels = Named(counts, setting);
  std::set<std::string> others;
  std::set<ControlKind> kinds;
  for (const auto& [label, unused] : counts) {
    if (found.labels.count(label) > 0 || !IsControlName(label)) continue;
    others.insert(label);
    kinds.insert(KindOf(label));
  }
  const bool named = !found.labels.empty();
  if (named) found.name = MostFrequent(counts, found.labels);
  if (others.empty()) return found;
  if (!is_default) {
    if (named) {
      found.remarks.push_back(absl::StrCat(
          "found ", Quoted(others), " beside the control ", Quoted(found.labels),
          ", which reads like a control and is taken for a perturbation; where it is one, set "
          "control=",
          absl::StrJoin(found.labels, ","), ",", absl::StrJoin(others, ",")));
    }
    return found;
  }
  if (!named && kinds.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no cells named 'ctrl', and several names of controls: ", Quoted(others),
        "; choose by the setting control, e.g. control=", *others.begin(),
        ", or control=", absl::StrJoin(others, ","), " where all of them are controls"));
  }
  found.remarks.push_back(absl::StrCat(
      "cells named ", Quoted(others), " are taken for control cells",
      named ? absl::StrCat(" beside ", Quoted(found.labels)) : "", " (setting control)"));
  if (!named) found.name = MostFrequent(counts, others);
  found.labels.insert(others.begin(), others.end());
  return found;
}

std::string ListLabels(const std::map<std::string, int64_t>& counts) {
  std::vector<std::string> shown;
  for (const auto& label : KeysByCells(counts)) {
    if (shown.size() == kLabelsShown) break;
    const int64_t cells = counts.at(label);
    shown.push_back(absl::StrCat("'", label, "' (", cells, cells == 1 ? " cell)" : " cells)"));
  }
  const size_t more = counts.size() - shown.size();
  return absl::StrCat(absl::StrJoin(shown, ", "),
                      more > 0 ? absl::StrCat(", and ", more, " more") : "");
}

std::map<std::string, int64_t> CountLabels(const std::vector<std::string>& labels) {
  std::map<std::string, int64_t> counts;
  // Neighbouring rows are mostly alike, and trimming and looking up cost more than comparing.
  const std::string* last = nullptr;
  int64_t* count = nullptr;
  for (const std::string& label : labels) {
    if (last == nullptr || *last != label) count = &counts[TrimLabel(label)];
    last = &label;
    ++*count;
  }
  return counts;
}

}  // namespace unlasting::cells
