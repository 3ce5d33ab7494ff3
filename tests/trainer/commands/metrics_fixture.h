// MetricsFixture writes, for the tests of the command metrics, small files of predicted and
// measured cells with known levels, and runs the command on them.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/anndata/writer.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "trainer/commands/metrics_command.h"

namespace unlasting::trainer {

// A group of cells of one condition and cell type.
struct Cells {
  std::string condition;
  std::string cell_type;
  int64_t count;
  float level;  // of the mean counts, or of the log1p values
};

class MetricsFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::path(::testing::TempDir()) / (std::string("metrics_") + info->name());
    std::filesystem::create_directories(folder_);
    options_.predicted = At("p.h5ad");
    options_.truth = At("t.h5ad");
    options_.control = At("t.h5ad");
    options_.threads = 2;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string At(const std::string& name) const { return (folder_ / name).string(); }

  // Counts where `counts`, else their log1p.
  void Write(const std::string& name, const std::vector<Cells>& groups,
             const std::vector<std::string>& genes, bool counts,
             const nlohmann::json& uns = nlohmann::json::object()) const {
    anndata::AnnData data;
    std::vector<std::string> conditions, cell_types;
    std::mt19937 random(7);
    std::vector<float> values;
    for (const Cells& cells : groups) {
      std::poisson_distribution<int> poisson(cells.level);
      for (int64_t k = 0; k < cells.count; ++k) {
        data.obs.index.push_back("c" + std::to_string(data.obs.index.size()));
        conditions.push_back(cells.condition);
        cell_types.push_back(cells.cell_type);
        for (size_t g = 0; g < genes.size(); ++g) {
          const auto count = static_cast<float>(poisson(random) + (g == 0 ? 1 : 0));
          values.push_back(counts ? count : std::log1p(count * 0.9f));
        }
      }
    }
    const auto n = static_cast<int64_t>(conditions.size());
    DenseMatrix x(n, static_cast<int64_t>(genes.size()));
    x.values = std::move(values);
    data.x = std::move(x);
    data.obs.Set("condition", std::move(conditions));
    data.obs.Set("cell_type", std::move(cell_types));
    data.var.index = genes;
    data.uns = uns;
    const absl::Status status = anndata::WriteAnnData(data, At(name));
    ASSERT_TRUE(status.ok()) << status;
  }

  void WriteUsual() const {
    Write("p.h5ad", {{"A+ctrl", "T", 12, 3}, {"B+ctrl", "T", 9, 1}}, {"g1", "g2", "g3"}, false);
    Write("t.h5ad", {{"A+ctrl", "T", 10, 3}, {"B+ctrl", "T", 8, 1}, {"ctrl", "T", 20, 2}},
          {"g3", "g1", "g2"}, true);
  }

  nlohmann::json RunJson() {
    options_.json = true;
    std::ostringstream out;
    err_.str("");
    const absl::Status status = RunMetrics(options_, out, err_);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? nlohmann::json::parse(out.str()) : nlohmann::json();
  }
  std::string ErrorOfRun() {
    std::ostringstream out;
    const absl::Status status = RunMetrics(options_, out, err_);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(out.str(), "");
    return std::string(status.message());
  }

  std::filesystem::path folder_;
  MetricsOptions options_;
  std::ostringstream err_;
};

}  // namespace unlasting::trainer
