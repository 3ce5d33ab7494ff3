#include <algorithm>
#include <cmath>

#include "core/anndata/describe.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "tests/core/anndata/reader_fixture.h"

namespace unlasting::anndata {
namespace {

const std::vector<float> kExpected = {1, 0, 2, 0, 3, 0, 0, 0, 0, 4, 5, 6};

class ReaderTest : public ReaderFixture {};

TEST_F(ReaderTest, ReadsTheSameMatrixFromEveryEncoding) {
  for (const char* name : {"csr", "csc", "dense", "dense64", "legacy_dense", "legacy_h5sparse",
                           "legacy_int64", "legacy_shuffled"}) {
    const auto data = ReadAnnData(File(name));
    ASSERT_OK(data);
    EXPECT_EQ(Dense(data->x), kExpected) << name;
    EXPECT_EQ(data->obs.index, (std::vector<std::string>{"a", "b", "c", "d"})) << name;
    EXPECT_EQ(data->var.index, (std::vector<std::string>{"G0", "G1", "G2"})) << name;
    EXPECT_EQ(Column(data->obs, "condition"), (std::vector<std::string>{"ctrl", "K", "", "ctrl"}))
        << name;
  }
}

TEST_F(ReaderTest, ReadsNumbersAndIndicesOfEveryTypeWholeAndByRows) {
  std::vector<std::string> names;
  for (const std::string type : {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8",
                                 "f16", "big_endian_i4", "big_endian_f4"}) {
    names.push_back("number_dense_" + type);
    names.push_back("number_sparse_" + type);
  }
  for (const std::string type : {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "big_endian_i8"}) {
    names.push_back("number_index_" + type);
  }
  for (const std::string& name : names) {
    const auto reader = OpenReader(File(name));
    ASSERT_OK(reader);
    const auto matrix = (*reader)->ReadMatrix("X");
    ASSERT_OK(matrix);
    EXPECT_EQ(Dense(*matrix), kExpected) << name;
    const auto rows = (*reader)->ReadRows("X", 2, 2);
    ASSERT_OK(rows);
    EXPECT_EQ(ToDense(*rows).values, (std::vector<float>{0, 0, 0, 4, 5, 6})) << name;
  }
}

TEST_F(ReaderTest, BooleansAndComplexNumbersAreNoExpression) {
  for (const auto& [name, words] :
       {std::make_pair("dense_bool", "X: found booleans, expected numbers"),
        std::make_pair("sparse_bool", "X/data: found booleans, expected numbers"),
        std::make_pair("dense_complex", "X: found a table, expected numbers"),
        std::make_pair("sparse_complex", "X/data: found a table, expected numbers")}) {
    const auto reader = OpenReader(File(std::string("number_") + name));
    ASSERT_OK(reader);
    const auto rows = (*reader)->ReadRows("X", 0, 2);
    ASSERT_FALSE(rows.ok()) << name;
    EXPECT_NE(rows.status().message().find(words), absl::string_view::npos) << rows.status();
  }
}

TEST_F(ReaderTest, ReadsCategoriesAndCodesOfEveryType) {
  const auto data = ReadAnnData(File("categories"));
  ASSERT_OK(data);
  using Strings = std::vector<std::string>;
  EXPECT_EQ(Column(data->obs, "of_integers"), (Strings{"3", "7", "", "3"}));
  EXPECT_EQ(Column(data->obs, "of_floats"), (Strings{"0.5", "1.5", "1.5", "0.5"}));
  EXPECT_EQ(Column(data->obs, "of_booleans"), (Strings{"false", "true", "true", "false"}));
  EXPECT_EQ(Column(data->obs, "by_unsigned_codes"), (Strings{"a", "b", "b", "a"}));
  EXPECT_EQ(Column(data->obs, "of_nothing"), (Strings{"", "", "", ""}));
  EXPECT_EQ(Column(data->obs, "half"), (Strings{"1", "2", "3", "4.5"}));
  EXPECT_EQ(Column(data->obs, "big_endian"), (Strings{"1", "2", "3", "4"}));
}

TEST_F(ReaderTest, SparseRowsComeSortedWithoutDuplicates) {
  const auto reader = OpenReader(File("legacy_shuffled"));
  ASSERT_OK(reader);
  const auto matrix = (*reader)->ReadMatrix("X");
  ASSERT_OK(matrix);
  EXPECT_EQ(std::get<CsrMatrix>(*matrix).indices, (std::vector<int32_t>{0, 2, 1, 0, 1, 2}));
}

TEST_F(ReaderTest, ReadsColumnsOfEveryKind) {
  const auto data = ReadAnnData(File("csr"));
  ASSERT_OK(data);
  EXPECT_STREQ(KindName(*data->obs.Find("condition")), "categorical");
  EXPECT_EQ(Column(data->obs, "text"), (std::vector<std::string>{"w", "x", "y", "z\u00e9"}));
  EXPECT_EQ(Column(data->obs, "number"), (std::vector<std::string>{"0.5", "1.5", "", "2.5"}));
  EXPECT_EQ(Column(data->obs, "whole"), (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_STREQ(KindName(*data->obs.Find("flag")), "boolean");
  EXPECT_EQ(Column(data->obs, "flag"), (std::vector<std::string>{"true", "false", "true", "true"}));
}

TEST_F(ReaderTest, ReadsNullableAndFixedLengthColumns) {
  const auto data = ReadAnnData(File("nullable"));
  ASSERT_OK(data);
  EXPECT_EQ(Column(data->obs, "fixed"), (std::vector<std::string>{"w", "xx", "y", "z"}));
  EXPECT_EQ(Column(data->obs, "int"), (std::vector<std::string>{"1", "", "3", "4"}));
  EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(*data->obs.Find("bool"))[1]));
  EXPECT_EQ(Column(data->obs, "string"), (std::vector<std::string>{"w", "", "y", "z"}));
}

TEST_F(ReaderTest, ReadsTheTablesOfAnndataBefore07) {
  const auto data = ReadAnnData(File("compound"));
  ASSERT_OK(data);
  EXPECT_EQ(Dense(data->x), kExpected);
  EXPECT_EQ(data->obs.index, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(data->var.index, (std::vector<std::string>{"G0", "G1", "G2"}));
  EXPECT_STREQ(KindName(*data->obs.Find("condition")), "categorical");
  EXPECT_EQ(Column(data->obs, "condition"), (std::vector<std::string>{"ctrl", "K", "", "ctrl"}));
  EXPECT_EQ(Column(data->obs, "number"), (std::vector<std::string>{"0.5", "1.5", "2.5", "3.5"}));
  EXPECT_EQ(Column(data->obs, "flag"), (std::vector<std::string>{"true", "false", "true", "true"}));
  EXPECT_EQ(Column(data->var, "length"), (std::vector<std::string>{"7", "8", "9"}));
}

TEST_F(ReaderTest, FollowsTheReferenceOfACategoricalColumn) {
  const auto data = ReadAnnData(File("reference"));
  ASSERT_OK(data);
  EXPECT_EQ(Column(data->obs, "condition"), (std::vector<std::string>{"ctrl", "K", "", "ctrl"}));
  EXPECT_TRUE(std::get<Categorical>(*data->obs.Find("condition")).ordered);
}

TEST_F(ReaderTest, UnsThatLeadsBackToItselfEnds) { ASSERT_OK(ReadAnnData(File("odd"))); }

TEST_F(ReaderTest, UnsHoldsTablesAndNullForWhatCannotBeRead) {
  const auto data = ReadAnnData(File("uns"));
  ASSERT_OK(data);
  EXPECT_EQ(data->uns["table"], (nlohmann::json{{"name", {"x", "y"}}, {"score", {1.5, 2.5}}}));
  EXPECT_EQ(data->uns["no_columns"], nlohmann::json::array());
  for (const char* name : {"promise", "other", "nothing", "wide"}) {
    EXPECT_TRUE(data->uns.at(name).is_null()) << name;
  }
}

TEST_F(ReaderTest, TextThatIsNotUtf8IsTakenForLatin1) {
  const auto data = ReadAnnData(File("uns"));
  ASSERT_OK(data);
  EXPECT_EQ(data->uns["latin"][0], "\u00b5M");
  EXPECT_EQ(Column(data->obs, "unit")[0], "\u00b5M");
  const auto description = Describe(File("uns"));
  ASSERT_OK(description);
  EXPECT_NO_THROW(description->dump());
}

TEST_F(ReaderTest, ReadsLayersEmbeddingsAndUns) {
  const auto data = ReadAnnData(File("csr"));
  ASSERT_OK(data);
  EXPECT_EQ(Dense(data->layers.at("counts"))[11], 12.0f);
  EXPECT_EQ(Cols(data->obsm.at("X_pca")), 2);
  EXPECT_EQ(data->uns["nested"]["list"], nlohmann::json({1, 2, 3}));
  EXPECT_EQ(data->uns["nested"]["word"], "w");
  EXPECT_EQ(data->uns["scalar"], 2.5);
  EXPECT_EQ(data->uns["names"], nlohmann::json({"p", "q"}));
}

TEST_F(ReaderTest, DescribesWhatAUserAsksFirst) {
  const auto description = Describe(File("csr"));
  ASSERT_OK(description);
  EXPECT_EQ((*description)["n_obs"], 4);
  EXPECT_EQ((*description)["x"], "csr");
  EXPECT_EQ((*description)["conditions"]["ctrl"], 2);
  EXPECT_EQ((*description)["obs"]["condition"]["kind"], "categorical");
  EXPECT_EQ((*description)["layers"], nlohmann::json({"counts"}));
  EXPECT_EQ((*description)["raw"], false);
}

TEST_F(ReaderTest, ReadsLzfRawVarpAndTheRecordArraysOfRankGenesGroups) {
  const auto data = ReadAnnData(File("lzf"));
  ASSERT_OK(data);
  EXPECT_EQ(Dense(data->x), kExpected);
  EXPECT_EQ(Dense(data->varp.at("near")), (std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(data->uns["rank_genes_groups"]["names"]["T_K"], nlohmann::json({"G2", "G1"}));
  EXPECT_EQ(data->uns["rank_genes_groups"]["scores"]["T_L"], nlohmann::json({-1.0, 0.5}));
  EXPECT_EQ(data->uns["rank_genes_groups"]["params"]["use_raw"], false);
  EXPECT_EQ(data->uns["rank_genes_groups_cov_all"]["T_K_1"], nlohmann::json({"G2", "G0"}));
  EXPECT_EQ(data->uns["matrix"], nlohmann::json({{0.0, 1.0}, {2.0, 3.0}}));
  const auto reader = OpenReader(File("lzf"));
  ASSERT_OK(reader);
  const auto genes = (*reader)->ReadRawVar();
  ASSERT_OK(genes);
  EXPECT_EQ(genes->index.size(), 4u);
  EXPECT_EQ(Column(*genes, "gene_name")[3], "D");
  const auto raw = (*reader)->ReadMatrix("raw/X");
  ASSERT_OK(raw);
  EXPECT_EQ(Cols(*raw), 4);
}

TEST_F(ReaderTest, ReadsElementsWithoutEncodingAttributes) {
  const auto data = ReadAnnData(File("bare"));
  ASSERT_OK(data);
  EXPECT_EQ(Dense(data->x), kExpected);
  EXPECT_EQ(Column(data->obs, "condition"), (std::vector<std::string>{"ctrl", "K", "", "ctrl"}));
  EXPECT_EQ(data->uns["nested"]["word"], "w");
}

TEST_F(ReaderTest, RangesOfRowsMakeUpTheMatrixInEveryEncoding) {
  const auto whole = ReadAnnData(File("many_csr"));
  ASSERT_OK(whole);
  const auto& expected = std::get<CsrMatrix>(whole->x);
  for (const char* name : {"many_csr", "many_csc", "many_csc_shuffled", "many_dense"}) {
    const auto reader = OpenReader(File(name));
    ASSERT_OK(reader);
    CsrMatrix joined;
    for (int64_t first = 0; first < 3000; first += 700) {
      const auto rows = (*reader)->ReadRows("X", first, std::min<int64_t>(700, 3000 - first));
      ASSERT_OK(rows);
      joined.indices.insert(joined.indices.end(), rows->indices.begin(), rows->indices.end());
      joined.values.insert(joined.values.end(), rows->values.begin(), rows->values.end());
    }
    EXPECT_EQ(joined.indices, expected.indices) << name;
    EXPECT_EQ(joined.values, expected.values) << name;
    EXPECT_EQ((*reader)->ReadRows("X", 2999, 2).status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ((*reader)->ReadRows("X", 5, 0)->rows, 0);
  }
  const auto shuffled = OpenReader(File("legacy_shuffled"));
  ASSERT_OK(shuffled);
  const auto last = (*shuffled)->ReadRows("X", 3, 1);
  ASSERT_OK(last);
  EXPECT_EQ(last->indices, (std::vector<int32_t>{0, 1, 2}));
}

TEST_F(ReaderTest, GuessesTheLayoutOfEveryPublisher) {
  const auto layout = [](const std::string& name) {
    const auto description = Describe(File(name));
    return description.ok() ? (*description)["layout"].get<std::string>()
                            : description.status().ToString();
  };
  EXPECT_EQ(layout("layout_gears"), "gears");
  EXPECT_EQ(layout("layout_scperturb"), "scperturb");
  EXPECT_EQ(layout("layout_scperturb_drugs"), "scperturb");
  EXPECT_EQ(layout("layout_chemcpa"), "chemcpa");
  EXPECT_EQ(layout("csr"), "plain");
}

TEST_F(ReaderTest, ColumnsOfUnknownKindsAreLeftOutWithAWarning) {
  std::vector<std::string> warnings;
  SetWarningHandler([&](const std::string& message) { warnings.push_back(message); });
  const auto data = ReadAnnData(File("unread"));
  const auto description = Describe(File("unread"));
  SetWarningHandler(nullptr);
  ASSERT_OK(data);
  EXPECT_EQ(Dense(data->x), kExpected);
  EXPECT_EQ(Column(data->obs, "condition"), (std::vector<std::string>{"ctrl", "K", "", "ctrl"}));
  EXPECT_EQ(Column(data->obs, "logical"), (std::vector<std::string>{"0", "1", "", "1"}));
  EXPECT_EQ(data->obs.columns.size(), 2u);
  ASSERT_EQ(data->obs.unread.size(), 3u);
  EXPECT_EQ(data->obs.unread[0].first, "colour");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0],
            File("unread") +
                ": obs: columns that cannot be read are left out: 'colour' (found another type, "
                "expected strings, numbers or booleans), 'plane' (found 2 axes, expected 1), "
                "'awkward' (found the encoding 'awkward-array', expected a categorical, a nullable "
                "array or an array)");
  EXPECT_EQ(warnings[1],
            File("unread") + ": obsm/volume: found 3 axes, expected a matrix of 2; it is left out");
  ASSERT_OK(description);
  EXPECT_EQ((*description)["obs"]["plane"]["kind"], "unread");
  EXPECT_EQ((*description)["obs"]["plane"]["why"], "found 2 axes, expected 1");
}

TEST_F(ReaderTest, XThatIsNoneAsksForALayerUnlessThereIsOne) {
  const auto reader = OpenReader(File("x_none"));
  ASSERT_OK(reader);
  EXPECT_FALSE((*reader)->Has("X"));
  EXPECT_EQ((*reader)->ReadRows("X", 0, 1).status().message(),
            File("x_none") +
                ": X: is None, expected a matrix; name one of the layers counts, other "
                "with the setting layer or the flag --layer");
  ASSERT_OK((*reader)->ReadMatrix("layers/other"));
  const auto description = Describe(File("x_none"));
  ASSERT_OK(description);
  EXPECT_FALSE(description->contains("x"));
  const auto bare = OpenReader(File("x_none_bare"));
  ASSERT_OK(bare);
  EXPECT_EQ((*bare)->MatrixShape("X").status().message(),
            File("x_none_bare") + ": X: is None, expected a matrix; the file has no layers either");
}

}  // namespace
}  // namespace unlasting::anndata
