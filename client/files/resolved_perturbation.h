// resolved_perturbation.h puts into words and numbers what a server says of one perturbation: its
// condition, how far it is from the training data, and what of it training saw. Pure functions; any
// thread.
#pragma once

#include <string>

#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// The name that the training's column of conditions has for a perturbation: "A+ctrl" or "A", "A+B",
// or the name of the molecule or treatment.
std::string ConditionOf(const v1::ResolvedPerturbation& perturbation);

// The distance of a set of genes, which is that of the farthest, in edges of the gene network:
// infinite where no path leads to a trained gene, NaN for molecules.
double NetworkHops(const v1::ResolvedPerturbation& perturbation);
// Tanimoto or cosine similarity to the nearest training molecule, NaN where there is none.
double MoleculeSimilarity(const v1::ResolvedPerturbation& perturbation);
// "yes", "no" or "unknown", or "T0: yes; T1: no" where cell types differ: whether training saw the
// cell types perturbed at all, and whether under this very perturbation.
std::string ContextSeen(const v1::ResolvedPerturbation& perturbation);
std::string SeenTogether(const v1::ResolvedPerturbation& perturbation);

// Of the cell types of one perturbation, the one whose error is expected to be the greatest, one
// without an expectation before all; null where the model says nothing of its errors.
const v1::PredictedError* WorstError(const v1::PerturbationSummary& summary);
// "0.12 (90 % interval 0.05 to 0.31; new gene, seen context; 24 left out)", or that it is not
// calibrated or not known.
std::string PredictedErrorText(const v1::PredictedError& error);

}  // namespace unlasting::client
