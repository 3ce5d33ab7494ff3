// AddAt reports an error of core/predict under the field of the request that it is about. Errors of
// the core open with a word, such as "dose: found 0"; in a violation that word is the field's.
// Stateless; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/base/violations.h"

namespace unlasting::server {

// A word that errors open with, and the field below `field` that it stands for: {"dose", ".dose"};
// "" is `field` itself.
using FieldWords = std::initializer_list<std::pair<const char*, const char*>>;

// Adds `error` at the field of the word it opens with, without that word, followed by `suggestion`;
// at `field`, as it is, where it opens with none of `words`. OK adds nothing.
void AddAt(const std::string& field, const FieldWords& words, const absl::Status& error,
           const std::string& suggestion, Violations* violations);

}  // namespace unlasting::server
