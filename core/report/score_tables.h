// score_tables.h makes tables of scores with a row per group and a column per method. Private to
// core/report.
#pragma once

#include <string>

#include "core/evaluate/scorecard.h"

namespace unlasting::report {

// E-distance, EMD and Pearson delta by group with the best method of each row marked (the ceiling
// takes no part), then every score's mean. "" for a card without groups.
std::string ScoreTablesSection(const evaluate::Scorecard& card);

}  // namespace unlasting::report
