// Every file under tests/data/anndata reads to what the anndata that wrote it reads from it.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

std::vector<std::string> Fixtures() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("tests/data/anndata")) {
    if (entry.path().extension() == ".h5ad") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

json ToJson(const Matrix& matrix) {
  const DenseMatrix dense = std::holds_alternative<DenseMatrix>(matrix)
                                ? std::get<DenseMatrix>(matrix)
                                : ToDense(std::get<CsrMatrix>(matrix));
  json rows = json::array();
  for (int64_t r = 0; r < dense.rows; ++r) {
    rows.push_back(std::vector<float>(dense.Row(r).begin(), dense.Row(r).end()));
  }
  return rows;
}

json ToJson(const DataFrame& frame) {
  json columns = json::object();
  for (const auto& [name, column] : frame.columns) columns[name] = AsStrings(column);
  return {{"index", frame.index}, {"columns", columns}};
}

// float64 of the reader against the float32 of ours.
void ExpectNear(const json& found, const json& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t r = 0; r < expected.size(); ++r) {
    ASSERT_EQ(found[r].size(), expected[r].size()) << what;
    for (size_t c = 0; c < expected[r].size(); ++c) {
      EXPECT_FLOAT_EQ(found[r][c].get<float>(), expected[r][c].get<float>()) << what;
    }
  }
}

class WritersTest : public ::testing::TestWithParam<std::string> {
 protected:
  WritersTest() {
    SetWarningHandler([this](const std::string& m) { warnings_.push_back(m); });
  }
  ~WritersTest() override { SetWarningHandler(nullptr); }

  std::string Path() const { return "tests/data/anndata/" + GetParam() + ".h5ad"; }
  json Expected() const { return test::ReadJson("tests/data/anndata/" + GetParam() + ".json"); }

  std::vector<std::string> warnings_;
};

TEST_P(WritersTest, ReadsWhatItsWriterReads) {
  const json expected = Expected();
  const auto data = ReadAnnData(Path());
  if (!data.ok() && expected.contains("package")) {
    // The filter is not installed here.
    EXPECT_EQ(data.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(data.status().message()),
                ::testing::AllOf(::testing::StartsWith(Path() + ": X"),
                                 ::testing::HasSubstr(expected["package"])));
    return;
  }
  ASSERT_OK(data);
  EXPECT_EQ(ToJson(data->obs), expected["obs"]);
  EXPECT_EQ(ToJson(data->var), expected["var"]);
  if (expected["x"].is_null()) {
    EXPECT_EQ(Rows(data->x), 0);
  } else {
    ExpectNear(ToJson(data->x), expected["x"], "X");
  }
  ASSERT_EQ(data->layers.size(), expected["layers"].size());
  for (const auto& [name, layer] : expected["layers"].items()) {
    ExpectNear(ToJson(data->layers.at(name)), layer, name);
  }
  const auto reader = OpenReader(Path());
  ASSERT_OK(reader);
  EXPECT_EQ((*reader)->Has("raw"), !expected["raw"].is_null());
  if (!expected["raw"].is_null()) {
    const auto raw = (*reader)->ReadMatrix("raw/X");
    ASSERT_OK(raw);
    ExpectNear(ToJson(*raw), expected["raw"], "raw/X");
    ASSERT_OK((*reader)->ReadRawVar());
  }
  EXPECT_THAT(warnings_, ::testing::IsEmpty());
}

TEST_P(WritersTest, RowsAreThoseOfTheMatrixAndAnOnlyLayerStandsInForX) {
  const json expected = Expected();
  const auto reader = OpenReader(Path());
  ASSERT_OK(reader);
  const auto rows = (*reader)->ReadRows("X", 1, 3);
  if (!rows.ok() && expected.contains("package")) {
    EXPECT_THAT(std::string(rows.status().message()), ::testing::HasSubstr(expected["package"]));
    return;
  }
  ASSERT_OK(rows);
  json matrix = expected["x"].is_null() ? expected["layers"]["counts"] : expected["x"];
  matrix.erase(0);
  ExpectNear(ToJson(Matrix(*rows)), matrix, "X");
  EXPECT_EQ((*reader)->Has("X"), !expected["x"].is_null());
  if (expected["x"].is_null()) {
    EXPECT_THAT(warnings_,
                ::testing::ElementsAre(Path() + ": X is None; its only layer, 'counts', is read "
                                                "in its place"));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, WritersTest, ::testing::ValuesIn(Fixtures()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace unlasting::anndata
