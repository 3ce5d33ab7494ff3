#include "core/cells/obs_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/anndata/warnings.h"

namespace unlasting::cells {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClustersTest : public ::testing::Test {
 protected:
  ClustersTest() {
    anndata::SetWarningHandler([this](const std::string& w) { warnings_.push_back(w); });
    obs_.index = {"a", "b", "c", "d"};
  }
  ~ClustersTest() override { anndata::SetWarningHandler(nullptr); }

  std::vector<std::string> Warnings(const std::string& column,
                                    const std::vector<std::string>& values) {
    warnings_.clear();
    anndata::DataFrame obs = obs_;
    obs.Set(column, values);
    WarnOfClusters("cells.h5ad", obs, options_);
    return warnings_;
  }

  anndata::DataFrame obs_;
  LoadOptions options_;
  std::vector<std::string> warnings_;
};

TEST_F(ClustersTest, AreNamedWhereNoColumnNamesTheCellTypes) {
  for (const char* name : {"leiden", "leiden_0.5", "louvain", "seurat_clusters", "RNA_snn_res.0.8",
                           "Cluster", "SubType"}) {
    EXPECT_THAT(Warnings(name, {"0", "1", "0", "1"}),
                ElementsAre(HasSubstr(std::string("obs column '") + name +
                                      "' holds 2 clusters; if they are cell types, use --set "
                                      "cell_type_column=" +
                                      name)));
  }
  obs_.Set("cell_type", std::vector<std::string>{"", "NA", "", ""});
  EXPECT_THAT(Warnings("leiden_1", {"0", "1", "0", "1"}), ::testing::SizeIs(1))
      << "a column without a value names nothing";
}

TEST_F(ClustersTest, ArePassedOverWhereTypesAreNamedOrNothingIsToldApart) {
  EXPECT_THAT(Warnings("leiden", {"0", "0", "0", "0"}), IsEmpty()) << "one cluster";
  EXPECT_THAT(Warnings("leiden", {"0", "1", "2", "3"}), IsEmpty()) << "a value for every cell";
  EXPECT_THAT(Warnings("batch", {"0", "1", "0", "1"}), IsEmpty());
  options_.cell_type_column = "";
  EXPECT_THAT(Warnings("leiden", {"0", "1", "0", "1"}), IsEmpty()) << "the user settled it";
  options_ = LoadOptions();
  obs_.Set("cell_type", std::vector<std::string>{"T", "T", "B", "B"});
  EXPECT_THAT(Warnings("leiden", {"0", "1", "0", "1"}), IsEmpty());
}

}  // namespace
}  // namespace unlasting::cells
