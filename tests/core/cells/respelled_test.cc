// A file may be written in many ways: rows and genes in any order, labels in any spelling, values
// on any scale. None of them may change what is held out, what is trained on, or the values.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "core/anndata/warnings.h"
#include "core/anndata/writer.h"
#include "core/cells/preprocess.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

using Strings = std::vector<std::string>;

template <typename T>
const T& AnyOf(const std::vector<T>& items, std::mt19937_64* random) {
  return items[(*random)() % items.size()];
}

// "A+B" in one of its spellings; `control` is what the file calls its control.
std::string Respelled(const std::string& condition, const std::string& control,
                      std::mt19937_64* random) {
  const Strings genes = ParseGenes(condition, "ctrl");
  const auto blank = [&] { return AnyOf<std::string>({"", "", " ", "\t"}, random); };
  if (genes.empty()) {
    return blank() + AnyOf<std::string>({control, control, control + "+" + control}, random) +
           blank();
  }
  Strings parts = genes;
  const size_t kind = (*random)() % 3;
  if (kind == 1) parts.push_back(control);
  if (kind == 2) parts.push_back(genes[0]);
  for (size_t k = parts.size(); k > 1; --k) std::swap(parts[k - 1], parts[(*random)() % k]);
  std::string text = blank();
  for (size_t k = 0; k < parts.size(); ++k) text += (k > 0 ? "+" : "") + blank() + parts[k];
  return text + blank();
}

// The cells written another way, by seed.
anndata::AnnData Rewritten(const Dataset& data, uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::string control = AnyOf<std::string>(
      {"ctrl", "control", "non-targeting", "NT", "DMSO", "unstimulated"}, &random);
  const auto shuffled = [&random](int64_t size) {
    std::vector<int64_t> order;
    for (int64_t k = 0; k < size; ++k) order.push_back(k);
    for (size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random() % k]);
    return order;
  };
  const auto rows = shuffled(data.n_cells()), genes = shuffled(data.n_genes());
  const DenseMatrix values = ToDense(data.values);
  DenseMatrix x(data.n_cells(), data.n_genes());
  anndata::AnnData file;
  Strings conditions, types;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t g = 0; g < genes.size(); ++g) x.At(r, g) = values.At(rows[r], genes[g]);
    file.obs.index.push_back(data.barcodes[rows[r]]);
    conditions.push_back(
        Respelled(data.conditions[data.condition[rows[r]]].name, control, &random));
    types.push_back(data.cell_types[data.cell_type[rows[r]]] + (random() % 2 == 0 ? " " : ""));
  }
  for (const int64_t g : genes) file.var.index.push_back(data.genes[g]);
  file.x = std::move(x);
  file.obs.Set("condition", conditions);
  file.obs.Set("cell_type", types);
  return file;
}

// What preparing a file gives, by names.
struct Outcome {
  std::set<std::string> held_out;
  std::map<std::pair<std::string, std::string>, float> values;  // by barcode and gene
  std::map<std::string, std::string> what;  // by barcode: genes knocked out and cell type
  double target_sum = 0, x_max = 0;
};

Outcome OutcomeOf(const anndata::AnnData& file, const PreprocessOptions& options) {
  const test::TempFolder folder;
  EXPECT_OK(anndata::WriteAnnData(file, folder.At("cells.h5ad")));
  const auto prepared = PreprocessFile(folder.At("cells.h5ad"), LoadOptions(), options);
  EXPECT_OK(prepared);
  Outcome outcome;
  if (!prepared.ok()) return outcome;
  const Dataset& data = prepared->data;
  const DenseMatrix values = ToDense(data.values);
  for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
    const std::string& barcode = data.barcodes[cell];
    if (prepared->split.test[cell]) outcome.held_out.insert(barcode);
    const Condition& condition = data.conditions[data.condition[cell]];
    outcome.what[barcode] = (condition.control ? "control" : condition.Identity()) + " in " +
                            data.cell_types[data.cell_type[cell]];
    for (int64_t g = 0; g < data.n_genes(); ++g) {
      outcome.values[{barcode, data.genes[g]}] = values.At(cell, g);
    }
  }
  outcome.target_sum = prepared->target_sum;
  outcome.x_max = prepared->x_max;
  return outcome;
}

void ExpectSame(const Outcome& found, const Outcome& expected) {
  EXPECT_EQ(found.held_out, expected.held_out);
  EXPECT_EQ(found.what, expected.what);
  EXPECT_NEAR(found.target_sum, expected.target_sum, 1e-4 * expected.target_sum);
  EXPECT_NEAR(found.x_max, expected.x_max, 1e-5);
  ASSERT_EQ(found.values.size(), expected.values.size());
  for (const auto& [key, value] : expected.values) {
    ASSERT_EQ(found.values.count(key), 1u) << key.second;
    ASSERT_NEAR(found.values.at(key), value, 1e-5) << key.first << " " << key.second;
  }
}

class RespelledTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    anndata::SetWarningHandler([](const std::string&) {});
  }
  void TearDown() override { anndata::SetWarningHandler(nullptr); }
  const Dataset data_ = test::ToyDataset(
      {"ctrl", "G1+ctrl", "G2+ctrl", "G3+ctrl", "G1+G2", "G2+X1"}, {"T", "B", "NK"}, 12);
};

TEST_P(RespelledTest, OrderAndSpellingChangeNothing) {
  PreprocessOptions options;
  options.split.kind = GetParam();
  options.split.seed = 3;
  options.genes = 7;
  const Outcome expected = OutcomeOf(ToAnnData(data_), options);
  ASSERT_FALSE(expected.held_out.empty());
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    ExpectSame(OutcomeOf(Rewritten(data_, seed), options), expected);
  }
}

TEST_P(RespelledTest, TheScaleOfTheValuesChangesNothingWhereAllGenesAreThere) {
  PreprocessOptions options;
  options.split.kind = GetParam();
  options.target_sum = "500";
  options.genes = 0;
  const anndata::AnnData counts = ToAnnData(data_);
  const Outcome expected = OutcomeOf(counts, options);
  std::mt19937_64 random(5);
  for (int k = 0; k < 8; ++k) {
    const double target = std::pow(10.0, 1 + static_cast<double>(random() % 5000) / 1000);
    const double base = k % 2 == 0 ? std::exp(1.0) : 2.0;
    SCOPED_TRACE(target);
    anndata::AnnData file = counts;
    auto& values = std::get<CsrMatrix>(file.x);
    for (int64_t r = 0; r < values.rows; ++r) {
      double sum = 0;
      for (const float value : values.RowValues(r)) sum += value;
      for (float& value : values.RowValues(r)) {
        value = static_cast<float>(std::log1p(value / sum * target) / std::log(base));
      }
    }
    // Half of those to base 2 say so.
    if (base == 2.0 && k % 4 == 1) file.uns["log1p"] = {{"base", 2.0}};
    ExpectSame(OutcomeOf(file, options), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Splits, RespelledTest,
                         ::testing::Values("cells", "conditions", "doubles", "covariates"));

TEST(HoldOutTest, NamesAConditionInAnySpelling) {
  const Dataset data = test::ToyDataset({"ctrl", "G1+ctrl", "G2+ctrl", "G1+G2"}, {"T"}, 5);
  for (const char* spelling : {"G1+G2", "G2+G1", " G2 + G1 ", "G1+G2+ctrl"}) {
    SplitOptions options;
    options.kind = "conditions";
    options.hold_out = {std::string("condition=") + spelling};
    const auto split = MakeSplit(data, options);
    ASSERT_OK(split);
    EXPECT_EQ(split->Cells(true).size(), 5u) << spelling;
    for (const int64_t cell : split->Cells(true)) EXPECT_EQ(data.condition[cell], 3);
  }
}

TEST(SameSplitTest, ComparesConditionsAsSetsOfGenes) {
  nlohmann::json a = {{"version", 2}, {"test_conditions", {"A+ctrl", "B+C"}}}, b = a;
  b["test_conditions"] = {"C+B", "A"};
  EXPECT_TRUE(SameSplit(a, b));
  b["test_conditions"] = {"C+B"};
  EXPECT_FALSE(SameSplit(a, b));
  b = a;
  b.erase("version");
  EXPECT_FALSE(SameSplit(a, b));
  EXPECT_FALSE(SameSplit(a, nlohmann::json()));
}

}  // namespace
}  // namespace unlasting::cells
