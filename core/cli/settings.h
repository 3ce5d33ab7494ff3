// Settings completes and checks a program's settings, from the descriptions in its config.proto
// (core/cli/setting.proto). Values are held by the generated message, which the caller owns.
//
// Functions collect what is wrong, so that one error names every bad setting: they append whole
// phrases ("steps: found 0, expected a whole number, 1 or more") to `errors` and go on.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"

namespace unlasting::cli {

// OK where there are none, else INVALID_ARGUMENT with all of them on one line.
absl::Status SettingErrors(const std::vector<std::string>& errors);

// A value as errors show it: on one line, valid UTF-8, and not long.
std::string ShownJson(const nlohmann::json& value);

// Sets a scalar field of `group`, or adds to a list of texts. False, with nothing set, where `text`
// is not of the field's type.
bool SetFromText(const google::protobuf::FieldDescriptor* field, const std::string& text,
                 google::protobuf::Message* group);

// Sets every setting that is not set to its default in `profile` ("" for the usual ones). Groups
// that are absent by default stay absent.
void FillDefaults(absl::string_view profile, google::protobuf::Message* settings);

// Whether a field's value is within its bounds, one of its words, and not empty where it is
// required.
bool WithinRange(const google::protobuf::Message& group,
                 const google::protobuf::FieldDescriptor* field);

// Checks every setting that is set or required, in groups and lists of groups too.
void CheckRanges(const google::protobuf::Message& settings, std::vector<std::string>* errors);

}  // namespace unlasting::cli
