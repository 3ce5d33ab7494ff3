// SuggestionFor offers what the writer of a query may have meant where a bundle does not know its
// gene or molecule, for error messages. Stateless; any thread.
#pragma once

#include <string>

#include "core/bundle/bundle.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

// ", did you mean 'STAT1'?" for the first gene that is not known, or the molecule's name where that
// is not; "" where all is known or nothing is near. Looks at every name that the bundle knows,
// which takes about 10 ms for 20,000 genes: not for each of thousands of errors.
std::string SuggestionFor(const bundle::Bundle& bundle, const PerturbationQuery& query);
// The same for a gene that is asked for in a result.
std::string GeneSuggestion(const bundle::Manifest& manifest, const std::string& gene);

}  // namespace unlasting::predict
