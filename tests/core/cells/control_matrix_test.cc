#include "core/cells/control_matrix.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::cells {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Three cells of two genes.
ControlMatrix Whole() {
  ControlMatrix whole;
  whole.genes = {"A", "B"};
  return whole;
}
ControlMatrix Part() {
  ControlMatrix part;
  DenseMatrix values(3, 2);
  values.values = {0.5f, 0, 1.5f, 2, 0, 3};
  part.values = ToCsr(values);
  part.cell_types = {"T0", "T0", "T1"};
  return part;
}

// (field, reason) of each fault.
std::vector<std::pair<std::string, std::string>> FaultsOf(
    const std::function<void(ControlMatrix*)>& spoil, ControlMatrix whole = Whole()) {
  ControlMatrix part = Part();
  spoil(&part);
  const int64_t rows = whole.values.rows;
  ControlFaults faults;
  AppendCells(std::move(part), &whole, &faults);
  EXPECT_EQ(whole.values.rows, rows + (faults.empty() ? 3 : 0)) << "only sound parts are appended";
  std::vector<std::pair<std::string, std::string>> found;
  for (const ControlFault& fault : faults) {
    EXPECT_FALSE(fault.message.empty());
    found.emplace_back(fault.field, fault.reason);
  }
  return found;
}

TEST(ControlMatrix, PartsAddUp) {
  ControlMatrix whole = Whole();
  ControlFaults faults;
  ControlMatrix part = Part();
  part.barcodes = {"a", "b", "c"};
  AppendCells(part, &whole, &faults);
  AppendCells(part, &whole, &faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_EQ(whole.values.rows, 6);
  EXPECT_THAT(ToDense(whole.values).values,
              ElementsAre(0.5f, 0, 1.5f, 2, 0, 3, 0.5f, 0, 1.5f, 2, 0, 3));
  EXPECT_EQ(whole.cell_types.size(), 6u);
  EXPECT_EQ(whole.barcodes[5], "c");
  EXPECT_GT(whole.Bytes(), part.Bytes());
}

TEST(ControlMatrix, ValuesMustBeFiniteAndNotNegative) {
  for (const float value : {std::nanf(""), INFINITY, -INFINITY, -1.0f}) {
    EXPECT_THAT(FaultsOf([&](auto* part) { part->values.values[1] = value; }),
                ElementsAre(Pair("matrix", "INVALID_VALUE")))
        << value;
  }
  ControlMatrix whole = Whole(), part = Part();
  part.values.values[3] = -2;
  ControlFaults faults;
  AppendCells(part, &whole, &faults);
  EXPECT_THAT(std::string(ToStatus(faults).message()),
              HasSubstr("cell 2, gene 'B': found the value -2"));
  EXPECT_EQ(ReasonOf(ToStatus(faults)), "INVALID_VALUE");
  EXPECT_TRUE(absl::IsInvalidArgument(ToStatus(faults)));
}

TEST(ControlMatrix, ValuesMustAgreeWithTheKind) {
  EXPECT_THAT(FaultsOf([](auto* part) { part->values.values[0] = 4000; }),
              ElementsAre(Pair("matrix", "INVALID_VALUE")));
  EXPECT_THAT(FaultsOf([](auto* part) {
                for (float& value : part->values.values) value = 1;
              }),
              ElementsAre(Pair("matrix", "INVALID_VALUE")))
      << "only integers are counts";
  ControlMatrix counts = Whole();
  counts.kind = MatrixKind::kCounts;
  EXPECT_THAT(FaultsOf([](auto*) {}, counts), ElementsAre(Pair("matrix", "INVALID_VALUE")))
      << "fractions are not counts";
  EXPECT_THAT(FaultsOf(
                  [](auto* part) {
                    for (float& value : part->values.values) value = 4000;
                  },
                  counts),
              IsEmpty());
}

TEST(ControlMatrix, ShapesMustAgree) {
  EXPECT_THAT(FaultsOf([](auto* part) { part->values.cols = 3; }),
              ElementsAre(Pair("matrix", "INVALID_SHAPE")));
  EXPECT_THAT(FaultsOf([](auto* part) { *part = ControlMatrix(); }),
              ElementsAre(Pair("matrix", "NO_CELLS")));
  EXPECT_THAT(FaultsOf([](auto* part) { part->cell_types.pop_back(); }),
              ElementsAre(Pair("cell_types", "INVALID_SHAPE")));
  EXPECT_THAT(FaultsOf([](auto* part) { part->barcodes = {"a"}; }),
              ElementsAre(Pair("cell_ids", "INVALID_SHAPE")));
  ControlMatrix hashed;
  hashed.gene_list_hash = "h";
  ControlFaults faults;
  AppendCells(Part(), &hashed, &faults);
  ASSERT_THAT(faults, IsEmpty());
  EXPECT_THAT(FaultsOf([](auto* part) { part->values.cols = 3; }, hashed),
              ElementsAre(Pair("matrix", "INVALID_SHAPE")));
  EXPECT_THAT(FaultsOf(
                  [](auto* part) {
                    part->barcodes = {"a", "b", "c"};
                  },
                  hashed),
              ElementsAre(Pair("cell_ids", "INVALID_SHAPE")))
      << "the cells before have none";
}

TEST(ControlMatrix, LibrarySizesAreOfCountsAndAboveZero) {
  EXPECT_THAT(FaultsOf([](auto* part) {
                part->library_sizes = {1, 2, 3};
              }),
              ElementsAre(Pair("library_sizes", "INVALID_OPTION")));
  ControlMatrix counts = Whole();
  counts.kind = MatrixKind::kCounts;
  const auto faults = [&](const std::vector<double>& sizes) {
    return FaultsOf(
        [&](auto* part) {
          for (float& value : part->values.values) value = 2;
          part->library_sizes = sizes;
        },
        counts);
  };
  EXPECT_THAT(faults({1, 2, 3}), IsEmpty());
  for (const double size : {0.0, -1.0, 5e-324, 1e-300, HUGE_VAL}) {
    EXPECT_THAT(faults({1, size, 3}), ElementsAre(Pair("library_sizes", "INVALID_VALUE"))) << size;
  }
  EXPECT_THAT(faults({1, std::nan(""), 3}), ElementsAre(Pair("library_sizes", "INVALID_VALUE")));
  EXPECT_THAT(faults({1, 2}), ElementsAre(Pair("library_sizes", "INVALID_SHAPE")));
}

TEST(ControlMatrix, AllViolationsAreFoundAtOnce) {
  EXPECT_THAT(
      FaultsOf([](auto* part) {
        part->values.values[0] = -1;
        part->values.cols = 3;
        part->cell_types.clear();
        part->barcodes = {"a"};
        part->library_sizes = {0, 0, 0};
      }),
      ElementsAre(Pair("matrix", "INVALID_SHAPE"), Pair("matrix", "INVALID_VALUE"),
                  Pair("cell_types", "INVALID_SHAPE"), Pair("cell_ids", "INVALID_SHAPE"),
                  Pair("library_sizes", "INVALID_VALUE"), Pair("library_sizes", "INVALID_OPTION")));
}

TEST(ControlMatrix, GeneNamesAreDistinct) {
  ControlFaults faults;
  CheckGenes({"A", "B"}, &faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_TRUE(ToStatus(faults).ok());
  CheckGenes({"A", "B", "A"}, &faults);
  CheckGenes({}, &faults);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].reason, "DUPLICATE_GENE");
  EXPECT_EQ(faults[1].reason, "INVALID_SHAPE");
  EXPECT_EQ(ToStatus(faults).message(),
            "genes: found 'A' twice, expected distinct names; "
            "genes: found no names, expected one per column");
}

}  // namespace
}  // namespace unlasting::cells
