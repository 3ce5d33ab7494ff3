#include "core/predict/query/vectors.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/predict/query/refusal.h"

namespace unlasting::predict {

absl::Status CheckVector(const std::string& field, const std::vector<float>& vector,
                         int64_t expected) {
  if (static_cast<int64_t>(vector.size()) != expected) {
    return Invalid("EMBEDDING_LENGTH",
                   absl::StrCat(field, ": found ", vector.size(), " values, expected ", expected));
  }
  bool any = false;
  for (const float value : vector) {
    if (!std::isfinite(value)) {
      return Invalid("INVALID_VALUE", absl::StrCat(field, ": found a value that is not finite"));
    }
    any = any || value != 0;
  }
  if (!any) return Invalid("INVALID_VALUE", absl::StrCat(field, ": found only zeros"));
  return absl::OkStatus();
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, of_a = 0, of_b = 0;
  for (size_t k = 0; k < a.size() && k < b.size(); ++k) {
    product += static_cast<double>(a[k]) * b[k];
    of_a += static_cast<double>(a[k]) * a[k];
    of_b += static_cast<double>(b[k]) * b[k];
  }
  return of_a > 0 && of_b > 0 ? product / std::sqrt(of_a * of_b) : 0.0;
}

}  // namespace unlasting::predict
