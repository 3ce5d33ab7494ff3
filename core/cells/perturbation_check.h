// CheckPerturbations makes sure, before anything is trained, that what a file calls perturbed is
// what its makers meant: a drug is not taken for a gene, and a name has one structure. What can be
// mended is mended with a warning (core/anndata/warnings.h); the rest is refused. Stateless; any
// thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/anndata/anndata.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// `dataset` holds the conditions of `obs`, read under the resolved `options`; `path` is the file's,
// for warnings.
//
// Refused: a drug with two structures; a drug without one in a file whose drugs have structures or
// doses; labels that name no gene, or a measured gene with more around it (STAT1_KO), where they
// are most. Warned of: labels that are perturbed and not measured; cells whose drug's structure
// stands in other rows alone; drugs at dose 0, which are control cells; columns of times that vary
// within a condition. Drugs of one structure become one drug under the name that most cells have.
absl::Status CheckPerturbations(const std::string& path, const anndata::DataFrame& obs,
                                const LoadOptions& options, Dataset* dataset);

// The two halves of CheckPerturbations.
absl::Status CheckStructures(const std::string& path, const anndata::DataFrame& obs,
                             const LoadOptions& options, Dataset* dataset);
absl::Status CheckLabels(const std::string& path, const anndata::DataFrame& obs,
                         const LoadOptions& options, const Dataset& dataset);

// Whether `gene` is written as genes are, in the style of `upper_case` genes (human) or any: it has
// a letter, no blank or bracket, and is not what the field calls a stimulus (Dox, LPS+IFNg,
// hypoxia).
bool LooksLikeGene(const std::string& gene, bool upper_case);

}  // namespace unlasting::cells
