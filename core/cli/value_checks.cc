#include "core/cli/value_checks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace unlasting::cli {
namespace {

// Without a description, --help shows the type alone and the option's text says the range.
CLI::Validator Check(std::function<bool(const std::string&)> fits, const std::string& expected) {
  return CLI::Validator(
      [fits = std::move(fits), expected](std::string& text) {
        return fits(text) ? std::string() : absl::StrCat("found '", text, "', expected ", expected);
      },
      "");
}

CLI::Validator NumberCheck(std::function<bool(double)> fits, const std::string& expected) {
  return Check(
      [fits = std::move(fits)](const std::string& text) {
        double value = 0;
        return absl::SimpleAtod(text, &value) && std::isfinite(value) && fits(value);
      },
      expected);
}

}  // namespace

CLI::Validator AtLeast(double smallest) {
  return NumberCheck([=](double value) { return value >= smallest; },
                     absl::StrCat("a number of ", smallest, " or more"));
}

CLI::Validator Above(double bound) {
  return NumberCheck([=](double value) { return value > bound; },
                     absl::StrCat("a number above ", bound));
}

CLI::Validator Between(double smallest, double largest) {
  return NumberCheck([=](double value) { return value >= smallest && value <= largest; },
                     absl::StrCat("a number from ", smallest, " to ", largest));
}

CLI::Validator OneOf(std::vector<std::string> names) {
  std::string expected = names.front();
  for (size_t k = 1; k < names.size(); ++k) {
    absl::StrAppend(&expected, k + 1 < names.size() ? ", " : " or ", names[k]);
  }
  return Check(
      [names = std::move(names)](const std::string& text) {
        return std::find(names.begin(), names.end(), text) != names.end();
      },
      expected);
}

}  // namespace unlasting::cli
