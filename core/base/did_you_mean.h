// DidYouMean finds, for a name that nobody knows, the known ones that its writer may have meant,
// for error messages about genes, drugs, columns and settings. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace unlasting {

// Letters to insert, remove, replace or swap with their neighbour to make one text of the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

// The known names nearest to `name`, nearest first and at most `max_names`: those that are equal
// but for upper and lower case, blanks, '-', '_' and '.', then those within two edits, or one edit
// for a `name` shorter than five letters. Takes time in proportion to the letters of all known
// names.
std::vector<std::string> NearestNames(absl::string_view name, const std::vector<std::string>& known,
                                      size_t max_names = 3);

// ", did you mean 'STAT1' or 'STAT2'?", or "" where nothing is near.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known);

}  // namespace unlasting
