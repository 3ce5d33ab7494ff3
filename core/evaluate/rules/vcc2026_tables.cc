#include "core/evaluate/rules/vcc2026_tables.h"

#include <algorithm>
#include <memory>

#include "core/base/parallel.h"
#include "core/base/status.h"
#include "core/evaluate/rules/count_survey.h"
#include "core/evaluate/rules/gene_columns.h"

namespace unlasting::evaluate::rules {
namespace {

// The rule's test: with continuity and ties.
constexpr RankSumOptions kTest = {true, true};

// The mean response of each gene over its mean in the control cells, 0 where those are silent.
std::vector<double> BaselineScale(const CountSurvey& survey, const MatchedGroups& groups) {
  const auto genes = static_cast<int64_t>(survey.expressed.size());
  const int64_t targets = groups.truth.control();
  const double* control = survey.sums.data() + targets * genes;
  std::vector<double> scale(genes, 0);
  for (int64_t g = 0; g < genes; ++g) {
    double response = 0, count = 0;
    for (int64_t t = 0; t < targets; ++t) {
      if (groups.own_gene[t] == g) continue;
      response += survey.sums[t * genes + g] / static_cast<double>(groups.truth.cells[t]);
      ++count;
    }
    const double mean = control[g] / static_cast<double>(groups.truth.cells[targets]);
    if (mean > 0 && count > 0) scale[g] = response / count / mean;
  }
  return scale;
}

// The cells of the baseline: what each control cell turns into, and for whom it was drawn.
struct BaselineCells {
  std::vector<double> scale;                // [genes]
  std::vector<double> library;              // per cell of the truth; of its controls alone
  std::vector<std::vector<int32_t>> drawn;  // per cell of the truth: the targets it stands in for

  float Count(int64_t gene, float count) const {
    return static_cast<float>(static_cast<double>(count) * scale[gene]);
  }
};

absl::StatusOr<BaselineCells> MakeBaselineCells(const CellTable& truth, const Groups& groups,
                                                std::vector<double> scale, const Draws& draws) {
  BaselineCells baseline;
  baseline.scale = std::move(scale);
  baseline.library.assign(groups.of_cell.size(), 0);
  baseline.drawn.resize(groups.of_cell.size());
  std::vector<int64_t> controls;
  for (size_t cell = 0; cell < groups.of_cell.size(); ++cell) {
    if (groups.of_cell[cell] == groups.control()) controls.push_back(static_cast<int64_t>(cell));
  }
  size_t next = 0;
  for (int64_t t = 0; t < groups.control(); ++t) {
    for (int64_t k = 0; k < groups.cells[t]; ++k) {
      baseline.drawn[controls[draws.control_rows[next++]]].push_back(static_cast<int32_t>(t));
    }
  }
  UNLASTING_RETURN_IF_ERROR(truth.rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) {
    for (int64_t r = 0; r < block.rows; ++r) {
      if (groups.of_cell[first + r] != groups.control()) continue;
      const auto indices = block.RowIndices(r);
      const auto values = block.RowValues(r);
      for (size_t k = 0; k < values.size(); ++k) {
        baseline.library[first + r] += static_cast<double>(baseline.Count(indices[k], values[k]));
      }
    }
    return absl::OkStatus();
  }));
  return baseline;
}

// The baseline's cells as a sample of their own: one entry per draw.
SampleBuilder BaselineBuilder(int64_t targets, int64_t genes, const BaselineCells& baseline) {
  std::vector<int32_t> group_of;
  std::vector<double> library;
  for (size_t cell = 0; cell < baseline.drawn.size(); ++cell) {
    for (const int32_t target : baseline.drawn[cell]) {
      group_of.push_back(target);
      library.push_back(baseline.library[cell]);
    }
  }
  return SampleBuilder(targets, genes, group_of, library);
}

struct Split {
  const std::string* marks;
  SampleBuilder a, b;
};

// What one thread needs to work through a gene.
struct Scratch {
  GeneCells truth, other;
  ControlCells control, half_control;
  std::vector<Expressed> half[2];
  std::vector<double> logged;
};

class Pass {
 public:
  Pass(const CellTable& truth, const MatchedGroups& groups, const CountSurvey& truth_survey,
       const CountSurvey& predicted_survey, const BaselineCells& baseline, const Draws& draws)
      : groups_(groups),
        truth_library_(truth_survey.library),
        predicted_library_(predicted_survey.library),
        baseline_cells_(baseline),
        targets_(groups.truth.control()),
        truth_(targets_, truth.genes.size(), groups.truth.of_cell, truth_library_),
        predicted_(targets_, truth.genes.size(), groups.predicted.of_cell, predicted_library_),
        baseline_(BaselineBuilder(targets_, truth.genes.size(), baseline)) {
    for (const auto& [name, marks] : draws.splits) {
      const auto half = [&, &marks = marks](char mark) {
        std::vector<int32_t> group_of = groups.truth.of_cell;
        for (size_t cell = 0; cell < marks.size(); ++cell) {
          if (marks[cell] != mark) group_of[cell] = -1;
        }
        return SampleBuilder(targets_, truth.genes.size(), group_of, truth_library_);
      };
      splits_.push_back({&marks, half('a'), half('b')});
    }
  }

  void AddGene(int64_t gene, const GeneColumn& truth, const GeneColumn& predicted,
               Scratch* scratch) {
    AddTruth(gene, truth, scratch);
    AddBaseline(gene, scratch);
    for (Split& split : splits_) AddSplit(gene, &split, scratch);
    Collect(predicted, groups_.predicted.of_cell, predicted_library_, &scratch->other);
    AddGroups(gene, &scratch->other, scratch->control, &predicted_, scratch);
  }

  Vcc2026Tables Finish(const Draws& draws) {
    Vcc2026Tables tables;
    tables.truth = truth_.Finish();
    tables.predicted = predicted_.Finish();
    tables.baseline = baseline_.Finish();
    size_t next = 0;
    for (const auto& [name, unused] : draws.splits) {
      Split& split = splits_[next++];
      tables.halves.emplace(name, std::make_pair(split.a.Finish(), split.b.Finish()));
    }
    tables.baseline_scale = baseline_cells_.scale;
    return tables;
  }

 private:
  static absl::Span<const double> Logged(absl::Span<const Expressed> cells, Scratch* scratch) {
    scratch->logged.clear();
    for (const Expressed& cell : cells) scratch->logged.push_back(cell.logged);
    return scratch->logged;
  }

  // The expressing cells of a gene by group.
  void Collect(const GeneColumn& column, const std::vector<int32_t>& group_of,
               const std::vector<double>& library, GeneCells* cells) const {
    cells->Start(targets_ + 1);
    for (size_t k = 0; k < column.cells.size(); ++k) {
      const int32_t cell = column.cells[k];
      cells->Add(group_of[cell], MakeExpressed(column.values[k], library[cell], cell));
    }
  }

  // Sums, bulks and tests of all groups of a sample, its own control's bulk among them.
  void AddGroups(int64_t gene, GeneCells* cells, const ControlCells& control,
                 SampleBuilder* builder, Scratch* scratch) {
    cells->Arrange();
    std::vector<GroupSum> sums;
    for (int64_t t = 0; t <= targets_; ++t) sums.push_back(SumOf(cells->Group(t)));
    cells->SortGroups();
    for (int64_t t = 0; t <= targets_; ++t) {
      builder->AddBulk(gene, t, sums[t], cells->Group(t));
      if (t == targets_) continue;
      builder->AddTest(gene, t, sums[t], Logged(cells->Group(t), scratch), control, kTest);
    }
  }

  void AddTruth(int64_t gene, const GeneColumn& column, Scratch* scratch) {
    GeneCells& cells = scratch->truth;
    Collect(column, groups_.truth.of_cell, truth_library_, &cells);
    cells.Arrange();
    std::vector<GroupSum> sums;
    for (int64_t t = 0; t <= targets_; ++t) sums.push_back(SumOf(cells.Group(t)));
    cells.SortGroups();
    scratch->control.Set(sums[targets_].scaled, cells.Group(targets_), truth_.cells(targets_));
    for (int64_t t = 0; t <= targets_; ++t) {
      truth_.AddBulk(gene, t, sums[t], cells.Group(t));
      if (t == targets_) continue;
      truth_.AddTest(gene, t, sums[t], Logged(cells.Group(t), scratch), scratch->control, kTest);
    }
  }

  void AddBaseline(int64_t gene, Scratch* scratch) {
    GeneCells& cells = scratch->other;
    cells.Start(targets_ + 1);
    for (const Expressed& control : scratch->truth.Group(targets_)) {
      const float count = baseline_cells_.Count(gene, control.count);
      if (count == 0) continue;
      const Expressed value =
          MakeExpressed(count, baseline_cells_.library[control.cell], control.cell);
      for (const int32_t target : baseline_cells_.drawn[control.cell]) cells.Add(target, value);
    }
    AddGroups(gene, &cells, scratch->control, &baseline_, scratch);
  }

  // Each half is tested against its own control. The order by value stays when cells are left out.
  void AddSplit(int64_t gene, Split* split, Scratch* scratch) {
    ControlCells controls[2];
    for (int64_t t = targets_; t >= 0; --t) {
      for (auto& half : scratch->half) half.clear();
      for (const Expressed& cell : scratch->truth.Group(t)) {
        const char mark = (*split->marks)[cell.cell];
        if (mark != '.') scratch->half[mark == 'a' ? 0 : 1].push_back(cell);
      }
      for (int h = 0; h < 2; ++h) {
        SampleBuilder& builder = h == 0 ? split->a : split->b;
        const auto& cells = scratch->half[h];
        const GroupSum sum = SumOf(cells);
        builder.AddBulk(gene, t, sum, cells);
        if (t == targets_) {
          controls[h].Set(sum.scaled, cells, builder.cells(t));
        } else {
          builder.AddTest(gene, t, sum, Logged(cells, scratch), controls[h], kTest);
        }
      }
    }
  }

  const MatchedGroups& groups_;
  const std::vector<double>& truth_library_;
  const std::vector<double>& predicted_library_;
  const BaselineCells& baseline_cells_;
  int64_t targets_;
  SampleBuilder truth_, predicted_, baseline_;
  std::vector<Split> splits_;
};

}  // namespace

absl::StatusOr<Vcc2026Tables> MakeVcc2026Tables(const CellTable& truth, const CellTable& predicted,
                                                const MatchedGroups& groups, const Draws& draws,
                                                const TableOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const CountSurvey truth_survey, SurveyCounts(truth, groups.truth));
  UNLASTING_ASSIGN_OR_RETURN(const CountSurvey predicted_survey,
                             SurveyCounts(predicted, groups.predicted));
  UNLASTING_ASSIGN_OR_RETURN(
      const BaselineCells baseline,
      MakeBaselineCells(truth, groups.truth, BaselineScale(truth_survey, groups), draws));
  Pass pass(truth, groups, truth_survey, predicted_survey, baseline, draws);
  std::vector<int64_t> stored = truth_survey.expressed;
  for (size_t g = 0; g < stored.size(); ++g) stored[g] += predicted_survey.expressed[g];
  for (const auto& [first, last] : GeneRanges(stored, options.column_bytes)) {
    GeneColumns of_truth, of_predicted;
    UNLASTING_RETURN_IF_ERROR(of_truth.Load(truth.rows, truth_survey.expressed, first, last));
    UNLASTING_RETURN_IF_ERROR(
        of_predicted.Load(predicted.rows, predicted_survey.expressed, first, last));
    // A chunk of genes belongs to one thread, wherever the range begins.
    constexpr int64_t kChunk = SampleBuilder::kChunk;
    const int64_t chunk = first / kChunk;
    ParallelFor((last - 1) / kChunk - chunk + 1, options.threads,
                [&, first = first, last = last](int64_t k) {
                  Scratch scratch;
                  const int64_t from = std::max(first, (chunk + k) * kChunk);
                  const int64_t to = std::min(last, (chunk + k + 1) * kChunk);
                  for (int64_t gene = from; gene < to; ++gene) {
                    pass.AddGene(gene, of_truth.Gene(gene), of_predicted.Gene(gene), &scratch);
                  }
                });
  }
  return pass.Finish(draws);
}

}  // namespace unlasting::evaluate::rules
