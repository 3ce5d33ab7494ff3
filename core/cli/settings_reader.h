// The settings reader puts what users write, in a JSON file or after --set, into a program's
// settings. Messages belong to the caller; errors are collected as in core/cli/settings.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"

namespace unlasting::cli {

// Reads a JSON file of settings; comments are allowed. NOT_FOUND, PERMISSION_DENIED, or
// INVALID_ARGUMENT with the file and the place where it stops being JSON.
absl::StatusOr<nlohmann::json> ReadSettingsFile(const std::string& path);

// Sets what `json` holds in `settings`, but for a key "$schema", which is for editors; a list
// replaces the list that was there, and null leaves a setting alone. Keys are field names, in
// snake_case or lowerCamelCase; numbers may be quoted. Errors begin with `where`, the file or flag
// that `json` comes from.
void MergeJson(const nlohmann::json& json, const std::string& where,
               google::protobuf::Message* settings, std::vector<std::string>* errors);

// Sets one setting from "key=value" as --set takes it; "grn.threshold=0.4". The value of a list is
// a JSON list, or its one element.
void MergeAssignment(const std::string& assignment, google::protobuf::Message* settings,
                     std::vector<std::string>* errors);

}  // namespace unlasting::cli
