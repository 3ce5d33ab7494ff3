#include "core/cli/settings_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/settings.h"
#include "core/cli/settings_table.h"

namespace unlasting::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::json;

std::string UnknownSetting(const Descriptor* root, const std::string& where,
                           const std::string& key) {
  const std::string closest = SettingsTable(root).Closest(key);
  return absl::StrCat(where, ": unknown setting '", key, "'",
                      closest.empty() ? "" : absl::StrCat(", did you mean '", closest, "'?"),
                      "; --help lists them all");
}

// Reads one JSON document into a message; remembers where it is for errors.
class JsonReader {
 public:
  JsonReader(const Descriptor* root, std::string where, std::vector<std::string>* errors)
      : root_(root), where_(std::move(where)), errors_(errors) {}

  void ReadGroup(const json& object, const std::string& prefix, Message* group) {
    for (const auto& [name, value] : object.items()) {
      // Where editors look for the schema of a file; says nothing to us.
      if (prefix.empty() && name == "$schema") continue;
      const std::string key = absl::StrCat(prefix, name);
      const FieldDescriptor* field = group->GetDescriptor()->FindFieldByName(name);
      if (field == nullptr) field = group->GetDescriptor()->FindFieldByCamelcaseName(name);
      if (field == nullptr) {
        errors_->push_back(UnknownSetting(root_, where_, key));
      } else if (!value.is_null()) {
        ReadField(value, key, field, group);
      }
    }
  }

 private:
  void ReadField(const json& value, const std::string& key, const FieldDescriptor* field,
                 Message* group) {
    const Reflection& reflection = *group->GetReflection();
    if (field->is_repeated()) {
      if (!value.is_array()) return Refuse(value, key, field);
      reflection.ClearField(group, field);
      for (size_t i = 0; i < value.size(); ++i) {
        ReadElement(value[i], absl::StrCat(key, "[", i, "]"), field, group);
      }
    } else if (field->message_type() != nullptr) {
      if (!value.is_object()) return Refuse(value, key, field);
      ReadGroup(value, key + ".", reflection.MutableMessage(group, field));
    } else if (!ReadScalar(value, field, group)) {
      Refuse(value, key, field);
    }
  }

  void ReadElement(const json& value, const std::string& key, const FieldDescriptor* field,
                   Message* group) {
    if (field->message_type() != nullptr) {
      if (!value.is_object()) return Refuse(value, key, field);
      ReadGroup(value, key + ".", group->GetReflection()->AddMessage(group, field));
    } else if (!ReadScalar(value, field, group)) {
      Refuse(value, key, field);
    }
  }

  static bool ReadScalar(const json& value, const FieldDescriptor* field, Message* group) {
    if (value.is_string()) return SetFromText(field, value.get<std::string>(), group);
    const bool text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool flag = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    const bool fits =
        flag ? value.is_boolean()
             : value.is_number() && (!text || SettingRow::SettingOf(field).or_number());
    return fits && SetFromText(field, value.dump(), group);
  }

  void Refuse(const json& value, const std::string& key, const FieldDescriptor* field) {
    errors_->push_back(absl::StrCat(where_, ": ", key, ": found ", ShownJson(value), ", expected ",
                                    ExpectedValue(field)));
  }

  const Descriptor* const root_;
  const std::string where_;
  std::vector<std::string>* const errors_;
};

}  // namespace

absl::StatusOr<json> ReadSettingsFile(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    json parsed = json::parse(text, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
    if (parsed.is_object()) return parsed;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": found ", ShownJson(parsed), ", expected a JSON object of settings"));
  } catch (const json::parse_error& error) {
    // The library's own prefix, "[json.exception.parse_error.101] ", says nothing to a user.
    const std::string message = error.what();
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is not JSON: ", message.substr(message.find("] ") + 2)));
  }
}

void MergeJson(const json& values, const std::string& where, Message* settings,
               std::vector<std::string>* errors) {
  if (!values.is_object()) {
    errors->push_back(
        absl::StrCat(where, ": found ", ShownJson(values), ", expected a JSON object"));
    return;
  }
  JsonReader(settings->GetDescriptor(), where, errors).ReadGroup(values, "", settings);
}

void MergeAssignment(const std::string& assignment, Message* settings,
                     std::vector<std::string>* errors) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    errors->push_back(absl::StrCat("--set: found ", ShownJson(assignment), ", expected key=value"));
    return;
  }
  const std::string key = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  const SettingsTable table(settings->GetDescriptor());
  const SettingRow* row = table.Find(key);
  if (row == nullptr || row->in_list) {
    errors->push_back(UnknownSetting(settings->GetDescriptor(), "--set", key));
    return;
  }
  json nested = value;
  if (row->field()->is_repeated()) {
    nested = json::parse(value, nullptr, /*allow_exceptions=*/false);
    if (!nested.is_array()) nested = json::array({value});
  }
  for (auto field = row->path.rbegin(); field != row->path.rend(); ++field) {
    nested = json{{(*field)->name(), nested}};
  }
  MergeJson(nested, "--set", settings, errors);
}

}  // namespace unlasting::cli
