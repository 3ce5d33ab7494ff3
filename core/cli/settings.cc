#include "core/cli/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/cli/settings_table.h"

namespace unlasting::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::json;

bool IsUtf8(const std::string& text) {
  const json value = text;
  return value.dump(-1, ' ', false, json::error_handler_t::replace) ==
         value.dump(-1, ' ', false, json::error_handler_t::ignore);
}

// Whole numbers may be written like 1e5.
template <typename T>
bool ParseWhole(const std::string& text, T* value) {
  if (absl::SimpleAtoi(text, value)) return true;
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it doubles skip whole numbers
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || std::trunc(number) != number) return false;
  if (!(number >= static_cast<double>(std::numeric_limits<T>::min())) ||
      !(number <= std::min(kExact, static_cast<double>(std::numeric_limits<T>::max())))) {
    return false;
  }
  *value = static_cast<T>(number);
  return true;
}

double NumberOf(const Message& group, const FieldDescriptor* field) {
  const Reflection& reflection = *group.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(group, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection.GetInt64(group, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(group, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<double>(reflection.GetUInt64(group, field));
    default:
      return reflection.GetDouble(group, field);
  }
}

// False for NaN.
bool WithinBounds(const Setting& setting, double value) {
  return !std::isnan(value) && !(setting.has_at_least() && value < setting.at_least()) &&
         !(setting.has_above() && value <= setting.above()) &&
         !(setting.has_at_most() && value > setting.at_most()) &&
         !(setting.has_below() && value >= setting.below());
}

std::string ShownField(const Message& group, const FieldDescriptor* field) {
  const Reflection& reflection = *group.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return ShownJson(reflection.GetString(group, field));
  }
  return absl::StrCat(NumberOf(group, field));
}

void CheckGroup(const Message& group, const std::string& prefix, std::vector<std::string>* errors) {
  const Reflection& reflection = *group.GetReflection();
  for (int i = 0; i < group.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = group.GetDescriptor()->field(i);
    const std::string key = absl::StrCat(prefix, field->name());
    if (field->message_type() != nullptr) {
      for (int k = 0; field->is_repeated() && k < reflection.FieldSize(group, field); ++k) {
        CheckGroup(reflection.GetRepeatedMessage(group, field, k), absl::StrCat(key, "[", k, "]."),
                   errors);
      }
      if (!field->is_repeated() && reflection.HasField(group, field)) {
        CheckGroup(reflection.GetMessage(group, field), key + ".", errors);
      }
    } else if (!field->is_repeated() && !WithinRange(group, field)) {
      const std::string& flag = SettingRow::SettingOf(field).flag();
      errors->push_back(absl::StrCat(key, flag.empty() ? "" : absl::StrCat(" (", flag, ")"),
                                     ": found ", ShownField(group, field), ", expected ",
                                     ExpectedValue(field)));
    }
  }
}

}  // namespace

std::string ShownJson(const json& value) {
  constexpr size_t kLongest = 80;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (value.is_string()) text = absl::StrCat("'", text.substr(1, text.size() - 2), "'");
  if (text.size() <= kLongest) return text;
  // Cut before a byte that begins a character.
  size_t end = kLongest;
  while ((text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

absl::Status SettingErrors(const std::vector<std::string>& errors) {
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "; "));
}

bool SetFromText(const FieldDescriptor* field, const std::string& text, Message* group) {
  const Reflection& reflection = *group->GetReflection();
  const auto set_whole = [&](auto value, auto setter) {
    if (!ParseWhole(text, &value)) return false;
    (reflection.*setter)(group, field, value);
    return true;
  };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!IsUtf8(text)) return false;
      if (field->is_repeated()) {
        reflection.AddString(group, field, text);
      } else {
        reflection.SetString(group, field, text);
      }
      return true;
    case FieldDescriptor::CPPTYPE_INT32:
      return set_whole(int32_t{0}, &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return set_whole(int64_t{0}, &Reflection::SetInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return set_whole(uint32_t{0}, &Reflection::SetUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return set_whole(uint64_t{0}, &Reflection::SetUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return false;
      reflection.SetDouble(group, field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(text, &value)) return false;
      reflection.SetBool(group, field, value);
      return true;
    }
    default:
      return false;
  }
}

void FillDefaults(absl::string_view profile, Message* settings) {
  const Reflection& reflection = *settings->GetReflection();
  for (int i = 0; i < settings->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = settings->GetDescriptor()->field(i);
    const Setting& setting = SettingRow::SettingOf(field);
    if (field->message_type() != nullptr) {
      for (int k = 0; field->is_repeated() && k < reflection.FieldSize(*settings, field); ++k) {
        FillDefaults(profile, reflection.MutableRepeatedMessage(settings, field, k));
      }
      const bool present = !field->is_repeated() &&
                           (!setting.absent_by_default() || reflection.HasField(*settings, field));
      if (present) FillDefaults(profile, reflection.MutableMessage(settings, field));
    } else if (!field->is_repeated() && !reflection.HasField(*settings, field)) {
      // Every default is of its field's type: CheckDescriptions, which tests call.
      (void)SetFromText(field, DefaultText(setting, profile), settings);
    }
  }
}

bool WithinRange(const Message& group, const FieldDescriptor* field) {
  const Setting& setting = SettingRow::SettingOf(field);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return true;
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return WithinBounds(setting, NumberOf(group, field));
  }
  const std::string value = group.GetReflection()->GetString(group, field);
  if (setting.required() && value.empty()) return false;
  if (setting.choices().empty()) return true;
  for (const std::string& choice : setting.choices()) {
    if (value == choice) return true;
  }
  double number = 0;
  return setting.or_number() && absl::SimpleAtod(value, &number) && std::isfinite(number) &&
         WithinBounds(setting, number);
}

void CheckRanges(const Message& settings, std::vector<std::string>* errors) {
  CheckGroup(settings, "", errors);
}

}  // namespace unlasting::cli
