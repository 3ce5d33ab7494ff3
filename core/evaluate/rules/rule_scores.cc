#include "core/evaluate/rules/rule_scores.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::evaluate::rules {
namespace {

using nlohmann::json;

json Number(double value) {
  if (std::isnan(value)) return nullptr;
  // JSON has no infinities; the reference writes them so.
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

json ToObject(const MemberValues& values) {
  json object = json::object();
  for (const auto& [member, value] : values) object[member] = Number(value);
  return object;
}

json ToObject(const std::map<std::string, MemberValues>& values) {
  json object = json::object();
  for (const auto& [name, members] : values) object[name] = ToObject(members);
  return object;
}

std::string Text(const MemberValues& values, const std::string& member) {
  const auto it = values.find(member);
  if (it == values.end() || std::isnan(it->second)) return "-";
  return absl::StrFormat("%.4f", it->second);
}

}  // namespace

json RuleScores::ToJson() const {
  json object = {{"rule", rule},
                 {"rule_version", version},
                 {"rule_digest", digest},
                 {"perturbations", ToObject(perturbations)},
                 {"aggregate", ToObject(aggregate)},
                 {"parts", parts},
                 {"reasons", reasons},
                 {"remarks", remarks}};
  if (!has_scale) return object;
  object["baseline"] = ToObject(baseline);
  object["replicate"] = ToObject(replicate);
  object["replicate_splits"] = ToObject(replicate_splits);
  object["scaled"] = ToObject(scaled);
  object["from_baseline"] = ToObject(from_baseline);
  object["average"] = Number(average);
  return object;
}

std::string RuleScores::ToText() const {
  std::string text =
      absl::StrCat("rule ", rule, ", version ",
                   version.is_string() ? version.get<std::string>() : version.dump());
  if (digest.is_string()) absl::StrAppend(&text, ", digest ", digest.get<std::string>());
  absl::StrAppend(&text, "; ", perturbations.size(), " perturbations\n");
  size_t width = 6;
  for (const auto& [member, unused] : aggregate) width = std::max(width, member.size());
  const auto line = [&](const std::string& name, const std::vector<std::string>& cells) {
    absl::StrAppend(&text, name, std::string(width - name.size(), ' '));
    for (const std::string& cell : cells) {
      absl::StrAppend(&text, std::string(cell.size() < 11 ? 11 - cell.size() : 1, ' '), cell);
    }
    absl::StrAppend(&text, "\n");
  };
  line("member", has_scale ? std::vector<std::string>{"aggregate", "b", "r", "scaled"}
                           : std::vector<std::string>{"aggregate"});
  for (const auto& [member, unused] : aggregate) {
    if (!has_scale) {
      line(member, {Text(aggregate, member)});
    } else {
      line(member, {Text(aggregate, member), Text(baseline, member), Text(replicate, member),
                    Text(scaled, member)});
    }
  }
  if (has_scale) {
    absl::StrAppend(&text, "average of the scaled members: ",
                    std::isnan(average) ? "-" : absl::StrFormat("%.4f", average),
                    "\nb: the mean response; r: a replicate of the experiment.\n");
  }
  for (const std::string& remark : remarks) absl::StrAppend(&text, remark, "\n");
  return text;
}

void RemarkOnEmptyGroups(const std::string& side, const Groups& groups,
                         const std::vector<double>& profiles, RuleScores* scores) {
  const int64_t genes = static_cast<int64_t>(profiles.size()) / (groups.control() + 1);
  for (int64_t t = 0; t <= groups.control(); ++t) {
    const auto first = profiles.begin() + t * genes;
    if (std::any_of(first, first + genes, [](double value) { return value != 0; })) continue;
    const std::string& label = t == groups.control() ? groups.control_label : groups.targets[t];
    scores->remarks.push_back(absl::StrCat(
        side, ": the cells of ", label, " hold no counts: a profile of zeros is scored for them."));
  }
}

}  // namespace unlasting::evaluate::rules
