#include "core/report/model_summary.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/report/html.h"

namespace unlasting::report {
namespace {

using nlohmann::json;

constexpr std::array kFirst = {"name",
                               "version",
                               "created",
                               "cell_types",
                               "genes",
                               "conditions",
                               "perturbed_only",
                               "perturbation_kinds",
                               "split",
                               "normalisation",
                               "grn",
                               "model",
                               "defaults",
                               "molecule_featurizer",
                               "schedule",
                               "predicted",
                               "truth",
                               "control",
                               "training",
                               "software_version"};
constexpr std::array kLeftOut = {"files",     "settings",       "gene_hash",        "gene_symbols",
                                 "molecules", "schema_version", "molecule_features"};
constexpr size_t kItemsShown = 4;

std::string Label(const std::string& key) {
  std::string label = absl::StrReplaceAll(key, {{"_", " "}});
  if (key == "perturbed_only") label = "perturbed, not measured";
  return label;
}

std::string Plain(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return Count(value.get<int64_t>());
  if (value.is_number()) {
    std::string text = Number(value.get<double>());
    if (text.find('.') != std::string::npos && text.find('e') == std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return text;
  }
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_object() && value.contains("name")) return Plain(value.at("name"));
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string Describe(const json& value) {
  if (value.is_array()) {
    if (value.empty()) return "";
    std::vector<std::string> items;
    for (const json& item : value) {
      if (items.size() == kItemsShown) break;
      items.push_back(Plain(item));
    }
    const bool more = value.size() > kItemsShown;
    const std::string names = absl::StrCat(absl::StrJoin(items, ", "), more ? ", …" : "");
    return more ? absl::StrCat(Count(static_cast<int64_t>(value.size())), " (", names, ")") : names;
  }
  if (value.is_object()) {
    std::vector<std::string> members;
    for (const auto& [key, member] : value.items()) {
      if (member.is_null() || member.is_object() || member == "" ||
          (member.is_array() && member.empty()))
        continue;
      members.push_back(
          absl::StrCat(Label(key), " ", member.is_array() ? Describe(member) : Plain(member)));
    }
    return absl::StrJoin(members, "; ");
  }
  return value.is_null() ? "" : Plain(value);
}

std::string SplitText(const json& split) {
  if (!split.is_object()) return "";
  const auto number = [&split](const char* key) {
    const auto found = split.find(key);
    return found != split.end() && found->is_number() ? Plain(*found) : std::string();
  };
  std::vector<std::string> parts;
  if (const auto kind = split.find("kind"); kind != split.end() && kind->is_string()) {
    parts.push_back(absl::StrCat("by ", kind->get<std::string>()));
  }
  if (const auto fraction = split.find("fraction");
      fraction != split.end() && fraction->is_number() && fraction->get<double>() > 0) {
    parts.push_back(absl::StrCat(Plain(100 * fraction->get<double>()), " % held out"));
  }
  if (const auto held = split.find("hold_out"); held != split.end() && !Describe(*held).empty()) {
    parts.push_back(absl::StrCat("held out by name: ", Describe(*held)));
  }
  if (!number("train_cells").empty()) {
    parts.push_back(absl::StrCat(number("train_cells"), " cells to train on"));
  }
  if (!number("test_cells").empty()) {
    parts.push_back(absl::StrCat(number("test_cells"), " cells held out"));
  }
  if (!number("seed").empty()) parts.push_back(absl::StrCat("seed ", number("seed")));
  return absl::StrJoin(parts, "; ");
}

std::string ModelSummarySection(const json& manifest) {
  if (!manifest.is_object()) return "";
  std::vector<std::string> keys(kFirst.begin(), kFirst.end());
  for (const auto& [key, unused] : manifest.items()) {
    const bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
    const bool hidden = std::find(kLeftOut.begin(), kLeftOut.end(), key) != kLeftOut.end();
    if (!known && !hidden) keys.push_back(key);
  }
  std::string rows;
  for (const std::string& key : keys) {
    if (!manifest.contains(key)) continue;
    const std::string text = Describe(manifest.at(key));
    if (text.empty()) continue;
    absl::StrAppend(&rows, "<div><dt>", Escape(Label(key)), "</dt><dd>", Escape(text),
                    "</dd></div>\n");
  }
  return rows.empty() ? ""
                      : absl::StrCat("<section><h2>What was scored</h2>\n<dl class=\"facts\">\n",
                                     rows, "</dl></section>\n");
}

}  // namespace unlasting::report
