// These checks refuse a flag's value in the words of all our errors: the flag, what was found and
// what was expected. They replace CLI11's own, which print bounds such as 1.8e308.
//
//   app->add_option("--rate", rate, "Calls per second")->check(cli::Above(0));
//   // --rate: found '-1', expected a number above 0
//
// Stateless; any thread.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace unlasting::cli {

// The value is a finite number, `smallest` or more.
CLI::Validator AtLeast(double smallest);
// The value is a finite number above `bound`.
CLI::Validator Above(double bound);
// The value is a number from `smallest` to `largest`.
CLI::Validator Between(double smallest, double largest);
// The value is one of `names`.
CLI::Validator OneOf(std::vector<std::string> names);

}  // namespace unlasting::cli
