// PrintNotes shows what a screen's result says in words, for the command `screen`. Writes to
// stderr; one thread.
#pragma once

#include <string>

#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Prints the sentences about the whole screen, and how many perturbations have notes of their own,
// which the table `ranking` lists.
void PrintNotes(const v1::PredictHeader& header, const std::string& ranking);

}  // namespace unlasting::client
