// SettingsTable lists the settings of a program for everything that speaks of them: defaults,
// checks, --help, docs and the JSON schema. Its one source is the program's config.proto, whose
// fields carry the option of core/cli/setting.proto.
//
// A table is immutable; descriptors and options belong to the generated code and live as long as
// the program. Keys are dotted: "grn.threshold" is field threshold of group grn, and
// "bundles[].directory" is field directory of each element of the list bundles.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/cli/setting.pb.h"
#include "google/protobuf/descriptor.h"

namespace unlasting::cli {

struct SettingRow {
  std::string key;
  std::string section;  // heading under which it is listed
  // From the program's message to the setting itself.
  std::vector<const google::protobuf::FieldDescriptor*> path;
  // Whether a list of groups is on the way to it: such a setting exists once per element.
  bool in_list = false;

  const google::protobuf::FieldDescriptor* field() const { return path.back(); }
  const Setting& setting() const { return SettingOf(field()); }

  static const Setting& SettingOf(const google::protobuf::FieldDescriptor* field) {
    return field->options().GetExtension(cli::setting);
  }
};

class SettingsTable {
 public:
  explicit SettingsTable(const google::protobuf::Descriptor* message);

  // In the order of declaration.
  const std::vector<SettingRow>& rows() const { return rows_; }
  const google::protobuf::Descriptor* message() const { return message_; }

  // nullptr where no setting has that key.
  const SettingRow* Find(absl::string_view key) const;

  // What an unknown key was probably meant to be: the setting of the same name in a group, or else
  // the one that differs in the fewest letters. "" where none is near.
  std::string Closest(absl::string_view key) const;

 private:
  const google::protobuf::Descriptor* const message_;
  std::vector<SettingRow> rows_;
};

// What a setting takes, as errors, help and docs say it: "a whole number, 1 or more",
// "seurat or seurat_v3", "a list of texts".
std::string ExpectedValue(const google::protobuf::FieldDescriptor* field);

// The bounds or words alone: "1 or more", "above 0, at most 1"; "" where everything is allowed.
std::string AllowedRange(const Setting& setting);

// The default in `profile` ("" for the usual one), as it would be written after `--set KEY=`.
const std::string& DefaultText(const Setting& setting, absl::string_view profile = "");

}  // namespace unlasting::cli
