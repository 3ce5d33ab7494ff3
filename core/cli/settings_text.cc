#include "core/cli/settings_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace unlasting::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

constexpr int kColumns = 100;

// Bytes are easier to read in powers of 1024: "1073741824 (1 GiB)".
std::string WithBinaryUnit(const std::string& bytes) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(bytes, &count) || count <= 0) return bytes;
  const char* unit = "";
  for (const char* larger : {"KiB", "MiB", "GiB"}) {
    if (count % 1024 != 0) break;
    count /= 1024;
    unit = larger;
  }
  return *unit == '\0' ? bytes : absl::StrCat(bytes, " (", count, " ", unit, ")");
}

std::string ShownDefault(const SettingRow& row) {
  const Setting& setting = row.setting();
  if (row.field()->is_repeated()) return "[]";
  const std::string& text = setting.default_value();
  return text.empty() ? "''" : text;
}

const char* TypeName(const FieldDescriptor* field) {
  if (field->is_repeated()) return "list of texts";
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "number";
    case FieldDescriptor::CPPTYPE_STRING:
      return "text";
    default:
      return "whole number";
  }
}

// `text` after `start`, broken at spaces so that no line is longer than kColumns where words allow;
// later lines are indented to the end of `start`.
std::string Wrapped(const std::string& start, const std::string& text) {
  std::string wrapped, line = start;
  for (const auto word : absl::StrSplit(text, ' ')) {
    if (line.size() > start.size() && line.size() + 1 + word.size() > kColumns) {
      absl::StrAppend(&wrapped, line, "\n");
      line = std::string(start.size(), ' ');
    }
    absl::StrAppend(&line, line.size() > start.size() ? " " : "", word);
  }
  return absl::StrCat(wrapped, line, "\n");
}

// Profiles whose default is another one: "3600 in the production profile".
std::string ProfileDefaults(const Setting& setting) {
  std::string text;
  for (const ProfileDefault& one : setting.profile_defaults()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", one.value(), " in the ", one.profile(),
                    " profile");
  }
  return text;
}

std::string DefaultCell(const SettingRow& row) {
  const Setting& setting = row.setting();
  if (setting.required() && setting.default_value().empty()) return "none: required";
  const std::string shown = setting.unit() == "bytes" ? WithBinaryUnit(setting.default_value())
                                                      : absl::StrCat("`", ShownDefault(row), "`");
  const std::string others = ProfileDefaults(setting);
  return others.empty() ? shown : absl::StrCat(shown, "; ", others);
}

std::string Cell(const std::string& text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}});
}

json DefaultAsJson(const SettingRow& row) {
  if (row.field()->is_repeated()) return json::array();
  const std::string& text = row.setting().default_value();
  if (row.field()->cpp_type() == FieldDescriptor::CPPTYPE_STRING) return text;
  return json::parse(text);
}

json NumberSchema(const Setting& setting, const char* type) {
  json schema = {{"type", type}};
  if (setting.has_at_least()) schema["minimum"] = setting.at_least();
  if (setting.has_above()) schema["exclusiveMinimum"] = setting.above();
  if (setting.has_at_most()) schema["maximum"] = setting.at_most();
  if (setting.has_below()) schema["exclusiveMaximum"] = setting.below();
  return schema;
}

json ScalarSchema(const FieldDescriptor* field) {
  const Setting& setting = SettingRow::SettingOf(field);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberSchema(setting, "number");
    case FieldDescriptor::CPPTYPE_STRING: {
      json schema = {{"type", "string"}};
      if (setting.required()) schema["minLength"] = 1;
      for (const std::string& choice : setting.choices()) schema["enum"].push_back(choice);
      if (!setting.or_number()) return schema;
      return {{"anyOf", {schema, NumberSchema(setting, "number")}}};
    }
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64: {
      json schema = NumberSchema(setting, "integer");
      if (!schema.contains("minimum")) schema["minimum"] = 0;
      return schema;
    }
    default:
      return NumberSchema(setting, "integer");
  }
}

std::string Description(const Setting& setting) {
  return absl::StrCat(setting.help(), ".", setting.details().empty() ? "" : " ", setting.details());
}

json GroupSchema(const Descriptor* group) {
  json schema = {{"type", "object"}, {"additionalProperties", false}};
  for (int i = 0; i < group->field_count(); ++i) {
    const FieldDescriptor* field = group->field(i);
    const Setting& setting = SettingRow::SettingOf(field);
    json& property = schema["properties"][field->name()];
    property =
        field->message_type() != nullptr ? GroupSchema(field->message_type()) : ScalarSchema(field);
    if (field->is_repeated()) property = {{"type", "array"}, {"items", property}};
    if (!setting.help().empty()) property["description"] = Description(setting);
    if (field->message_type() == nullptr && !setting.required()) {
      SettingRow row;
      row.path = {field};
      property["default"] = DefaultAsJson(row);
    }
    if (setting.required() && setting.default_value().empty()) {
      schema["required"].push_back(field->name());
    }
  }
  return schema;
}

}  // namespace

std::string SettingsHelp(const SettingsTable& table) {
  std::string text, section;
  for (const SettingRow& row : table.rows()) {
    if (row.section != section) {
      absl::StrAppend(&text, text.empty() ? "" : "\n", row.section, "\n");
      section = row.section;
    }
    const std::string range = AllowedRange(row.setting());
    text += Wrapped(absl::StrFormat("  %-26s %-17s ", row.key, ShownDefault(row)),
                    absl::StrCat(row.setting().help(), range.empty() ? "" : " (", range,
                                 range.empty() ? "" : ")"));
  }
  return text;
}

std::string SettingsMarkdown(const SettingsTable& table) {
  std::string text, section;
  for (const SettingRow& row : table.rows()) {
    const Setting& setting = row.setting();
    if (row.section != section) {
      absl::StrAppend(&text, text.empty() ? "" : "\n", "### ", row.section,
                      "\n\n| setting, flag | type | default | range | what it does |\n",
                      "|---|---|---|---|---|\n");
      section = row.section;
    }
    const std::string flag = setting.flag().empty() ? "" : absl::StrCat(", `", setting.flag(), "`");
    const std::string unit = setting.unit().empty() ? "" : absl::StrCat(", ", setting.unit());
    absl::StrAppend(&text, "| `", row.key, "`", flag, " | ", TypeName(row.field()), unit, " | ",
                    Cell(DefaultCell(row)), " | ", Cell(AllowedRange(setting)), " | ",
                    Cell(Description(setting)), " |\n");
  }
  return text;
}

json SettingsSchema(const SettingsTable& table, const std::string& title) {
  json schema = GroupSchema(table.message());
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  // A file may name its schema for editors.
  schema["properties"]["$schema"] = {{"type", "string"}};
  schema["title"] = title;
  return schema;
}

}  // namespace unlasting::cli
