#include "core/cli/settings_table.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/did_you_mean.h"

namespace unlasting::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void AddRows(const Descriptor* message, const SettingRow& parent, std::vector<SettingRow>* rows) {
  std::string section = parent.section;
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    const Setting& setting = SettingRow::SettingOf(field);
    if (!setting.section().empty()) section = setting.section();
    SettingRow row = parent;
    row.section = section;
    row.path.push_back(field);
    const bool list = field->is_repeated() && field->message_type() != nullptr;
    row.in_list = parent.in_list || list;
    row.key =
        absl::StrCat(parent.key, parent.key.empty() ? "" : ".", field->name(), list ? "[]" : "");
    if (field->message_type() != nullptr) {
      AddRows(field->message_type(), row, rows);
    } else {
      rows->push_back(std::move(row));
    }
  }
}

absl::string_view LastPart(absl::string_view key) { return key.substr(key.rfind('.') + 1); }

std::string Quoted(const std::string& word) { return word.empty() ? "''" : word; }

std::string Words(const Setting& setting) {
  std::vector<std::string> words;
  for (const std::string& choice : setting.choices()) words.push_back(Quoted(choice));
  if (words.size() < 2) return absl::StrJoin(words, "");
  const std::string last = words.back();
  words.pop_back();
  return absl::StrCat(absl::StrJoin(words, ", "), " or ", last);
}

std::string Bounds(const Setting& setting) {
  if (setting.has_at_least() && setting.has_at_most()) {
    return absl::StrCat(setting.at_least(), " to ", setting.at_most());
  }
  std::vector<std::string> bounds;
  if (setting.has_at_least()) bounds.push_back(absl::StrCat(setting.at_least(), " or more"));
  if (setting.has_above()) bounds.push_back(absl::StrCat("above ", setting.above()));
  if (setting.has_at_most()) bounds.push_back(absl::StrCat("at most ", setting.at_most()));
  if (setting.has_below()) bounds.push_back(absl::StrCat("below ", setting.below()));
  return absl::StrJoin(bounds, ", ");
}

}  // namespace

SettingsTable::SettingsTable(const Descriptor* message) : message_(message) {
  AddRows(message, {}, &rows_);
}

const SettingRow* SettingsTable::Find(absl::string_view key) const {
  for (const SettingRow& row : rows_) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

std::string SettingsTable::Closest(absl::string_view key) const {
  const SettingRow* closest = nullptr;
  size_t least = std::numeric_limits<size_t>::max();
  for (const SettingRow& row : rows_) {
    const size_t distance = LastPart(row.key) == LastPart(key) ? 0 : EditDistance(row.key, key);
    if (distance < least) {
      least = distance;
      closest = &row;
    }
  }
  if (closest == nullptr || least > std::max<size_t>(2, key.size() / 3)) return "";
  return closest->key;
}

std::string AllowedRange(const Setting& setting) {
  const std::string bounds = Bounds(setting);
  if (setting.choices().empty()) return bounds;
  if (!setting.or_number()) return Words(setting);
  return absl::StrCat(Words(setting), " or a number ", bounds);
}

std::string ExpectedValue(const FieldDescriptor* field) {
  const Setting& setting = SettingRow::SettingOf(field);
  if (field->message_type() != nullptr) {
    return field->is_repeated() ? "a list of JSON objects" : "a JSON object";
  }
  if (field->is_repeated()) return "a list of texts";
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "true or false";
  const std::string range = AllowedRange(setting);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    if (!range.empty()) return range;
    return setting.required() ? "a text that is not empty" : "a text";
  }
  return absl::StrCat(
      field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ? "a number" : "a whole number",
      range.empty() ? "" : ", ", range);
}

const std::string& DefaultText(const Setting& setting, absl::string_view profile) {
  for (const ProfileDefault& one : setting.profile_defaults()) {
    if (one.profile() == profile) return one.value();
  }
  return setting.default_value();
}

}  // namespace unlasting::cli
