#include "server/request/field_path.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::server {

void AddAt(const std::string& field, const FieldWords& words, const absl::Status& error,
           const std::string& suggestion, Violations* violations) {
  if (error.ok()) return;
  std::string path = field;
  absl::string_view message = error.message();
  for (const auto& [word, below] : words) {
    const std::string opening = absl::StrCat(word, ": ");
    if (!absl::StartsWith(message, opening)) continue;
    absl::StrAppend(&path, below);
    message.remove_prefix(opening.size());
    break;
  }
  const std::string reason = ReasonOf(error);
  violations->Add(path, reason.empty() ? "INVALID_ARGUMENT" : reason,
                  absl::StrCat(message, suggestion), error.code());
}

}  // namespace unlasting::server
