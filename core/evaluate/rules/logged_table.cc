#include "core/evaluate/rules/logged_table.h"

#include <algorithm>
#include <cmath>

#include "core/base/parallel.h"
#include "core/base/status.h"
#include "core/evaluate/multiple_testing.h"
#include "core/evaluate/rank_sum.h"
#include "core/evaluate/rules/gene_cells.h"
#include "core/evaluate/rules/gene_columns.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr int64_t kChunk = 8;

std::vector<double> Logged(absl::Span<const Expressed> cells) {
  std::vector<double> values;
  values.reserve(cells.size());
  for (const Expressed& cell : cells) values.push_back(cell.logged);
  return values;
}

void AddGene(int64_t gene, const GeneColumn& column, const Groups& groups,
             const LoggedValues& logged, GeneCells* cells, LoggedTable* table) {
  cells->Start(table->targets + 1);
  for (size_t k = 0; k < column.cells.size(); ++k) {
    Expressed value;
    value.cell = column.cells[k];
    value.logged = static_cast<double>(logged.Value(value.cell, column.values[k]));
    value.scaled = value.logged;
    cells->Add(groups.of_cell[value.cell], value);
  }
  cells->Arrange();
  for (int64_t t = 0; t <= table->targets; ++t) {
    table->mean[t * table->genes + gene] =
        SumOf(cells->Group(t)).scaled / static_cast<double>(groups.cells[t]);
  }
  cells->SortGroups();
  const std::vector<double> control = Logged(cells->Group(table->targets));
  SortedSample reference{control, groups.cells.back() - static_cast<int64_t>(control.size())};
  reference.tied = TiedTerm(reference);
  for (int64_t t = 0; t < table->targets; ++t) {
    const std::vector<double> values = Logged(cells->Group(t));
    const SortedSample group{values, groups.cells[t] - static_cast<int64_t>(values.size())};
    table->p[t * table->genes + gene] = RankSumTest(group, reference, {true, true}).p;
  }
}

// Fold changes and adjusted p values of one target, rounded as the reference stores them.
void FinishTarget(int64_t t, LoggedTable* table) {
  const auto mean = table->Mean(t), control = table->Mean(table->targets);
  const int64_t first = t * table->genes;
  for (int64_t g = 0; g < table->genes; ++g) {
    const double change = std::log2(std::expm1(mean[g]) / std::expm1(control[g]));
    table->change[first + g] = std::isnan(change) ? 0 : static_cast<float>(change);
  }
  const auto adjusted =
      BenjaminiHochberg({table->p.begin() + first, table->p.begin() + first + table->genes});
  std::transform(adjusted.begin(), adjusted.end(), table->q.begin() + first,
                 [](double q) { return static_cast<float>(q); });
}

}  // namespace

std::vector<double> LoggedTable::Delta(int64_t target) const {
  const auto own = Mean(target), control = Mean(targets);
  std::vector<double> delta(own.begin(), own.end());
  for (int64_t g = 0; g < genes; ++g) delta[g] -= control[g];
  return delta;
}

int64_t LoggedTable::CountSignificant(int64_t target) const {
  int64_t count = 0;
  for (int64_t g = 0; g < genes; ++g) count += Significant(target, g) ? 1 : 0;
  return count;
}

absl::StatusOr<LoggedTable> MakeLoggedTable(const CellTable& table, const Groups& groups,
                                            const LoggedValues& values, int threads,
                                            int64_t column_bytes) {
  LoggedTable made;
  made.targets = groups.control();
  made.genes = static_cast<int64_t>(table.genes.size());
  made.mean.assign((made.targets + 1) * made.genes, 0);
  made.p.assign(made.targets * made.genes, 1);
  made.change.assign(made.targets * made.genes, 0);
  made.q.assign(made.targets * made.genes, 1);
  for (const auto& [first, last] : GeneRanges(values.expressed(), column_bytes)) {
    GeneColumns columns;
    UNLASTING_RETURN_IF_ERROR(columns.Load(table.rows, values.expressed(), first, last));
    ParallelFor((last - first + kChunk - 1) / kChunk, threads,
                [&, first = first, last = last](int64_t k) {
                  GeneCells cells;
                  const int64_t to = std::min(last, first + (k + 1) * kChunk);
                  for (int64_t gene = first + k * kChunk; gene < to; ++gene) {
                    AddGene(gene, columns.Gene(gene), groups, values, &cells, &made);
                  }
                });
  }
  ParallelFor(made.targets, threads, [&](int64_t t) { FinishTarget(t, &made); });
  return made;
}

}  // namespace unlasting::evaluate::rules
