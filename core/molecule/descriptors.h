// descriptors.h computes physico-chemical descriptors of a molecule: size, polarity, lipophilicity,
// rings, shape, and surface area by lipophilicity, refractivity and partial charge. Private to
// core/molecule.
#pragma once

#include <GraphMol/GraphMol.h>

#include <string>
#include <vector>

namespace unlasting::molecule {

// Names and order are part of the featurizer's name: a change of either needs a new one.
const std::vector<std::string>& DescriptorNames();

// In their order, in RDKit's units; NaN or infinite where a molecule has no such value.
std::vector<double> Descriptors(const RDKit::ROMol& molecule);

}  // namespace unlasting::molecule
