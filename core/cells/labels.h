// labels.h is the one place that knows how the field writes labels of cells: what counts as a
// missing value, what control cells are called, and how the label of a condition names a set of
// genes. Everything that reads or compares labels (trainer, metrics, client, bundle) asks here.
// Pure functions and plain values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace unlasting::cells {

// `label` without blanks at its ends: ASCII whitespace and the no-break space. Case is kept.
std::string TrimLabel(absl::string_view label);
std::vector<std::string> TrimLabels(std::vector<std::string> labels);

// True for what the field's tools write where a value is missing: "", nan, None, NA, <NA>, N/A,
// null, NaT, in the spellings of pandas, R and spreadsheets, with or without blanks.
bool IsMissing(absl::string_view label);

// True for what the field calls unperturbed cells: ctrl, control, non-targeting, NT, NTC, scramble,
// DMSO, vehicle, mock, PBS, untreated, unstimulated, ... Case, blanks, hyphens, underscores and the
// number of a guide (non-targeting_0012) do not count.
bool IsControlName(absl::string_view label);

// The knocked-out genes of a condition, as a set: "A+ctrl", "ctrl+A", "A", " A ", "A+A" and
// "A+non-targeting" are {A}; "B+A" is {A, B}. Sorted, trimmed and without controls. `control` is a
// further name of the control, or several separated by commas. Empty for a label that names
// controls alone ("ctrl", "ctrl+ctrl").
std::vector<std::string> ParseGenes(absl::string_view condition, absl::string_view control);

// What tells conditions of knockouts apart whatever their spelling: the genes of ParseGenes joined
// by '+', or the trimmed label where it names none.
std::string ConditionKey(absl::string_view condition, absl::string_view control);

// ControlLabels decides which labels of a condition column mean unperturbed cells.
struct ControlLabels {
  std::set<std::string> labels;      // trimmed, of those that occur; empty where there is none
  std::string name;                  // the one that stands for all; "" where there is none
  std::vector<std::string> remarks;  // what a user should be told, one line each
};

// `counts` holds the trimmed labels of the column with their numbers of cells. `setting` is the
// name of the control, or several separated by commas; at its default "ctrl", the names that
// IsControlName knows are taken as well, with a remark. INVALID_ARGUMENT where `setting` is at its
// default, no label is "ctrl" and names of several kinds of controls occur (DMSO beside untreated):
// the message lists them. Nothing is wrong with a column that holds no controls.
absl::StatusOr<ControlLabels> FindControlLabels(const std::map<std::string, int64_t>& counts,
                                                const std::string& setting);

// The labels of a column for messages, those with most cells first: "'A' (20 cells), 'B' (3 cells),
// and 7 more".
std::string ListLabels(const std::map<std::string, int64_t>& counts);

// How many cells have each label, trimmed.
std::map<std::string, int64_t> CountLabels(const std::vector<std::string>& labels);

}  // namespace unlasting::cells
