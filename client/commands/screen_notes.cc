#include "client/commands/screen_notes.h"

#include <algorithm>
#include <iostream>
#include <map>

namespace unlasting::client {

void PrintNotes(const v1::PredictHeader& header, const std::string& ranking) {
  std::map<std::string, int> times;
  for (const std::string& note : header.notes()) std::cerr << "note: " << note << "\n";
  for (const auto& perturbation : header.perturbations()) {
    for (const std::string& note : perturbation.notes()) ++times[note];
  }
  // What is said of every perturbation is a matter of the model.
  for (const auto& [note, count] : times) {
    if (count == header.perturbations_size()) std::cerr << "note: " << note << "\n";
  }
  int own = 0;
  for (const auto& perturbation : header.perturbations()) {
    own += std::any_of(
        perturbation.notes().begin(), perturbation.notes().end(),
        [&](const std::string& note) { return times[note] < header.perturbations_size(); });
  }
  if (own > 0) {
    std::cerr << "note: " << own << " of " << header.perturbations_size()
              << " perturbations have notes of their own; " << ranking << " lists them\n";
  }
}

}  // namespace unlasting::client
