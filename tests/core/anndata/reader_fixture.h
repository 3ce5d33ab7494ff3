// ReaderFixture holds, for the tests of the reader, the .h5ad files that make_fixtures.py writes:
// the same four cells in every encoding, and files with one thing broken.
#pragma once

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "core/anndata/anndata.h"
#include "tests/support/files.h"

namespace unlasting::anndata {

// Python's anndata and h5py write the files once for each suite.
class ReaderFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    const std::string command =
        "/usr/bin/python3 tests/core/anndata/make_fixtures.py " + folder_->path().string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::string File(const std::string& name) { return folder_->At(name + ".h5ad"); }
  static std::vector<float> Dense(const Matrix& matrix) {
    return std::holds_alternative<DenseMatrix>(matrix)
               ? std::get<DenseMatrix>(matrix).values
               : ToDense(std::get<CsrMatrix>(matrix)).values;
  }
  static std::vector<std::string> Column(const DataFrame& frame, const std::string& name) {
    const auto* column = frame.Find(name);
    return column == nullptr ? std::vector<std::string>{"(absent)"} : AsStrings(*column);
  }

  static inline test::TempFolder* folder_ = nullptr;
};

}  // namespace unlasting::anndata
