#include "core/cli/setting_descriptions.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/cli/settings.h"
#include "google/protobuf/dynamic_message.h"

namespace unlasting::cli {
namespace {

using google::protobuf::FieldDescriptor;

// What is wrong with a row's description; "" where nothing is.
std::string Fault(const SettingRow& row) {
  const Setting& setting = row.setting();
  if (setting.help().empty()) return "has no help";
  if (row.section.empty()) return "is in no section";
  if (absl::EndsWith(setting.help(), ".")) return "has help that ends in a full stop";
  if (row.field()->is_repeated()) return "";
  if (!row.field()->has_presence()) return "is not an optional field";
  std::vector<std::string> profiles = {""};
  for (const ProfileDefault& one : setting.profile_defaults()) profiles.push_back(one.profile());
  google::protobuf::DynamicMessageFactory factory;
  for (const std::string& profile : profiles) {
    const std::unique_ptr<google::protobuf::Message> group(
        factory.GetPrototype(row.field()->containing_type())->New());
    const std::string& text = DefaultText(setting, profile);
    // Settings that must be given have no default to check.
    if (setting.required() && text.empty()) continue;
    const FieldDescriptor* field = group->GetDescriptor()->FindFieldByNumber(row.field()->number());
    if (!SetFromText(field, text, group.get()) || !WithinRange(*group, field)) {
      return absl::StrCat("has the default '", text, "', expected ", ExpectedValue(field));
    }
  }
  return "";
}

}  // namespace

absl::Status CheckDescriptions(const SettingsTable& table) {
  std::vector<std::string> faults;
  for (const SettingRow& row : table.rows()) {
    const std::string fault = Fault(row);
    if (!fault.empty()) faults.push_back(absl::StrCat(row.key, " ", fault));
  }
  return SettingErrors(faults);
}

}  // namespace unlasting::cli
